"""What Today shows, read in a handful of statements, none of which counts readers or copies."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.articles.models import Article
from app.delivery.senders import WarmUpPlan
from app.editions.compile import new_articles
from app.editions.lines import Compilation, Line, Schedule, last_window_end, search_start
from app.editions.models import Edition, EditionStatus, whole_editions
from app.editions.records import EditionCount
from app.newsletters.models import Newsletter
from app.readership.tallies import Readership, read_readership
from app.stories.choosing import best_article
from app.stories.models import Story
from app.stories.ranking import Standing, rank
from app.web.admin.choice import Choice, choose
from app.web.admin.today.decisions import Decision, read_decisions

SHOWN_EDITIONS, SHOWN_STORIES = 5, 5
#: Days of readers won and lost.
SHOWN_DAYS = 30
#: What came in is what came in since this time yesterday, and counting stops there.
NEWS = timedelta(days=1)
COUNTED_STORIES, COUNTED_ARTICLES = 2_000, 999


@dataclass(frozen=True)
class TopStory:
    """A story by the article that an admin reads first, and how many independent sources tell it."""

    article: Article
    sources: int
    is_pinned: bool


@dataclass(frozen=True)
class News:
    """Stories that began since yesterday; of one in two languages each language counts."""

    number: int
    by_language: Mapping[str, int]
    top: Sequence[TopStory]

    @property
    def is_cut(self) -> bool:
        """Whether there are more than were counted."""
        return self.number >= COUNTED_STORIES


@dataclass(frozen=True)
class NextDigest:
    """What a language's next digest would be made of: articles that arrived since the last window."""

    language: str
    schedule: Schedule | None
    last: Compilation | None
    new_articles: int


@dataclass(frozen=True)
class Overview:
    """One look at the desk."""

    choice: Choice
    warms_up: bool
    news: News
    editions: Sequence[tuple[Edition, EditionCount | None]]
    digests: Sequence[NextDigest]
    decisions: Sequence[Decision]
    readership: Readership

    @property
    def newsletter(self) -> Newsletter:
        """The newsletter that is looked at."""
        return self.choice.newsletter

    @property
    def on_their_way(self) -> list[tuple[Edition, EditionCount | None]]:
        """The editions that are being sent, or are paused."""
        return [each for each in self.editions if each[0].status in (EditionStatus.SENDING, EditionStatus.PAUSED)]


def desk_overview(session: Session, *, email: str, language: str, zone: str, now: datetime) -> Overview:
    """Read everything that Today shows to the admin `email`, who reads `language`.

    Wants a session that sees one moment. Digests, editions and readers are those of the newsletter that is looked at;
    what waits is the whole desk's.
    """
    whole = (
        select(Newsletter, WarmUpPlan.newsletter_id).order_by(Newsletter.id).options(joinedload(Newsletter.languages))
    )
    is_open = sa.and_(WarmUpPlan.newsletter_id == Newsletter.id, WarmUpPlan.ended_at.is_(None))
    plans = {each: plan for each, plan in session.execute(whole.outerjoin(WarmUpPlan, is_open)).unique()}  # noqa: C416
    choice = choose(list(plans))
    newsletter = choice.newsletter
    return Overview(
        choice=choice,
        warms_up=plans[newsletter] is not None,
        news=_read_news(session, language, now),
        editions=_last_editions(session, newsletter.id),
        digests=_next_digests(session, newsletter, now),
        decisions=read_decisions(session, email=email, now=now),
        readership=read_readership(session, newsletter_id=newsletter.id, zone=zone, days=SHOWN_DAYS, now=now),
    )


def _read_news(session: Session, language: str, now: datetime) -> News:
    since = now - NEWS
    fresh = select(Story).where(
        Story.last_at > since, Story.first_at > since, Story.muted_at.is_(None), Story.merged_into_id.is_(None)
    )
    stories = session.scalars(fresh.order_by(Story.last_at.desc(), Story.id.desc()).limit(COUNTED_STORIES)).all()
    standings = [
        Standing(story.id, story.sources, story.last_at, is_pinned=story.pinned_at is not None) for story in stories
    ]
    first = rank(standings, now)[:SHOWN_STORIES]
    by_language: Counter[str] = Counter()
    for story in stories:
        by_language.update(code for code, number in story.languages.items() if number)
    told = select(Article).where(Article.story_id.in_([each.story_id for each in first]), Article.flood_id.is_(None))
    articles: dict[int | None, list[Article]] = {}
    for article in session.scalars(told):
        articles.setdefault(article.story_id, []).append(article)
    sources = {story.id: story.sources for story in stories}
    top = [
        TopStory(best_article(articles[each.story_id], [language]), sources[each.story_id], each.is_pinned)
        for each in first
        if each.story_id in articles
    ]
    return News(len(stories), by_language, top)


def _last_editions(session: Session, newsletter_id: int) -> Sequence[tuple[Edition, EditionCount | None]]:
    """Return a newsletter's newest editions and their counts; those on their way first, however old they are."""
    is_over = Edition.status.not_in((EditionStatus.SENDING, EditionStatus.PAUSED))
    theirs = whole_editions().where(Edition.newsletter_id == newsletter_id)
    last = theirs.add_columns(EditionCount).outerjoin(EditionCount)
    rows = session.execute(last.order_by(is_over, Edition.id.desc()).limit(SHOWN_EDITIONS))
    return [(edition, count) for edition, count in rows]


def _next_digests(session: Session, newsletter: Newsletter, now: datetime) -> list[NextDigest]:
    """Return the digest of each language, for all readers who chose no rhythm of their own."""
    is_usual = sa.and_(Schedule.newsletter_id == newsletter.id, Schedule.rhythm_id.is_(None))
    schedules = {schedule.language: schedule for schedule in session.scalars(select(Schedule).where(is_usual))}
    last = _last_compilations(session, newsletter)
    lines = {face.language: Line(newsletter.id, face.language) for face in newsletter.languages}
    ends = session.execute(select(*(last_window_end(line).scalar_subquery() for line in lines.values()))).one()
    parts = []
    for (language, line), last_end in zip(lines.items(), ends, strict=True):
        since = search_start(last_end, now)
        fresh = new_articles(line, since=since, until=now, now=now, limit=COUNTED_ARTICLES).subquery()
        parts.append(select(sa.literal(language), sa.func.count()).select_from(fresh))
    counts = {language: number for language, number in session.execute(sa.union_all(*parts))}  # noqa: C416 - a Row
    return [
        NextDigest(face.language, schedules.get(face.language), last.get(face.language), counts[face.language])
        for face in newsletter.languages
    ]


def _last_compilations(session: Session, newsletter: Newsletter) -> dict[str, Compilation]:
    parts = []
    for face in newsletter.languages:
        ids = select(Compilation.id).where(Line(newsletter.id, face.language).holds(Compilation))
        parts.append(select(ids.order_by(Compilation.id.desc()).limit(1).scalar_subquery()))
    found = session.scalars(select(Compilation).where(Compilation.id.in_(sa.union_all(*parts))))
    return {compiled.language: compiled for compiled in found}
