"""What came back of a reader's letters stands among all that is held of them."""

import pytest
from flask.testing import FlaskClient

from app.feedback.models import Diagnostic, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.product import Product
from app.subscriptions.rights.dossier import gather
from tests.conftest import NOW
from tests.web.reader import data_path, make_reader


def come_back(product: Product) -> int:
    """Two reports of a reader's copies, one with what the server said."""
    reader_id = make_reader(product)
    with product.database.transaction() as session:
        for number, kind in enumerate((NoticeKind.SOFT, NoticeKind.DELIVERED)):
            event = FeedbackEvent(
                source="dsn", event_id=str(number), kind=kind, at=NOW, received_at=NOW, delivery_id=number,
                subscriber_id=reader_id, status="4.2.2" if kind is NoticeKind.SOFT else None,
            )  # fmt: skip
            session.add(event)
            session.flush()
            if kind is NoticeKind.SOFT:
                session.add(Diagnostic(event_id=event.id, subscriber_id=reader_id, text="452 mailbox full"))
    return reader_id


def test_each_report_is_told(product: Product) -> None:
    reader_id = come_back(product)
    with product.database.reading() as session:
        rows = gather(session, subscriber_id=reader_id, tellers=product.tellers, now=NOW).sections["returns"]
    assert [(row["kind"], row["status"], row["said"]) for row in rows] == [
        ("delivered", None, None), ("soft", "4.2.2", "452 mailbox full"),
    ]  # fmt: skip


@pytest.mark.parametrize(("language", "words"), [("fr", "Ce qui est revenu"), ("en", "What came back")])
def test_the_readers_page_shows_it(client: FlaskClient, product: Product, language: str, words: str) -> None:
    come_back(product)
    page = client.get(data_path(product).replace("/fr/", f"/{language}/")).text
    assert words in page
    assert "452 mailbox full" in page
