"""Choosing: a confirmed reader's interests and timing, each recorded as an act without what was chosen.

What somebody follows may tell of their opinions (GDPR art. 9): it stands in their row alone, and goes with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.choices.choices import Interests, Timing
from app.choices.models import Cadence, Profile, Rhythm
from app.db import insert_into
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock_confirmed
from app.subscriptions.models import Subscription
from app.subscriptions.wishes import Wish


@dataclass(frozen=True)
class Chosen:
    """What a reader reads and when; without timing, as the newsletter comes."""

    interests: Interests
    timing: Timing | None


def choose(
    session: Session, *, public_id: str, interests: Interests, timing: Timing | None, since: datetime, now: datetime
) -> Subscription:
    """Store what a reader chose; from then on they get what arrived after `since`, and nothing they got before.

    Without timing they get digests when the newsletter comes. Raises NotFound, TransitionRefused where they have left.
    """
    subscription = lock_confirmed(session, public_id)
    if chosen_by(session, subscription) == Chosen(interests, timing):
        return subscription
    wish = find_wish(session, chosen=Chosen(interests, timing))
    if wish.rhythm_id != subscription.rhythm_id:
        subscription.covered_until = min(since, subscription.covered_until or since)
    subscription.profile_id, subscription.rhythm_id = wish.profile_id, wish.rhythm_id
    subscription.gets_flashes = wish.gets_flashes
    act = Act(ConsentKind.CHOICES_CHANGED, ConsentMethod.PREFERENCES, now, subscription.language)
    record_act(session, subscription, act)
    return subscription


def find_wish(session: Session, *, chosen: Chosen) -> Wish:
    """Return the rows of what was chosen, made where there are none, and held."""
    timing = chosen.timing
    return Wish(
        profile_id=None if chosen.interests == Interests() else profile_id(session, chosen.interests),
        rhythm_id=None if timing is None else rhythm_id(session, timing),
        gets_flashes=timing is not None and timing.cadence is Cadence.REAL_TIME,
    )


def chosen_by(session: Session, subscription: Subscription) -> Chosen:
    """Return what a reader has chosen, or what they get unasked."""
    profile = session.get(Profile, subscription.profile_id) if subscription.profile_id else None
    rhythm = session.get(Rhythm, subscription.rhythm_id) if subscription.rhythm_id else None
    return Chosen(
        interests_of(profile) if profile else Interests(),
        timing_of(rhythm) if rhythm else None,
    )


def interests_of(profile: Profile) -> Interests:
    """Return the interests that readers of a profile share."""
    return Interests(tuple(profile.also_reads), frozenset(profile.followed), frozenset(profile.muted))


def timing_of(rhythm: Rhythm) -> Timing:
    """Return the timing that readers of a rhythm share."""
    return Timing(rhythm.cadence, rhythm.hour, rhythm.day, rhythm.timezone)


def profile_id(session: Session, interests: Interests) -> int:
    """Return the id of the row that all with these interests share, made where there is none, and hold it."""
    values = {
        "digest": interests.digest,
        "also_reads": list(interests.also_reads),
        "followed": sorted(interests.followed),
        "muted": sorted(interests.muted),
    }
    return _shared(session, Profile, values, ["digest"])


def rhythm_id(session: Session, timing: Timing) -> int:
    """Return the id of the row that all with this timing share, made where there is none, and hold it."""
    values = {"cadence": timing.cadence, "hour": timing.hour, "day": timing.day, "timezone": timing.timezone}
    return _shared(session, Rhythm, values, list(values))


def _shared(session: Session, table: type[Profile | Rhythm], values: Mapping[str, object], key: list[str]) -> int:
    # To write the row anew holds it, in the same statement that looks for it: else what nobody has could go in between.
    insert = insert_into(session, table).values(values)
    upsert = insert.on_conflict_do_update(index_elements=key, set_={name: insert.excluded[name] for name in values})
    row_id: int = session.execute(upsert.returning(table.id)).scalar_one()
    return row_id
