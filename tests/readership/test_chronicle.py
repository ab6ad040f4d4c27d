"""A reader's chronicle: all that happened, newest first, page by page, and nothing twice or never."""

from datetime import datetime, timedelta

import pytest

from app.delivery.queue import enqueue
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.product import Product
from app.readership import chronicle
from app.readership.chronicle import ActEntry, Entry, LetterEntry, NoticeEntry, read_chronicle
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.ledger import Act, record_act
from tests import make
from tests.conftest import NOW


def test_acts_letters_and_notices_stand_in_one_line(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "PAGE_LENGTH", 4)
    with product.database.transaction() as session:
        reader = make.make_subscription(session)
        for hour in range(4):
            at = NOW + timedelta(hours=hour)
            record_act(session, reader, Act(ConsentKind.CHOICES_CHANGED, ConsentMethod.PREFERENCES, at, "fr"))
            enqueue(session, kind="welcome", language="fr", subscriber_id=reader.subscriber_id, now=at)
            session.add(
                FeedbackEvent(source="dsn", event_id=str(hour), kind=NoticeKind.SOFT, at=at + timedelta(minutes=1),
                              received_at=at, delivery_id=hour, subscriber_id=reader.subscriber_id)
            )  # fmt: skip
        session.flush()
        found: list[Entry] = []
        before: datetime | None = None
        sizes = []
        while True:
            page = read_chronicle(session, reader.subscriber, before=before)
            found += page.entries
            sizes.append(len(page.entries))
            before = page.before
            if before is None:
                break
    assert len(found) == 12
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
    assert [sum(isinstance(entry, kind) for entry in found) for kind in (ActEntry, LetterEntry, NoticeEntry)] == [
        4,
        4,
        4,
    ]
    assert max(sizes) <= 5, "a page is longer by what happened at the same moment only"


def test_a_reader_of_whom_nothing_is_known_has_an_empty_one(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session)
        assert read_chronicle(session, reader.subscriber) == chronicle.Chronicle([], None)
