"""A provider that calls its addresses dead by the dozen is doubted before its readers are."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.feedback.models import EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.feedback.spikes import approve_spike, discard_spike, held_spikes
from app.product import Product
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent, Suppression
from tests import make
from tests.conftest import NOW
from tests.feedback.house import apply, make_copies, make_edition, notice, tell

HOUR = timedelta(hours=1)


def copies_to(product: Product, provider: str, number: int, *, is_edition: bool = True) -> list[int]:
    """Copies to so many readers of one provider, in one chunk with as many of another one."""
    with product.database.transaction() as session:
        readers = [
            make.make_subscription(session, email=f"{name}{place}@{domain}").subscriber
            for domain, name in ((provider, "a"), ("other.example", provider))
            for place in range(number)
        ]
        return make_copies(session, readers, edition=make_edition(session) if is_edition else None)[:number]


def figures(product: Product) -> tuple[dict[EventState, int], int, int]:
    """Events by state, suppressions, and subscriptions that are withheld."""
    with product.database.reading() as session:
        states = select(FeedbackEvent.state, func.count()).group_by(FeedbackEvent.state)
        withheld = select(func.count()).select_from(Subscription).where(Subscription.is_withheld)
        suppressions = session.scalar(select(func.count()).select_from(Suppression)) or 0
        return dict(map(tuple, session.execute(states))), suppressions, session.scalar(withheld) or 0


def return_dead(product: Product, copies: list[int], *, now: object = NOW) -> None:
    tell(product, *(notice(NoticeKind.HARD, copy, at=NOW, status="5.1.1") for copy in copies))


def test_a_spike_is_held_and_what_was_applied_before_it_was_seen_is_undone(product: Product) -> None:
    copies = copies_to(product, "gmail.com", 60)
    return_dead(product, copies[:12])
    assert figures(product) == ({EventState.APPLIED: 12}, 12, 12)
    return_dead(product, copies[12:25])
    assert figures(product) == ({EventState.HELD: 25}, 0, 0)
    with product.database.reading() as session:
        [spike] = held_spikes(session)
        assert (spike.provider, spike.number) == ("gmail.com", 25)
        kinds = session.execute(select(ConsentEvent.kind, func.count()).group_by(ConsentEvent.kind)).all()
        assert dict(map(tuple, kinds)) == {ConsentKind.SUPPRESSED: 12, ConsentKind.LIFTED: 12}
    return_dead(product, copies[25:26])
    assert figures(product)[0] == {EventState.HELD: 26}


@pytest.mark.parametrize(("sent", "returned"), [(60, 19), (101, 20), (130, 26)])
def test_few_or_a_small_share_are_no_spike(product: Product, sent: int, returned: int) -> None:
    return_dead(product, copies_to(product, "orange.fr", sent)[:returned])
    assert figures(product) == ({EventState.APPLIED: returned}, returned, returned)


def test_domains_of_one_provider_count_together_and_other_providers_do_not(product: Product) -> None:
    first, second = copies_to(product, "hotmail.com", 15), copies_to(product, "live.fr", 15)
    third = copies_to(product, "laposte.net", 15)
    return_dead(product, [*first, *second, *third])
    assert figures(product) == ({EventState.HELD: 30, EventState.APPLIED: 15}, 15, 15)


def test_letters_to_addresses_just_typed_make_no_spike(product: Product) -> None:
    return_dead(product, copies_to(product, "gmail.com", 30, is_edition=False))
    assert figures(product) == ({EventState.APPLIED: 30}, 30, 30)


def test_what_is_told_late_and_all_at_once_is_a_spike_all_the_same(product: Product) -> None:
    copies = copies_to(product, "gmail.com", 60)
    for part in (copies[:12], copies[12:25]):
        tell(product, *(notice(NoticeKind.HARD, copy, at=NOW) for copy in part), now=NOW + 3 * HOUR)
    assert figures(product) == ({EventState.HELD: 25}, 0, 0)


def test_what_was_heard_of_before_the_hour_makes_no_spike(product: Product) -> None:
    copies = copies_to(product, "gmail.com", 60)
    return_dead(product, copies[:12])
    tell(product, *(notice(NoticeKind.HARD, copy) for copy in copies[12:25]), now=NOW + 2 * HOUR)
    assert figures(product) == ({EventState.APPLIED: 25}, 25, 25)


def test_an_admin_lets_a_held_spike_count_or_not(product: Product) -> None:
    copies = copies_to(product, "gmail.com", 30)
    return_dead(product, copies)
    with product.database.transaction() as session:
        assert approve_spike(session, provider="gmail.com") == 30
    apply(product)
    assert figures(product) == ({EventState.APPLIED: 30}, 30, 30)
    return_dead(product, copies_to(product, "orange.fr", 30))
    with product.database.transaction() as session:
        assert discard_spike(session, provider="orange.fr") == 30
    apply(product)
    assert figures(product)[0] == {EventState.APPLIED: 30, EventState.DISCARDED: 30}


def test_a_complaint_is_never_held_nor_undone(product: Product) -> None:
    copies = copies_to(product, "gmail.com", 30)
    tell(product, notice(NoticeKind.HARD, copies[0]), notice(NoticeKind.COMPLAINT, copies[0]))
    return_dead(product, copies[1:])
    assert figures(product) == ({EventState.HELD: 30, EventState.APPLIED: 1}, 1, 1)
