"""What the wire shows: which stories are asked for, and all that stands in their rows, in a handful of queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import request
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.articles.floods import held_floods
from app.articles.models import Article, Flood, Source
from app.clock import now
from app.digests.models import Flash
from app.i18n import LANGUAGES
from app.stories.models import Story
from app.stories.wire import (
    Place,
    StoryPage,
    StoryState,
    Wanted,
    arrivals,
    articles_of,
    page_of_stories,
    pinned_stories,
    stories_with,
)
from app.topics.corrections import topics_of
from app.topics.models import ArticleTopic
from app.topics.taxonomy import Taxonomy
from app.topics.word_index import TEXT_MAX, asked_words
from app.web.admin.listing import PAGE_LENGTH, asked_before, whole
from app.web.admin.wire.naming import topic_named
from app.web.forms import printable

#: How far back one may look, in days.
SINCE: Mapping[str, int] = {"day": 1, "days": 3, "week": 7, "month": 30}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What the address asks for, as far as it can be understood; it stands in the form again."""

    q: str = ""
    language: str = ""
    source: str = ""
    topic: str = ""
    place: str = ""
    since: str = ""
    state: str = ""
    order: str = ""

    @property
    def filters(self) -> dict[str, str]:
        """What is asked, for an address."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class StoryRow:
    """A story as its row shows it: the best article first, those of the desk's language before others.

    `kept`: until when each of its articles is kept back that is, by id.
    """

    story: Story
    articles: Sequence[Article]
    topics: Sequence[ArticleTopic]
    flashed: bool
    kept: Mapping[int, datetime]

    @property
    def lead(self) -> Article:
        """The article in whose words the story is told."""
        return self.articles[0]

    @property
    def other_language(self) -> Article | None:
        """The best article in another language, if there is one."""
        return next((each for each in self.articles if each.language != self.lead.language), None)

    @property
    def number(self) -> int:
        """How many articles tell it; not all of them are shown."""
        return max(sum(self.story.languages.values()), len(self.articles))


@dataclass(frozen=True)
class Board:
    """All that the page shows."""

    asked: Asked
    pinned: Sequence[StoryRow]
    rows: Sequence[StoryRow]
    arrivals: Sequence[Article]
    before: str | None
    is_cut: bool
    sources: Sequence[Row[int, str, str | None]]
    floods: Sequence[Flood]

    @property
    def broken(self) -> list[str]:
        """The names of the feeds whose last fetch failed."""
        return [source.name for source in self.sources if source.failure]


def asked_of_wire() -> Asked:
    """Return what the address asks for."""
    asked = {name: printable(request.args.get(name, "")).strip()[:TEXT_MAX] for name in vars(Asked())}
    allowed: dict[str, Collection[str]] = {
        "language": LANGUAGES, "since": SINCE, "state": set(StoryState), "order": {"newest"},
    }  # fmt: skip
    known = {name: value for name, value in asked.items() if name not in allowed or value in allowed[name]}
    if "source" in known:
        try:
            known["source"] = str(whole(known["source"])) if known["source"] else ""
        except ValueError:
            known["source"] = ""
    return Asked(**known)


def wire_board(session: Session, asked: Asked, *, taxonomy: Taxonomy, language: str) -> Board:
    """Return what the page shows of what is asked, for an editor who reads `language` first."""
    at = now()
    wanted, words = _wanted(asked, taxonomy, at), asked_words(asked.q)
    is_first = request.args.get("before") is None
    page = _page(session, wanted, asked, words)
    has_pins = is_first and not words and wanted.state is None
    pinned = list(pinned_stories(session, wanted)) if has_pins else []
    rows = story_rows(session, [*pinned, *page.stories], language=language, at=at)
    is_whole = is_first and not asked.filters
    return Board(
        asked=asked,
        pinned=rows[: len(pinned)],
        rows=rows[len(pinned) :],
        arrivals=arrivals(session) if is_whole else [],
        before=_written(page.before),
        is_cut=page.is_cut,
        sources=session.execute(select(Source.id, Source.name, Source.failure).order_by(Source.name)).all(),
        floods=session.scalars(held_floods()).all() if is_whole else [],
    )


def story_rows(session: Session, stories: Sequence[Story], *, language: str, at: datetime) -> list[StoryRow]:
    """Return what the rows of these stories show, in their order; a story without articles has none."""
    articles = articles_of(session, [story.id for story in stories], language)
    ids = [article.id for of_story in articles.values() for article in of_story]
    flashed = set(session.scalars(select(Flash.article_id).where(Flash.article_id.in_(ids))))
    leads = [of_story[0].id for of_story in articles.values() if of_story]
    carried = defaultdict[int, list[ArticleTopic]](list)
    for topic in session.scalars(topics_of(leads)):
        carried[topic.article_id].append(topic)
    return [
        StoryRow(
            story=story,
            articles=told,
            topics=carried[told[0].id],
            flashed=any(article.id in flashed for article in told),
            kept={each.id: each.embargo_until for each in told if each.embargo_until and each.embargo_until > at},
        )
        for story in stories
        if (told := articles[story.id])
    ]


def _page(session: Session, wanted: Wanted, asked: Asked, words: tuple[str, ...]) -> StoryPage:
    if asked.q and not words:
        return StoryPage([], None)
    if words:
        return stories_with(session, wanted, words=words, before=asked_before(), length=PAGE_LENGTH)
    by = Story.last_at if asked.order else Story.ranks_at
    return page_of_stories(session, wanted, by=by, before=_asked_place(), length=PAGE_LENGTH)


def _wanted(asked: Asked, taxonomy: Taxonomy, at: datetime) -> Wanted:
    topics = [_with_countries(taxonomy, text) for text in (asked.topic, asked.place) if text]
    return Wanted(
        now=at,
        flashes=select(Flash.article_id),
        language=asked.language or None,
        source_id=int(asked.source) if asked.source else None,
        topics=tuple(topics),
        since=at - timedelta(days=SINCE[asked.since]) if asked.since else None,
        state=StoryState(asked.state) if asked.state else None,
    )


def _with_countries(taxonomy: Taxonomy, text: str) -> frozenset[str]:
    """Return the key of a topic and, of a region, those of its countries; of no topic, none."""
    topic = taxonomy.topics.get(topic_named(taxonomy, text))
    return frozenset({topic.key, *topic.countries}) if topic else frozenset()


def _asked_place() -> Place | None:
    """Return the place that the address asks for stories below: a time in microseconds and an id."""
    try:
        at, _, story_id = request.args.get("before", "").partition(".")
        return EPOCH + timedelta(microseconds=whole(at)), whole(story_id)
    except (ValueError, OverflowError):
        return None


def _written(place: Place | int | None) -> str | None:
    if place is None or isinstance(place, int):
        return None if place is None else str(place)
    return f"{(place[0] - EPOCH) // timedelta(microseconds=1)}.{place[1]}"
