"""Topics and places: the index with its map, and what editions carried on each of them."""

from flask import Response, render_template, request, url_for

from app import i18n
from app.clock import now
from app.editions.clippings import Clip, clippings, topic_counts
from app.errors import NotFound
from app.i18n import gettext
from app.topics.tiles import continents, shade_of, shades
from app.topics.topic import Topic, TopicKind
from app.web import product, taxonomy_in_use
from app.web.public import LANGUAGE, bp
from app.web.public.about import About, about_page, absolute, edition_feeds, topic_feeds
from app.web.public.caching import cached
from app.web.public.errata import corrected_on

PAGE_LENGTH = 30
TOPIC = f"/{LANGUAGE}/topics/<any(theme, place, region):kind>/<name>"


@bp.get(f"/{LANGUAGE}/topics", provide_automatic_options=False)
def topics(language: str) -> Response:
    """Show which places and themes the articles of the last year were about, on a map and in tables."""
    counts = counts_by_topic(language)
    taxonomy = taxonomy_in_use()
    places = dict(carried(taxonomy.of_kind(TopicKind.PLACE, language), counts))
    page = render_template(
        "public/topics.html",
        about=_about_topics(language),
        taxonomy=taxonomy,
        counts=counts,
        places=places,
        themes=carried(taxonomy.of_kind(TopicKind.THEME, language), counts),
        regions=carried(taxonomy.of_kind(TopicKind.REGION, language), counts),
        continents=continents(),
        shades=shades(places.values()),
        shade_of=shade_of,
    )
    return cached(page)


@bp.get(TOPIC, provide_automatic_options=False)
def topic(language: str, kind: str, name: str) -> Response:
    """Show what editions in this language carried on a topic, newest first, a page at a time."""
    found = topic_asked(kind, name)
    before = before_asked()
    clips = clips_on(found, language, before=before, length=PAGE_LENGTH)
    page = render_template(
        "public/topic.html",
        about=_about_topic(found, clips, language, before),
        topic=found,
        taxonomy=taxonomy_in_use(),
        clips=clips,
        corrected_on=corrected_on(clips),
        older=clips[-1].number if len(clips) == PAGE_LENGTH else None,
        is_first=before is None,
    )
    return cached(page)


def topic_asked(kind: str, name: str) -> Topic:
    """Return the topic that an address names. Raises NotFound."""
    found = taxonomy_in_use().topics.get(f"{kind}:{name}")
    if found is None:
        raise NotFound("no such topic")
    return found


def clips_on(topic: Topic, language: str, *, before: int | None = None, length: int) -> list[Clip]:
    """Return clippings on a topic; on a region, those on its countries too."""
    config = product().config
    with product().database.reading() as session:
        return clippings(
            session,
            language=language,
            topics=(topic.key, *topic.countries),
            before=before,
            length=length,
            publication=config.identity.publication,
            now=now(),
        )


def counts_by_topic(language: str) -> dict[str, int]:
    """Return how many clippings carry each topic, and all of them under ""."""
    regions = {topic.key: topic.countries for topic in taxonomy_in_use().of_kind(TopicKind.REGION, language)}
    with product().database.reading() as session:
        return dict(topic_counts(session, language=language, regions=regions, now=now()))


def before_asked() -> int | None:
    """Return the number that the address asks for clippings before; None where it names none."""
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def carried(topics: list[Topic], counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return the keys of the topics that something was carried on, with how much, the most first, then by name."""
    found = [(topic.key, counts[topic.key]) for topic in topics if topic.key in counts]
    return sorted(found, key=lambda each: -each[1])


def place_of(clip: Clip, language: str) -> str:
    """Return the path of a clipping's place in its edition."""
    page = url_for("public.archived_edition", language=language, public_id=clip.edition_public_id)
    return f"{page}#article-{clip.place}"


def _about_topics(language: str) -> About:
    return about_page(
        lambda code: url_for("public.topics", language=code),
        language,
        title=gettext(language, "Topics and places"),
        description=gettext(
            language, "Where the news of our editions took place and what it was about: a map, and every topic."
        ),
        feeds=edition_feeds(language),
    )


def _about_topic(topic: Topic, clips: list[Clip], language: str, before: int | None) -> About:
    kind, _, name = topic.key.partition(":")
    label = topic.labels[language]
    return about_page(
        lambda code: url_for("public.topic", language=code, kind=kind, name=name),
        language,
        title=label,
        description=gettext(
            language, "%(topic)s: the articles that our editions chose, newest first, with their sources.", topic=label
        ),
        feeds=topic_feeds(language, kind=kind, name=name, label=label),
        query={"before": before} if before else None,
        is_indexed=bool(clips),
        languages=[code for code in i18n.LANGUAGES if code == language or clips_on(topic, code, length=1)],
        listed=[(clip.piece.link or absolute(place_of(clip, language)), clip.piece.title) for clip in clips],
    )
