"""Everything at once on one address: whatever the order, the end is one that makes sense."""

import contextlib
import random
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.subscriptions.test_signup import ask

#: How often, on SQLite; on PostgreSQL, where each takes longer, a third as often.
SHUFFLES = 300


class _Undone(Exception):
    """Ends one shuffle's transaction without a trace."""


def _play(session: Session, product: Product, shuffle: random.Random) -> None:
    """Sign up, confirm any link ever mailed, and leave, in any order and number; check the end of it."""
    links: list[tuple[str, str]] = []
    at: datetime = NOW
    left: set[str] = set()
    for _ in range(8):
        at += timedelta(minutes=shuffle.choice([1, 20]))
        found = session.scalars(select(Subscription)).one_or_none()
        match shuffle.choice(["ask", "confirm", "leave"]):
            case "ask":
                ask(session, product, at=at)
                current = session.scalars(select(Subscription)).one()
                if current.confirmation_id:
                    links.append((current.public_id, current.confirmation_id))
            case "confirm" if links:
                _, request = shuffle.choice(links)
                try:
                    confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=at)
                except (NotFound, TransitionRefused):
                    continue
                assert request not in left, "a departure lost to a confirmation of an older request"
            case "leave" if found is not None:
                unsubscribe(session, public_id=found.public_id, method=ConsentMethod.ONE_CLICK, now=at)
                left |= {request for _, request in links}
                after = session.scalars(select(Subscription)).one_or_none()
                assert after is None or after.status is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.slow
def test_a_departure_wins_over_every_older_request_in_any_order(product: Product) -> None:
    shuffle = random.Random(20260317)
    for _ in range(SHUFFLES if product.database.is_sqlite else SHUFFLES // 3):
        with contextlib.suppress(_Undone), product.database.transaction() as session:
            _play(session, product, shuffle)
            raise _Undone


def _together(*steps: object) -> list[BaseException]:
    """Run the steps in threads that start at the same moment; return what they raised."""
    start, raised = threading.Barrier(len(steps)), []

    def run(step: object) -> None:
        start.wait()
        try:
            step()  # type: ignore[operator]
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_simultaneous_sign_ups_of_a_new_address_make_one_reader_and_one_letter(product: Product) -> None:
    def sign_up() -> None:
        with product.database.transaction() as session:
            ask(session, product)

    assert _together(*[sign_up] * 6) == []
    with product.database.reading() as session:
        subscription = session.scalars(select(Subscription)).one()
        kinds = session.scalars(select(ConsentEvent.kind)).all()
        assert subscription.status is SubscriptionStatus.PENDING
        assert kinds == [ConsentKind.REQUESTED] * 6


def test_simultaneous_presses_and_departures_end_in_having_left_or_in_nothing(product: Product) -> None:
    for round_number in range(5):
        email = f"reader{round_number}@reader.example"
        with product.database.transaction() as session:
            ask(session, product, email=email)
            subscription = session.scalars(select(Subscription).order_by(Subscription.id.desc()).limit(1)).one()
            request, public_id = subscription.confirmation_id, subscription.public_id

        def press(request: str | None = request) -> None:
            with product.database.transaction() as session:
                confirm_subscription(session, confirmation_id=request or "", suppression_key=SUPPRESSION_KEY, now=NOW)

        def leave(public_id: str = public_id) -> None:
            with product.database.transaction() as session:
                unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)

        raised = _together(press, leave, press, leave)
        assert all(isinstance(error, (NotFound, TransitionRefused)) for error in raised), raised
        with product.database.reading() as session:
            query = select(Subscription).where(Subscription.public_id == public_id)
            found = session.scalars(query).one_or_none()
            assert found is None or found.status is SubscriptionStatus.UNSUBSCRIBED
