"""What is counted of reading, and how letters are written for it.

Without consent there are only totals: the way to an article is the same in every copy, and following it adds one to a
number. For readers who agreed, the way and one small image carry a token of their own. A letter's frozen parts hold
neither: they are written in as it is cast, so that a reader's say counts until the last moment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape, unescape

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.editions.models import ClickTotal, Edition, EditionItem, EditionStatus, Reading
from app.editions.typeset import Parts, web_address
from app.links import Links
from app.subscriptions.counting import end_counting
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.subscriptions.staying import note_act

#: Nobody reads two articles of a letter within this time: whoever follows both is a machine that checks links.
FASTEST_READER = timedelta(seconds=2)
_HREF = re.compile(r'(?<=\bhref=")[^"]*(?=")')
_ID_LENGTH = 22
#: Rows that one call deletes.
READINGS = 2_000


@dataclass(frozen=True)
class Clicks:
    """What was counted of an edition: clicks by place; of the readers counted, how many opened and how many clicked."""

    totals: Mapping[int, int]
    counted_openings: int
    counted_clickers: int


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


def follow(session: Session, *, edition_public_id: str, place: int, is_person: bool) -> str | None:
    """Return where the article at `place` is, and add one to its total; None where there is no such way."""
    edition_id, target = _target(session, edition_public_id, place)
    if edition_id is not None and is_person:
        _add_to_total(session, edition_id, place)
    return target


def follow_counted(session: Session, *, value: str, place: int, is_person: bool, now: datetime) -> str | None:
    """Return where the article is, and count the click, for the reader alone as long as they let us."""
    subscription_id, edition_public_id = _read_value(value)
    edition_id, target = _target(session, edition_public_id, place)
    if edition_id is None or not is_person:
        return target
    _add_to_total(session, edition_id, place)
    subscription = _counted(session, subscription_id)
    if subscription is not None and _count_click(session, subscription.id, edition_id, place, now):
        note_act(session, subscriber_id=subscription.subscriber_id, at=now)
    return target


def count_opening(session: Session, *, value: str, now: datetime) -> None:
    """Note the day on which a reader who lets us count first opened a letter; of anyone else, nothing."""
    subscription_id, edition_public_id = _read_value(value)
    edition_id = session.scalar(_sent(edition_public_id))
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
    """Return what was counted of an edition."""
    totals = session.execute(select(ClickTotal.place, ClickTotal.clicks).where(ClickTotal.edition_id == edition_id))
    people = (Reading.edition_id == edition_id, Reading.is_machine.is_(False))
    openings, clickers = session.execute(
        select(sa.func.count(), sa.func.count().filter(Reading.clicks > 0)).where(*people)
    ).one()
    return Clicks({place: clicks for place, clicks in totals}, openings, clickers)  # noqa: C416 - a Row is no tuple


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


def _sent(edition_public_id: str) -> sa.Select[int]:
    return select(Edition.id).where(Edition.public_id == edition_public_id, Edition.status != EditionStatus.DRAFT)


def _target(session: Session, edition_public_id: str, place: int) -> tuple[int | None, str | None]:
    """Return the edition's id and the article's address; the address comes from our own rows alone."""
    edition_id = session.scalar(_sent(edition_public_id))
    found = select(EditionItem).where(EditionItem.edition_id == edition_id, EditionItem.position == place)
    item = session.scalars(found).one_or_none()
    link = web_address(item.article) if item is not None else None
    return (edition_id, link) if link is not None else (None, None)


def _read_value(value: str) -> tuple[str, str]:
    return value[:_ID_LENGTH], value[_ID_LENGTH:]


def _counted(session: Session, public_id: str) -> Subscription | None:
    """Return a reader who lets us count, and whose data may be used."""
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not subscription.is_counted or subscription.is_withheld:
        return None
    return subscription


def _add_to_total(session: Session, edition_id: int, place: int) -> None:
    adding = insert_into(session, ClickTotal).values(edition_id=edition_id, place=place, clicks=1)
    adding = adding.on_conflict_do_update(
        index_elements=["edition_id", "place"], set_={"clicks": ClickTotal.clicks + 1}
    )
    session.execute(adding)


def _reading(session: Session, subscription_id: int, edition_id: int, now: datetime) -> Reading:
    """Return the reader's row for an edition, held; a letter that is read was opened."""
    values = {"subscription_id": subscription_id, "edition_id": edition_id, "opened_on": now.astimezone(UTC).date()}
    adding = insert_into(session, Reading).values(values)
    session.execute(adding.on_conflict_do_nothing(index_elements=["subscription_id", "edition_id"]))
    return session.get_one(Reading, (subscription_id, edition_id), with_for_update=True)


def _count_click(session: Session, subscription_id: int, edition_id: int, place: int, now: datetime) -> bool:
    """Count one click, and return whether it seems to be a reader's own."""
    reading = _reading(session, subscription_id, edition_id, now)
    is_other = reading.last_place not in {None, place}
    if is_other and reading.last_click_at is not None and now - reading.last_click_at < FASTEST_READER:
        reading.is_machine, reading.clicks = True, 0
    elif not reading.is_machine and reading.last_place != place:
        reading.clicks += 1
    reading.last_place, reading.last_click_at = place, now
    session.flush()
    return not reading.is_machine
