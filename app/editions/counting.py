"""What is counted of reading, and how letters are written for it.

Without consent there are only totals: the way to an article is the same in every copy, and following it adds one to a
number. For readers who agreed, the way and one small image carry a token of their own. A letter's frozen parts hold
neither: they are written in as it is cast, so that a reader's say counts until the last moment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape, unescape

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import insert_into
from app.editions.models import UNSENT, Edition, EditionItem
from app.editions.pieces import web_address
from app.editions.records import ClickTotal, Reading
from app.editions.typeset import Parts
from app.links import Links
from app.subscriptions.counting import end_counting
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.subscriptions.questions.staying import note_act

#: Nobody reads two articles of a letter within this time: whoever follows both is a machine that checks links.
FASTEST_READER = timedelta(seconds=2)
_HREF = re.compile(r'(?<=\bhref=")[^"]*(?=")')
_ID_LENGTH = 22
#: Rows that one call deletes.
READINGS = 2_000


@dataclass(frozen=True)
class Followed:
    """How often readers of an edition, or of a variant of it, followed an article."""

    title: str
    clicks: int


@dataclass(frozen=True)
class Clicks:
    """What was counted of an edition with its variants.

    `articles` are the edition's own in order, then those that only variants carry, the most followed first; of the
    readers counted, so many opened and so many clicked.
    """

    articles: Sequence[Followed]
    counted_openings: int
    counted_clickers: int

    @property
    def is_nothing(self) -> bool:
        """Whether nobody was counted yet."""
        return not self.counted_openings and not any(article.clicks for article in self.articles)


@dataclass(frozen=True)
class Way:
    """Where a link of a letter leads: the article at a place of an edition."""

    edition_id: int
    place: int
    target: str


def counted_mark(edition: Edition) -> str:
    """Return what stands for the token of a reader who lets us count."""
    return f"mark-reading-{edition.public_id}"


def with_shared_ways(parts: Parts, edition: Edition, links: Links) -> Parts:
    """Return the parts with the way to each article through our server, the same in all copies."""
    language, public_id = edition.language, edition.public_id
    return _through(parts, {link: links.go(language, public_id, place) for link, place in _places(edition).items()})


def with_own_ways(parts: Parts, edition: Edition, links: Links) -> Parts:
    """Return the parts with ways and an image that end in the mark of one reader's token."""
    page = links.page(edition.language, "reading") + counted_mark(edition)
    through = _through(parts, {link: f"{page}/{place}" for link, place in _places(edition).items()})
    image = f'<img src="{page}/image.gif" alt="" width="1" height="1" style="display:block;border:0;">'
    head, body_end, tail = through.html.rpartition("</body>")
    return Parts(html=head + image + body_end + tail, text=through.text)


def reading_value(subscription_public_id: str, edition_public_id: str) -> str:
    """Return what a reader's token for an edition holds: two opaque ids."""
    return subscription_public_id + edition_public_id


def edition_of_value(value: str) -> str:
    """Return the public id of the edition that a reader's token is for."""
    return _read_value(value)[1]


def find_way(session: Session, *, edition_public_id: str, place: int) -> Way | None:
    """Return the way to the article at `place` of a sent edition; its address comes from our own rows alone."""
    found = select(EditionItem).join(Edition).where(EditionItem.position == place, _is_sent(edition_public_id))
    item = session.scalars(found).one_or_none()
    target = web_address(item.article) if item is not None else None
    return Way(item.edition_id, place, target) if item is not None and target is not None else None


def add_click(session: Session, way: Way) -> None:
    """Add one to the total of a way that somebody followed."""
    adding = insert_into(session, ClickTotal).values(edition_id=way.edition_id, place=way.place, clicks=1)
    adding = adding.on_conflict_do_update(
        index_elements=["edition_id", "place"], set_={"clicks": ClickTotal.clicks + 1}
    )
    session.execute(adding)


def count_click(session: Session, way: Way, *, value: str, now: datetime) -> None:
    """As `add_click`, and count the click for the reader whose own way it is, as long as they let us."""
    subscription = _counted(session, _read_value(value)[0])
    if subscription is not None and _count_click(session, subscription.id, way, now):
        note_act(session, subscriber_id=subscription.subscriber_id, at=now)
    add_click(session, way)


def count_opening(session: Session, *, value: str, now: datetime) -> None:
    """Note the day on which a reader who lets us count first opened a letter; of anyone else, nothing."""
    subscription_id, edition_public_id = _read_value(value)
    edition_id = session.scalar(select(Edition.id).where(_is_sent(edition_public_id)))
    subscription = _counted(session, subscription_id)
    if edition_id is not None and subscription is not None:
        _reading(session, subscription.id, edition_id, now)


def withdraw_counting(session: Session, *, public_id: str, now: datetime) -> None:
    """End the count of one reader and delete what was counted. Raises NotFound, TransitionRefused."""
    subscription = end_counting(session, public_id=public_id, now=now)
    session.execute(sa.delete(Reading).where(Reading.subscription_id == subscription.id))


