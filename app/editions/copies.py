"""The copies of an edition: who may have one, and its bytes.

What all copies share is cast once; the readers are looked up many at a time, just before their copies go.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.clock import now
from app.db import UtcDateTime, is_among
from app.delivery.claims import ClaimedChunk, Copy
from app.delivery.composing import Compose, Composed, Ready, one_by_one
from app.delivery.settling import Withheld
from app.editions.compose import make_letter, marked_links, marks_of, newsletter_of
from app.editions.counting import counted_mark, reading_value, with_own_ways, with_shared_ways
from app.editions.embargo import early_title
from app.editions.models import Edition, EditionStatus
from app.editions.typeset import Parts, PersonalLinks, typeset
from app.errors import NotFound
from app.i18n import gettext
from app.links import Links
from app.mail.letter import Mold, cast
from app.settings.publication import Measurement
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription, gets_letters
from app.subscriptions.suppression import suppressed_among
from config import Config

EDITION = "edition"
TEST = "test"
#: Letters that are kept cast. More than two editions are seldom under way at once, but one may have many variants.
MOLDS_KEPT = 64


def edition_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the copies of editions."""
    return {EDITION: EditionLetters(config, links).compose}


def trial_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters that an admin sends to themselves."""
    return {TEST: one_by_one(partial(compose_test, config=config, links=links))}


class EditionLetters:
    """Composes the copies of editions: the letter is cast once, the readers are looked up many at a time."""

    def __init__(self, config: Config, links: Links) -> None:
        self._config = config
        self._links = links
        self._molds: dict[tuple[int, bool], Mold] = {}

    def compose(self, session: Session, copies: Sequence[Copy]) -> list[Ready | Withheld]:
        """Return what becomes of each copy: consent and suppression are looked up at this moment."""
        made: list[Ready | Withheld] = []
        for chunk, group in groupby(copies, key=lambda copy: copy.chunk):
            made += self._compose_chunk(session, chunk, list(group))
        return made

    def _compose_chunk(self, session: Session, chunk: ClaimedChunk, copies: Sequence[Copy]) -> list[Ready | Withheld]:
        edition = session.execute(_EDITION, {"edition_id": chunk.edition_id}).one_or_none()
        if edition is None or edition.status is EditionStatus.CANCELLED:
            return [Withheld("the edition was cancelled")] * len(copies)
        if chunk.variant_id is not None:
            edition = session.execute(_EDITION, {"edition_id": chunk.variant_id}).one()
        made = self._made(session, chunk, edition, [copy.subscriber_id for copy in copies if copy.subscriber_id])
        gone = Withheld("the reader's data was deleted")
        return [made.get(copy.subscriber_id or 0, gone) for copy in copies]

    def _made(
        self,
        session: Session,
        chunk: ClaimedChunk,
        edition: sa.Row[int, str, EditionStatus],
        subscriber_ids: Sequence[int],
    ) -> dict[int, Ready | Withheld]:
        """Return, by subscriber, what becomes of copies of an edition, as the database says at this moment."""
        asked = {"subscriber_ids": json.dumps(subscriber_ids), "newsletter_id": chunk.newsletter_id, "at": now()}
        rows = session.execute(_READERS, asked).all()
        keys = [email_key for _, _, email_key, *_ in rows]
        suppressed = suppressed_among(session, keys, suppression_key=self._config.suppression_key)
        links, made = self._links, dict[int, Ready | Withheld]()
        for key, recipient, email_key, public_id, status, is_wanted, is_counted in rows:
            if not is_wanted or email_key in suppressed:
                made[key] = _withheld(status, is_wanted)
            elif is_counted and self._config.measurement is Measurement.CONSENT:
                mold = self._mold(session, edition.id, chunk.created_at, is_counted=True)
                made[key] = CountedCopy(mold, links, recipient, public_id, edition.public_id)
            else:
                mold = self._mold(session, edition.id, chunk.created_at, is_counted=False)
                made[key] = EditionCopy(mold, links, recipient, public_id)
        return made

    def _mold(self, session: Session, edition_id: int, date: datetime, *, is_counted: bool) -> Mold:
        """Return an edition's letter, cast for readers who let us count or for all others; it never changes."""
        key = edition_id, is_counted
        if key not in self._molds:
            if len(self._molds) >= MOLDS_KEPT:
                self._molds.pop(next(iter(self._molds)))
            self._molds[key] = self._cast(session, session.get_one(Edition, edition_id), date, is_counted=is_counted)
        return self._molds[key]

    def _cast(self, session: Session, edition: Edition, date: datetime, *, is_counted: bool) -> Mold:
        if edition.content is None:
            raise NotFound("the edition was never frozen")
        parts = Parts(html=edition.content.html, text=edition.content.text)
        marks: tuple[str, ...] = marks_of(edition)
        if is_counted:
            parts, marks = with_own_ways(parts, edition, self._links), (*marks, counted_mark(edition))
        elif self._config.measurement is not Measurement.OFF:
            parts = with_shared_ways(parts, edition, self._links)
        letter = make_letter(
            edition,
            newsletter=newsletter_of(session, edition),
            config=self._config,
            links=self._links,
            subject=edition.content.subject,
            parts=parts,
            unsubscribe_url=marked_links(edition, self._links).unsubscribe_url,
            is_automatic=edition.is_automatic,
        )
        return cast(letter, date=date, marks=marks)


