"""Double opt-in, the asking. Whatever we already know of an address, nothing outside tells (the answer is always the
same); what differs is the letter, and only the owner of the mailbox reads that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import new_public_id
from app.delivery.models import WAITING, Chunk, Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.errors import TransitionRefused
from app.mail.address import Address
from app.newsletters.closing import check_open
from app.newsletters.models import Newsletter
from app.newsletters.wordings import ShownTexts
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, Chain, append
from app.subscriptions.models import Subscriber, Subscription, subscription_of
from app.subscriptions.suppression import find_suppression, is_suppressed
from app.subscriptions.wishes import NO_WISH, FindWish, Wish, wish_for_all

CONFIRMATION = "confirmation"
WELCOME = "welcome"
ALREADY_SUBSCRIBED = "already-subscribed"

#: A new address's row, or nothing for a known one; built once, since it runs with every sign-up.
_INSERT_SUBSCRIBER = {
    dialect.__name__.rpartition(".")[2]: dialect.insert(Subscriber.__table__)
    .on_conflict_do_nothing(index_elements=["email_key"])
    .returning(Subscriber.__table__.c.id)
    for dialect in (postgresql, sqlite)
}

#: Built once like the insert above: else a known address would take markedly longer to answer than a new one.
_LOCKED_SUBSCRIBER = (
    select(Subscriber.id, Subscriber.chain_id, Subscriber.chain_salt)
    .where(Subscriber.email_key == bindparam("email_key"))
    .with_for_update(key_share=True)
)
_RESTRICTED = select(sa.literal(1)).where(
    Subscriber.__table__.c.email_key == bindparam("email_key"), Subscriber.__table__.c.restricted_at.is_not(None)
)
_CANCEL_LETTERS = (
    sa.update(Delivery)
    .where(Delivery.reference == bindparam("request"), Delivery.state.in_(WAITING))
    .where(Delivery.subscriber_id == bindparam("reader"))
    .values(state=DeliveryState.CANCELLED, settled_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)
_REMINDED = (
    select(Delivery.id)
    .join(Chunk, Chunk.id == Delivery.chunk_id)
    .where(Delivery.subscriber_id == bindparam("reader"), Chunk.kind == ALREADY_SUBSCRIBED)
    .where(Chunk.newsletter_id == bindparam("newsletter"), Chunk.created_at > bindparam("since"))
    .limit(1)
)

#: A confirmation overtakes everything: somebody is waiting at their mailbox.
FIRST = 0
#: A reader who has confirmed is told so once within this time.
PAUSE_BETWEEN_REMINDERS = timedelta(hours=24)


def request_subscription(
    session: Session,
    *,
    address: Address,
    newsletter_id: int,
    form_url: str,
    method: ConsentMethod,
    shown: ShownTexts,
    suppression_key: str,
    now: datetime,
    has_room: bool = True,
    find_wish: FindWish = wish_for_all,
) -> None:
    """Record that somebody gave `address` on a form that showed these texts, and queue the letter that fits.

    An address that bounced, or whose data was erased, gets a confirmation letter: its owner may want to come back.
    After a complaint it gets none, nor does a reader whose data may not be used (GDPR art. 18), nor anybody where the
    limits have no room for the letter. What the form chose waits with the request; a subscription that stands keeps
    what its reader chose. Returns nothing on purpose: new, pending, confirmed, gone, restricted and suppressed
    addresses, and those asked for too often, must look the same outside.
    """
    request = Act(
        kind=ConsentKind.REQUESTED,
        method=method,
        at=now,
        language=shown.language,
        wording_id=shown.wording_id,
        policy_id=shown.policy_id,
        form_url=form_url,
    )
    suppression = find_suppression(session, email_key=address.key, suppression_key=suppression_key)
    may_ask = (suppression is None or suppression.may_ask) and not _is_restricted(session, address)
    asked = _Asked(address, newsletter_id, request, find_wish)
    if has_room and may_ask:
        _record_request(session, asked, revives=suppression is not None)
        return
    with session.begin_nested() as unkept:
        # The same work, thrown away: how long an answer takes must not tell that no letter goes.
        _record_request(session, asked, revives=True)
        unkept.rollback()


def add_subscriber(
    session: Session,
    *,
    address: Address,
    language: str,
    newsletter_id: int,
    actor: str,
    suppression_key: str,
    now: datetime,
) -> Subscription:
    """Begin a double opt-in in the name of an admin (`actor`), for a reader who asked by other means.

    Raises TransitionRefused where the reader has confirmed already, or where the address may not be mailed or used,
    NewsletterClosed, and InputRefused for a language that the newsletter does not have.
    """
    check_open(session, newsletter_id)
    session.get_one(Newsletter, newsletter_id).check_language(language)
    if _is_restricted(session, address):
        raise TransitionRefused("this reader asked that their data be kept and not used")
    if is_suppressed(session, email_key=address.key, suppression_key=suppression_key):
        raise TransitionRefused("this address asked not to be mailed, or cannot be reached")
    request = Act(ConsentKind.REQUESTED, ConsentMethod.ADMIN, now, language, actor=actor)
    place = _place(session, address=address, language=language, newsletter_id=newsletter_id, now=now)
    subscription = place.subscription
    if subscription.status is SubscriptionStatus.CONFIRMED:
        raise TransitionRefused("this reader has confirmed already")
    ask_to_confirm(session, subscription, language, now)
    append(session, place.chain, request, subscription=subscription, is_new=place.is_new_reader)
    return subscription


def ask_to_confirm(
    session: Session, subscription: Subscription, language: str, now: datetime, wish: Wish = NO_WISH
) -> None:
    """Begin a new request and queue its letter: the links of older ones die, and their letters that wait are not sent.

    The caller holds the reader's row, and records who asked.
    """
    if subscription.confirmation_id is not None:
        letters = {"request": subscription.confirmation_id, "reader": subscription.subscriber_id, "at": now}
        session.execute(_CANCEL_LETTERS, letters)
    subscription.request(now, language, wish)
    queue_signup_letter(session, subscription, CONFIRMATION, now)


def queue_signup_letter(session: Session, subscription: Subscription, kind: str, now: datetime) -> None:
    """Queue a letter of signing up, of this kind of delivery, to a subscription's reader, ahead of all others."""
    enqueue(
        session,
        kind=kind,
        language=subscription.language,
        newsletter_id=subscription.newsletter_id,
        subscriber_id=subscription.subscriber_id,
        reference=subscription.confirmation_id,
        priority=FIRST,
        now=now,
    )


