"""Do-not-mail by keyed hash."""

from sqlalchemy import func, select

from app.product import Product
from app.subscriptions.kinds import SuppressionReason
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import address_hmac, is_suppressed, suppress
from tests.conftest import NOW


def test_the_hash_depends_on_the_key_and_holds_no_address() -> None:
    assert address_hmac("k1", "a@reader.example") != address_hmac("k2", "a@reader.example")
    assert len(address_hmac("k1", "a@reader.example")) == 64
    # RFC 4231 test case 2
    assert address_hmac("Jefe", "what do ya want for nothing?").startswith("5bdcc146bf60754e6a042426089575c7")


def test_an_address_is_suppressed_once_and_the_first_reason_stands(product: Product) -> None:
    with product.database.transaction() as session:
        for reason in (SuppressionReason.COMPLAINT, SuppressionReason.HARD_BOUNCE):
            suppress(session, email_key="a@reader.example", suppression_key="k", reason=reason, source="test", now=NOW)
        assert session.scalar(select(func.count()).select_from(Suppression)) == 1
        assert session.scalars(select(Suppression)).one().reason is SuppressionReason.COMPLAINT
        assert is_suppressed(session, email_key="a@reader.example", suppression_key="k")
        assert not is_suppressed(session, email_key="b@reader.example", suppression_key="k")
        assert not is_suppressed(session, email_key="a@reader.example", suppression_key="other")
