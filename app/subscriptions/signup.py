"""Double opt-in: ask, confirm. Whatever we already know of an address, nothing outside tells (the answer is always the
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
from app.errors import NotFound, TextsNotShown, TransitionRefused
from app.mail.address import Address
from app.newsletters.closing import check_open
from app.newsletters.models import Newsletter
from app.newsletters.wordings import ShownTexts, newsletter_of_form
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, Chain, append, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscriber, Subscription, subscription_of
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import find_suppression, is_suppressed, revive
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
    .with_for_update()
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
#: The same press of the confirm button may arrive twice within this time.
REPEATED_PRESS = timedelta(minutes=10)


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

    Raises TransitionRefused where the reader has confirmed already, or where the address may not be mailed or used, and
    NewsletterClosed.
    """
    check_open(session, newsletter_id)
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


def confirmable(session: Session, *, confirmation_id: str) -> Subscription | None:
    """Return the subscription that this request may still confirm, or None."""
    return session.scalars(confirmable_by(confirmation_id)).one_or_none()


def confirmable_by(confirmation_id: str) -> sa.Select[Subscription]:
    """Select the subscription that a request may still confirm."""
    return _by_confirmation_id(confirmation_id).where(Subscription.status == SubscriptionStatus.PENDING)


def newsletter_of_request(confirmation_id: str) -> sa.Select[Newsletter]:
    """Select the newsletter that a request is for, confirmed or not, unless a newer request has taken its place."""
    asked = _by_confirmation_id(confirmation_id).with_only_columns(Subscription.newsletter_id)
    return select(Newsletter).where(Newsletter.id == asked.scalar_subquery())


def texts_of_request(session: Session, subscription: Subscription) -> ShownTexts | None:
    """Return what the form of the last request showed; None for a request in a reader's name, made without a form."""
    request = _last_request(session, subscription)
    if request is None or request.wording_id is None or request.policy_id is None:
        return None
    return ShownTexts(subscription.language, request.wording_id, request.policy_id)


def confirm_subscription(
    session: Session, *, confirmation_id: str, suppression_key: str, now: datetime, shown: ShownTexts | None = None
) -> Subscription:
    """Confirm the one request that a letter's link names, and queue the welcome letter where the newsletter has one.

    This alone revives a suppressed address; after a complaint, only once an admin has lifted it.
    `shown` is what the confirm page showed: the proof of a request that had no form. The same press arriving twice
    finds its own success. Raises NotFound for a request that a newer one, a departure or a complaint has voided,
    TransitionRefused for one used before, and TextsNotShown where neither a form nor the page showed any texts of this
    newsletter.
    """
    subscription = session.scalars(_by_confirmation_id(confirmation_id)).one_or_none()
    if subscription is None or not lock(session, subscription) or subscription.confirmation_id != confirmation_id:
        raise NotFound("no such request")
    if _was_just_pressed(subscription, now):
        return subscription
    proof = texts_of_request(session, subscription)
    if proof is None and shown is not None:
        form_of = newsletter_of_form(session, shown)
        proof = shown if form_of and form_of.newsletter_id == subscription.newsletter_id else None
    if proof is None:
        raise TextsNotShown("no wording and no policy were shown")
    revive(session, subscription.subscriber, suppression_key=suppression_key, now=now)
    subscription.confirm(now)
    act = Act(
        kind=ConsentKind.CONFIRMED,
        method=ConsentMethod.CONFIRM_PAGE,
        at=now,
        language=proof.language,
        wording_id=proof.wording_id,
        policy_id=proof.policy_id,
    )
    record_act(session, subscription, act)
    if session.get_one(Newsletter, subscription.newsletter_id).sends_welcome:
        _queue(session, subscription, WELCOME, now)
    session.flush()
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
    _queue(session, subscription, CONFIRMATION, now)


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
        _queue(session, subscription, ALREADY_SUBSCRIBED, now)


def _queue(session: Session, subscription: Subscription, kind: str, now: datetime) -> None:
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


def _was_just_pressed(subscription: Subscription, now: datetime) -> bool:
    return (
        subscription.status is SubscriptionStatus.CONFIRMED
        and subscription.confirmed_at is not None
        and now - subscription.confirmed_at <= REPEATED_PRESS
    )


def _by_confirmation_id(confirmation_id: str) -> sa.Select[Subscription]:
    return select(Subscription).where(Subscription.confirmation_id == confirmation_id)


def _last_request(session: Session, subscription: Subscription) -> ConsentEvent | None:
    return session.scalars(
        select(ConsentEvent)
        .where(ConsentEvent.subscription_id == subscription.id, ConsentEvent.kind == ConsentKind.REQUESTED)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    ).first()