@dataclass(frozen=True)
class _Place:
    """An address's subscription, held, and its reader's chain."""

    subscription: Subscription
    chain: Chain
    is_new_reader: bool


@dataclass(frozen=True)
class _Asked:
    """What a form asked for."""

    address: Address
    newsletter_id: int
    request: Act
    find_wish: FindWish


def _record_request(session: Session, asked: _Asked, *, revives: bool) -> None:
    """`revives`: the address is suppressed, and a confirmation is to end that, though an older one may still stand."""
    request = asked.request
    place = _place(
        session, address=asked.address, language=request.language, newsletter_id=asked.newsletter_id, now=request.at
    )
    subscription = place.subscription
    wish = asked.find_wish(session)  # whether it is kept or not: the same work
    if subscription.status is SubscriptionStatus.CONFIRMED and not (revives and subscription.is_withheld):
        _remind(session, subscription, request.at)
    else:
        ask_to_confirm(session, subscription, request.language, request.at, wish)
    append(session, place.chain, request, subscription=subscription, is_new=place.is_new_reader)


def _is_restricted(session: Session, address: Address) -> bool:
    return session.connection().scalar(_RESTRICTED, {"email_key": address.key}) is not None


def _place(session: Session, *, address: Address, language: str, newsletter_id: int, now: datetime) -> _Place:
    """Return the address's place; made on the spot, and left to the next flush, where there is none."""
    subscriber_id, chain, is_new_reader = _reader(session, address, now)
    if not is_new_reader:
        query = subscription_of(subscriber_id, newsletter_id).execution_options(populate_existing=True)
        if (known := session.scalars(query).one_or_none()) is not None:
            return _Place(known, chain, is_new_reader)
    subscription = Subscription(
        newsletter_id=newsletter_id,
        subscriber_id=subscriber_id,
        status=SubscriptionStatus.PENDING,
        language=language,
        requested_at=now,
    )
    session.add(subscription)
    return _Place(subscription, chain, is_new_reader)


def _reader(session: Session, address: Address, now: datetime) -> tuple[int, Chain, bool]:
    """Return the id and chain of the address's reader, locked, and whether it was made just now."""
    chain = Chain(new_public_id(), new_public_id(), address.key)
    values = {
        "public_id": new_public_id(), "email": address.display, "email_ascii": address.ascii,
        "email_key": address.key, "chain_id": chain.chain_id, "chain_salt": chain.salt, "created_at": now,
    }  # fmt: skip
    connection = session.connection()  # without the session's detour by the mappers
    insert = _INSERT_SUBSCRIBER[connection.dialect.name]
    while (subscriber_id := connection.scalar(insert, values)) is None:
        known = session.execute(_LOCKED_SUBSCRIBER, {"email_key": address.key}).one_or_none()
        if known is not None:  # else purged or cancelled while we waited for its lock
            return known.id, Chain(known.chain_id, known.chain_salt, address.key), False
    return subscriber_id, chain, True


def _remind(session: Session, subscription: Subscription, now: datetime) -> None:
    letters = {
        "reader": subscription.subscriber_id, "newsletter": subscription.newsletter_id,
        "since": now - PAUSE_BETWEEN_REMINDERS,
    }  # fmt: skip
    if session.scalar(_REMINDED, letters) is None:
        queue_signup_letter(session, subscription, ALREADY_SUBSCRIBED, now)
