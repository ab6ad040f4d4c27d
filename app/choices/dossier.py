"""What a reader has chosen, for them to see: the topics by their keys, for programs, and by their names."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.choices.choosing import chosen_by
from app.newsletters.models import Newsletter
from app.product import Teller
from app.subscriptions.models import Subscription
from app.topics.taxonomy import Taxonomy, load
from config import Config


def tellers(config: Config) -> Mapping[str, Teller]:
    """Return what gathers the choices of a reader."""
    return {"choices": partial(choices, config=config)}


def choices(session: Session, subscriber_id: int, *, config: Config) -> Sequence[Mapping[str, object]]:
    """Return what a reader chose in each of their subscriptions; nothing of one in which they chose nothing."""
    found = session.scalars(
        select(Subscription).where(Subscription.subscriber_id == subscriber_id).order_by(Subscription.id)
    )
    taxonomy = load(config.topics_file)
    return [row for each in found if (row := _row(session, each, taxonomy))]


def _row(session: Session, subscription: Subscription, taxonomy: Taxonomy) -> Mapping[str, object] | None:
    if not (subscription.profile_id or subscription.rhythm_id or subscription.covered_until):
        return None
    chosen, language = chosen_by(session, subscription), subscription.language
    timing = chosen.timing
    return {
        "newsletter": session.get_one(Newsletter, subscription.newsletter_id).in_language(language).name,
        "language": language,
        "also_reads": list(chosen.interests.also_reads),
        "followed": _named(taxonomy, chosen.interests.followed, language),
        "left_out": _named(taxonomy, chosen.interests.muted, language),
        "cadence": timing and timing.cadence.value,
        "hour": timing and timing.hour,
        "day": timing and timing.day,
        "timezone": timing and timing.timezone,
        "gets_flashes": subscription.gets_flashes,
        "covered_until": subscription.covered_until,
    }


def _named(taxonomy: Taxonomy, topics: Iterable[str], language: str) -> list[dict[str, str]]:
    return [{"topic": topic, "name": taxonomy.label(topic, language)} for topic in sorted(topics)]