_EDITION = select(Edition.id, Edition.public_id, Edition.status).where(Edition.id == bindparam("edition_id"))
#: On tables and built once, not on entities: rows as they come, for every copy there is.
_SUBSCRIBERS, _SUBSCRIPTIONS = Subscriber.__table__, Subscription.__table__
_READERS = (
    select(
        _SUBSCRIBERS.c.id,
        _SUBSCRIBERS.c.email_ascii,
        _SUBSCRIBERS.c.email_key,
        _SUBSCRIPTIONS.c.public_id,
        _SUBSCRIPTIONS.c.status,
        gets_letters(bindparam("at", type_=UtcDateTime())).label("is_wanted"),
        _SUBSCRIPTIONS.c.is_counted,
    )
    .join_from(_SUBSCRIBERS, _SUBSCRIPTIONS)
    .where(is_among(_SUBSCRIPTIONS.c.subscriber_id, "subscriber_ids"))
    .where(_SUBSCRIPTIONS.c.newsletter_id == bindparam("newsletter_id"))
)


class EditionCopy(NamedTuple):
    """One reader's copy of an edition, ready to be written."""

    mold: Mold
    links: Links
    recipient: str
    subscription_public_id: str

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body of the letter with the reader's own links."""
        sign, public_id = self.links.sign, self.subscription_public_id
        tokens = sign("unsubscribe", public_id), sign("preferences", public_id)
        return self.mold.fill_parts(
            recipient=self.recipient, message_id=message_id, values=tokens, leave_address=leave_address
        )


class CountedCopy(NamedTuple):
    """The copy of a reader who lets us count what they open and follow.

    Should they take that back between two tries of one copy, the second has other bytes: their say comes first.
    """

    mold: Mold
    links: Links
    recipient: str
    subscription_public_id: str
    edition_public_id: str

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body of the letter with the reader's own links."""
        sign, public_id = self.links.sign, self.subscription_public_id
        reading = sign("reading", reading_value(public_id, self.edition_public_id))
        tokens = sign("unsubscribe", public_id), sign("preferences", public_id), reading
        return self.mold.fill_parts(
            recipient=self.recipient, message_id=message_id, values=tokens, leave_address=leave_address
        )


def _withheld(status: SubscriptionStatus, is_wanted: bool) -> Withheld:
    if status is not SubscriptionStatus.CONFIRMED:
        return Withheld(f"the subscription is {status.value}")
    return Withheld("the address may not be mailed" if is_wanted else "the reader gets no letters at present")


def compose_test(session: Session, copy: Copy, *, config: Config, links: Links) -> Composed | Withheld:
    """Return the test letter of an edition as it stands, for the copy's plain address.

    Its leave link is genuine. It ends the subscription of that address where there is one, and else changes nothing.
    """
    edition = session.scalars(select(Edition).where(Edition.public_id == copy.reference)).one_or_none()
    if edition is None or copy.address is None:
        return Withheld("the edition is gone")
    if early_title(session, edition=edition, now=now()) is not None:
        return Withheld("an article of the edition may not leave yet")
    newsletter = newsletter_of(session, edition)
    personal = _links_for_address(session, copy.address, edition, links)
    letter = make_letter(
        edition,
        newsletter=newsletter,
        config=config,
        links=links,
        subject=gettext(edition.language, "[Test] %(subject)s", subject=edition.subject),
        parts=typeset(
            edition, newsletter=newsletter, config=config, links=links, at=copy.chunk.created_at, personal=personal
        ),
        unsubscribe_url=personal.unsubscribe_url,
        is_automatic=False,
    )
    return Composed(letter, copy.address, copy.chunk.created_at)


def _links_for_address(session: Session, address: str, edition: Edition, links: Links) -> PersonalLinks:
    subscription = session.scalars(
        select(Subscription)
        .join(Subscriber)
        .where(Subscriber.email_key == address.lower(), Subscription.newsletter_id == edition.newsletter_id)
    ).one_or_none()
    if subscription is None:
        return PersonalLinks(links.unsubscribe(edition.language, edition.public_id), None)
    return PersonalLinks(
        unsubscribe_url=links.unsubscribe(edition.language, subscription.public_id),
        preferences_url=links.preferences(edition.language, subscription.public_id),
    )
