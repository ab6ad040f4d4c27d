"""Rows for tests: plain typed functions, session first, everything else by keyword and with a default."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, Source, SourceKind
from app.delivery import claims, settling
from app.delivery.claims import Copy
from app.delivery.composing import Ready
from app.delivery.endings import Ending, OnSettled, Settlement, Unsent, Withheld
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.newsletters import add_newsletter
from app.editions.copies import EDITION, TEST
from app.gate.approvals import APPROVAL
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.newsletters.models import Newsletter, current_policy, current_wording, newsletter_by_slug
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import SAID, Act, last_event, record_act, said_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.questions.letters import RENEWAL, STAY
from app.subscriptions.questions.renewal import REMINDER
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.address_change import ADDRESS_CHANGE, ADDRESS_NOTICE
from app.subscriptions.rights.data_link import DATA_LINK
from app.subscriptions.signup import ALREADY_SUBSCRIBED, CONFIRMATION, WELCOME
from config import Config
from tests.conftest import NOW

#: Who claims and settles in tests, and what.
SENDER = "tests"
KINDS = (
    EDITION, TEST, CONFIRMATION, WELCOME, ALREADY_SUBSCRIBED, DATA_LINK, ADDRESS_CHANGE, ADDRESS_NOTICE,
    STAY, RENEWAL, REMINDER, APPROVAL,
)  # fmt: skip
#: How the try of a copy ends that is in this state afterwards.
ENDINGS: dict[DeliveryState, Ending] = {
    DeliveryState.QUEUED: Unsent(),
    DeliveryState.ACCEPTED: Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken"),
    DeliveryState.DEFERRED: Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "later", Fault.DESTINATION),
    DeliveryState.REJECTED: Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS),
    DeliveryState.UNCERTAIN: Outcome(OutcomeKind.UNCERTAIN, text="no reply"),
    DeliveryState.CANCELLED: Withheld("the subscription is unsubscribed"),
    DeliveryState.EXPIRED: Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "later", Fault.DESTINATION),
}


def newsletter(session: Session) -> Newsletter:
    """The default newsletter."""
    return session.scalars(newsletter_by_slug()).one()


def add_second(session: Session, config: Config) -> Newsletter:
    """A newsletter beside the default one."""
    names = {"fr": ("Cap Nord", "L’Arctique, chaque semaine."), "en": ("North Cape", "The Arctic, every week.")}
    return add_newsletter(session, slug="north", names=names, config=config, actor="ada@desk.example", now=NOW)


def add_french(session: Session, config: Config) -> Newsletter:
    """A newsletter in French alone, beside the default one."""
    names = {"fr": ("Cap Nord", "L’Arctique, chaque semaine."), "en": ("", "")}
    return add_newsletter(session, slug="north", names=names, config=config, actor="ada@desk.example", now=NOW)


def make_subscription(
    session: Session,
    *,
    email: str = "alice@reader.example",
    language: str = "fr",
    status: SubscriptionStatus = SubscriptionStatus.CONFIRMED,
    at: datetime = NOW - timedelta(days=1),
    newsletter_id: int = 1,
) -> Subscription:
    """A subscriber with one subscription, to the default newsletter."""
    subscriber = Subscriber(email=email, email_ascii=email, email_key=email.lower(), created_at=at)
    subscription = Subscription(
        newsletter_id=newsletter_id,
        subscriber=subscriber,
        status=SubscriptionStatus.UNSUBSCRIBED,
        language=language,
        requested_at=at,
    )
    subscription.request(at, language)
    session.add(subscription)
    if status is not SubscriptionStatus.PENDING:
        subscription.confirm(at)
    if status is SubscriptionStatus.UNSUBSCRIBED:
        subscription.unsubscribe(at)
    session.flush()
    return subscription


def subscriptions(session: Session) -> list[Subscription]:
    """All there are."""
    return list(session.scalars(select(Subscription).order_by(Subscription.id)))


def make_request(session: Session, subscription: Subscription) -> ConsentEvent:
    """The proof that a subscription was asked for on a form with the texts in force."""
    act = Act(
        kind=ConsentKind.REQUESTED,
        method=ConsentMethod.FORM,
        at=subscription.requested_at,
        language=subscription.language,
        wording_id=session.scalars(current_wording(1, subscription.language)).one().id,
        policy_id=session.scalars(current_policy(subscription.language)).one().id,
    )
    return make_event(session, subscription, act)


def make_event(session: Session, subscription: Subscription, act: Act) -> ConsentEvent:
    """An event of a reader's chain, as it is stored."""
    record_act(session, subscription, act)
    return session.scalars(last_event(subscription.subscriber.chain_id)).one()


