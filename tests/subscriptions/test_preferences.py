"""Choosing the language of one's letters."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.delivery.endings import Withheld
from app.editions.audience import start_edition
from app.editions.compose import read_manuscript, set_letter
from app.editions.copies import edition_letters
from app.errors import InputRefused, NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.preferences import PauseSpan, change_language, pause, resume
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.conftest import NOW
from tests.editions.press import make_draft


def test_the_language_changes_once_and_is_recorded(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, language="fr")
        for _ in range(2):
            change_language(session, public_id=subscription.public_id, language="en", now=NOW)
        assert subscription.language == "en"
        assert session.scalars(select(ConsentEvent.kind)).all() == [ConsentKind.LANGUAGE_CHANGED]


def test_a_paused_reader_gets_no_copy_that_was_queued_before_and_a_new_consent_ends_the_pause(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        edition = make_draft(session)
        letter = set_letter(
            read_manuscript(session, edition_id=edition.id, now=NOW),
            config=product.config,
            links=product.links,
            now=NOW,
        )
        start_edition(session, letter=letter, actor="ada", now=NOW)
        pause(session, public_id=subscription.public_id, until=date(2027, 3, 17), now=NOW)
        [made] = edition_letters(product.config, product.links)["edition"](session, make.copies(session))
        assert made == Withheld("the reader gets no letters at present")
        subscription.unsubscribe(NOW)
        subscription.request(NOW, "fr")
        subscription.confirm(NOW)
        assert subscription.paused_until is None


def test_pause_and_resumption_are_recorded_each_once(product: Product) -> None:
    with product.database.transaction() as session:
        public_id = make.make_subscription(session).public_id
        pause(session, public_id=public_id, until=date(2026, 4, 1), now=NOW)
        for _ in range(2):
            resume(session, public_id=public_id, now=NOW)
        pause(session, public_id=public_id, until=date(2026, 4, 1), now=NOW)
        resume(session, public_id=public_id, now=NOW + timedelta(days=20))
        events = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq)).all()
        assert [(event.kind.value, event.detail) for event in events] == [
            ("paused", "until 2026-04-01"), ("resumed", None), ("paused", "until 2026-04-01"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("span", "end"),
    [(PauseSpan.WEEK, date(2026, 2, 7)), (PauseSpan.MONTH, date(2026, 2, 28)), (PauseSpan.QUARTER, date(2026, 4, 30))],
)
def test_months_end_on_their_last_day_where_they_are_short(span: PauseSpan, end: date) -> None:
    assert span.end(date(2026, 1, 31)) == end


def test_what_cannot_be_chosen_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        gone = make.make_subscription(session, email="bob@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        with pytest.raises(InputRefused):
            change_language(session, public_id=subscription.public_id, language="tlh", now=NOW)
        with pytest.raises(TransitionRefused):
            change_language(session, public_id=gone.public_id, language="en", now=NOW)
        with pytest.raises(NotFound):
            change_language(session, public_id="a" * 22, language="en", now=NOW)
        assert subscription.language == "fr"