def readings_before(before: datetime) -> sa.Select[int, int, date]:
    """Select what was counted of letters that were first opened before the day of `before`, and on which day."""
    day = before.astimezone(UTC).date()
    return select(Reading.subscription_id, Reading.edition_id, Reading.opened_on).where(Reading.opened_on < day)


def drop_readings(session: Session, *, before: datetime) -> int:
    """Delete a batch of it; return how many rows there were."""
    due = readings_before(before).order_by(Reading.opened_on).limit(READINGS)
    keys = [(subscription_id, edition_id) for subscription_id, edition_id, _ in session.execute(due)]
    if keys:
        reading = sa.tuple_(Reading.subscription_id, Reading.edition_id)
        session.execute(sa.delete(Reading).where(reading.in_(keys)), execution_options={"synchronize_session": False})
    return len(keys)


def read_clicks(session: Session, edition_id: int) -> Clicks:
    """Return what was counted of an edition, whichever of its variants a reader had."""
    whole = select(Edition.id).where(sa.or_(Edition.id == edition_id, Edition.variant_of == edition_id))
    people = (Reading.edition_id.in_(whole), Reading.is_machine.is_(False))
    openings, clickers = session.execute(
        select(sa.func.count(), sa.func.count().filter(Reading.clicks > 0)).where(*people)
    ).one()
    return Clicks(_followed(session, edition_id, whole), openings, clickers)


def _followed(session: Session, edition_id: int, whole: sa.Select[int]) -> list[Followed]:
    """Return the edition's own articles in their order, then those of its variants that were followed, most first."""
    totals = (
        select(EditionItem.article_id, sa.func.sum(ClickTotal.clicks).label("clicks"))
        .join_from(
            ClickTotal,
            EditionItem,
            sa.and_(EditionItem.edition_id == ClickTotal.edition_id, EditionItem.position == ClickTotal.place),
        )
        .where(ClickTotal.edition_id.in_(whole))
        .group_by(EditionItem.article_id)
        .subquery()
    )
    carried = select(EditionItem.article_id).where(EditionItem.edition_id.in_(whole))
    is_own = sa.and_(EditionItem.article_id == Article.id, EditionItem.edition_id == edition_id)
    articles = (
        select(Article.id, Article.title, EditionItem.position, totals.c.clicks)
        .outerjoin(EditionItem, is_own)
        .outerjoin(totals, totals.c.article_id == Article.id)
    )
    rows = session.execute(articles.where(Article.id.in_(carried))).all()
    own = sorted((row for row in rows if row.position is not None), key=lambda row: row.position)
    others = (row for row in rows if row.position is None and row.clicks is not None)
    rest = sorted(others, key=lambda row: (-row.clicks, row.id))
    return [Followed(row.title, int(row.clicks or 0)) for row in (*own, *rest)]


def _places(edition: Edition) -> dict[str, int]:
    """Return the articles' addresses and their places; one that stands twice is counted at the first."""
    places: dict[str, int] = {}
    for item in edition.items:
        if (link := web_address(item.article)) is not None:
            places.setdefault(link, item.position)
    return places


def _through(parts: Parts, ways: Mapping[str, str]) -> Parts:
    html = _HREF.sub(lambda found: escape(ways.get(unescape(found[0]), unescape(found[0]))), parts.html)
    text = "\n".join(ways.get(line, line) for line in parts.text.split("\n"))
    return Parts(html=html, text=text)


def _is_sent(edition_public_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(Edition.public_id == edition_public_id, Edition.status.not_in(UNSENT))


def _read_value(value: str) -> tuple[str, str]:
    return value[:_ID_LENGTH], value[_ID_LENGTH:]


def _counted(session: Session, public_id: str) -> Subscription | None:
    """Return a reader who lets us count and whose data may be used, held: they cannot take it back meanwhile."""
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not _may_count(subscription) or not lock(session, subscription):
        return None
    return subscription if _may_count(subscription) else None


def _may_count(subscription: Subscription) -> bool:
    is_reader = subscription.status is SubscriptionStatus.CONFIRMED and not subscription.is_withheld
    return is_reader and subscription.is_counted


def _reading(session: Session, subscription_id: int, edition_id: int, now: datetime) -> Reading:
    """Return the reader's row for an edition, held; a letter that is read was opened."""
    values = {"subscription_id": subscription_id, "edition_id": edition_id, "opened_on": now.astimezone(UTC).date()}
    adding = insert_into(session, Reading).values(values)
    session.execute(adding.on_conflict_do_nothing(index_elements=["subscription_id", "edition_id"]))
    return session.get_one(Reading, (subscription_id, edition_id), with_for_update=True)


def _count_click(session: Session, subscription_id: int, way: Way, now: datetime) -> bool:
    """Count one click, and return whether it seems to be a reader's own."""
    reading, place = _reading(session, subscription_id, way.edition_id, now), way.place
    is_other = reading.last_place not in {None, place}
    if is_other and reading.last_click_at is not None and now - reading.last_click_at < FASTEST_READER:
        reading.is_machine, reading.clicks = True, 0
    elif not reading.is_machine and reading.last_place != place:
        reading.clicks += 1
    reading.last_place, reading.last_click_at = place, now
    session.flush()
    return not reading.is_machine
