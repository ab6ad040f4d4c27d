"""The copies of an edition: who may have one, and its bytes.

What all copies share is cast once, in `molds`; the readers are looked up many at a time, just before their copies go.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.clock import now
from app.db import UtcDateTime, is_among
from app.delivery.claims import Copy
from app.delivery.composing import Compose, Composed, Ready, one_by_one
from app.delivery.endings import Withheld
from app.editions.compose import letterhead_for, make_letter, newsletter_of
from app.editions.counting import reading_value
from app.editions.embargo import early_title
from app.editions.models import Edition, EditionStatus
from app.editions.molds import Molds, letter_of
from app.editions.typeset import PersonalLinks, typeset
from app.i18n import gettext
from app.links import Links
from app.mail.letter import Mold
from app.settings.publication import Measurement
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription, gets_letters
from app.subscriptions.suppression import suppressed_among
from config import Config

EDITION = "edition"
TEST = "test"


def edition_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the copies of editions."""
    return {EDITION: EditionLetters(config, links).compose}


def trial_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters that an admin sends to themselves."""
    return {TEST: one_by_one(partial(compose_test, config=config, links=links))}


class _Reader(NamedTuple):
    """A reader who may have a copy. `recipient`: the address in its wire form."""

    recipient: str
    public_id: str
    is_counted: bool


class EditionLetters:
    """Composes the copies of editions: each letter is cast once, the readers are looked up many at a time."""

    def __init__(self, config: Config, links: Links) -> None:
        self._config = config
        self._links = links
        self._molds = Molds(config, links)

    def compose(self, session: Session, copies: Sequence[Copy]) -> list[Ready | Withheld]:
        """Return what becomes of each copy: consent and suppression are looked up at this moment."""
        made: list[Ready | Withheld] = []
        for newsletter_id, group in groupby(copies, key=lambda copy: copy.chunk.newsletter_id):
            made += self._compose(session, newsletter_id, list(group))
        return made

    def _compose(
        self, session: Session, newsletter_id: int | None, copies: Sequence[Copy]
    ) -> Iterator[Ready | Withheld]:
        """Compose copies of one newsletter's editions; what they need is read for all of them at once."""
        editions = _read_editions(session, copies)
        readers = self._read_readers(session, newsletter_id, copies)
        standing = [_standing(copy, editions, readers) for copy in copies]
        molds = self._molds.get_all(
            session,
            {
                (letter_of(copy.chunk), reader.is_counted): copy.chunk.created_at
                for copy, reader in zip(copies, standing, strict=True)
                if isinstance(reader, _Reader)
            },
        )
        for copy, reader in zip(copies, standing, strict=True):
            if isinstance(reader, Withheld):
                yield reader
                continue
            letter_id = letter_of(copy.chunk)
            mold = molds[letter_id, reader.is_counted]
            if reader.is_counted:
                public_id = editions[letter_id].public_id
                yield CountedCopy(mold, self._links, reader.recipient, reader.public_id, public_id)
            else:
                yield EditionCopy(mold, self._links, reader.recipient, reader.public_id)

    def _read_readers(
        self, session: Session, newsletter_id: int | None, copies: Sequence[Copy]
    ) -> dict[int, _Reader | Withheld]:
        """Return, by subscriber, who may have a copy, as the database says at this moment."""
        subscriber_ids = [copy.subscriber_id for copy in copies if copy.subscriber_id]
        asked = {"subscriber_ids": json.dumps(subscriber_ids), "newsletter_id": newsletter_id, "at": now()}
        rows = session.execute(_READERS, asked).all()
        keys = [email_key for _, _, email_key, *_ in rows]
        suppressed = suppressed_among(session, keys, suppression_key=self._config.suppression_key)
        counts = self._config.measurement is Measurement.CONSENT
        return {
            key: _Reader(recipient, public_id, is_counted and counts)
            if is_wanted and email_key not in suppressed
            else _withheld(status, is_wanted)
            for key, recipient, email_key, public_id, status, is_wanted, is_counted in rows
        }


def _read_editions(session: Session, copies: Iterable[Copy]) -> dict[int, sa.Row[int, str, EditionStatus]]:
    """Return the editions of copies, and those whose letters they are, by id."""
    chunks = {copy.chunk for copy in copies}
    ids = {edition_id for chunk in chunks for edition_id in (chunk.edition_id, chunk.variant_id) if edition_id}
    return {row.id: row for row in session.execute(_EDITIONS, {"edition_ids": json.dumps(sorted(ids))})}


def _standing(
    copy: Copy, editions: Mapping[int, sa.Row[int, str, EditionStatus]], readers: Mapping[int, _Reader | Withheld]
) -> _Reader | Withheld:
    """Return whose copy it is, or why it must not go."""
    edition = editions.get(copy.chunk.edition_id or 0)
    if edition is None or edition.status is EditionStatus.CANCELLED:
        return Withheld("the edition was cancelled")
    return readers.get(copy.subscriber_id or 0, Withheld("the reader's data was deleted"))


_EDITIONS = select(Edition.id, Edition.public_id, Edition.status).where(is_among(Edition.__table__.c.id, "edition_ids"))
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
        letterhead=letterhead_for(edition, newsletter, config),
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