def event_hash(event: ConsentEvent) -> str:
    """The hash that an event must have, from all that it says."""
    return said_hash([getattr(event, name) for name in SAID])


def make_source(session: Session, *, location: str = "https://wire.example/feed.xml", language: str = "fr") -> Source:
    """A feed that was never fetched."""
    source = Source(
        kind=SourceKind.URL, location=location, name="Wire", language=language, next_fetch_at=NOW, created_at=NOW
    )
    session.add(source)
    session.flush()
    return source


def make_article(
    session: Session,
    *,
    title: str = "Un câble coupé en mer Baltique",
    language: str = "fr",
    added_at: datetime = NOW - timedelta(hours=2),
    link: str | None = None,
    source: Source | None = None,
    summary: str = "Les autorités enquêtent sur une coupure.",
) -> Article:
    """An article that arrived two hours ago."""
    article = Article(
        source=source, guid=link, link=link, link_key=link, language=language, title=title, summary=summary,
        body=summary, published_at=added_at, added_at=added_at,
    )  # fmt: skip
    session.add(article)
    session.flush()
    return article


def copies(session: Session, *, now: datetime = NOW) -> list[Copy]:
    """Claim what is due, as a sender does; its chunks stay in hand."""
    return claims.claim(session, owner=SENDER, kinds=KINDS, now=now, limit=1000)


def settle_copies(
    session: Session,
    state: DeliveryState,
    number: int | None = None,
    *,
    now: datetime = NOW,
    on_settled: OnSettled | None = None,
) -> None:
    """Claim what is due, let `number` copies of it (or all) end in `state`, and give the rest back, as a sender does.

    Where the state is "sending", what was claimed stays in hand.
    """
    claimed = copies(session, now=now)
    ended = claimed[:number]
    assert number in {None, len(ended)}, "fewer copies are due"
    if state is DeliveryState.SENDING:
        assert ended == claimed, "what is claimed is in hand as a whole"
        return
    changed = settling.settle(
        session,
        owner=SENDER,
        settlements=[Settlement(copy, ENDINGS[state]) for copy in ended],
        now=now + GIVE_UP_AFTER if state is DeliveryState.EXPIRED else now,
        on_settled=on_settled,
    )
    assert changed == len(ended)
    claims.release(session, owner=SENDER, chunk_ids={copy.chunk.id for copy in claimed}, now=now)
    found = session.scalars(select(Delivery.state).where(Delivery.id.in_([copy.id for copy in ended])))
    assert set(found) <= {state}


def write(made: Ready, *, message_id: str = "<1@newsletter.example>") -> bytes:
    """The message of a copy, as it leaves where no key signs it."""
    return b"\r\n".join(made.write(message_id, None))


def letters(session: Session, state: DeliveryState | None = None) -> list[str]:
    """The kinds of all letters, or of those whose row is in `state`, oldest first."""
    kinds = select(Chunk.kind).join(Delivery, Delivery.chunk_id == Chunk.id).order_by(Delivery.id)
    return list(session.scalars(kinds if state is None else kinds.where(Delivery.state == state)))
