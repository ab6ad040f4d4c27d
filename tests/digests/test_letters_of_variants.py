"""Letters of many variants in one claim: made ready together, and each its own."""

from datetime import UTC, datetime

from sqlalchemy import select

from app.choices.choices import Interests
from app.delivery.claims import claim
from app.digests.schedule import install_schedules
from app.editions.copies import EDITION, EditionCopy, edition_letters
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionContent
from app.product import Product
from tests.digests.readers import DAY, file, make_reader, run
from tests.make import newsletter
from tests.statements import statements

NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
PLACES = ("AZ", "FR", "IL", "TR", "IR")


def test_letters_of_many_variants_are_made_ready_together(product: Product) -> None:
    at = run_a_digest_of_places(product)
    with product.database.transaction() as session:
        copies = claim(session, owner="one", kinds={EDITION}, now=at, limit=10)
    assert len({copy.chunk.variant_id for copy in copies}) == len(copies) == len(PLACES)
    with product.database.reading() as session, statements(product.database) as asked:
        made = edition_letters(product.config, product.links)[EDITION](session, copies)
    assert len(asked) == 5, "editions, readers, suppressions, letters, the newsletter"
    for copy, ready in zip(copies, made, strict=True):
        assert isinstance(ready, EditionCopy)
        _, body = ready.write("<1@news.example.org>", None)
        with product.database.reading() as session:
            [item] = session.get_one(Edition, copy.chunk.variant_id).items
            assert item.article.title.encode() in body


def test_each_is_frozen_with_the_newsletters_letterhead(product: Product) -> None:
    with product.database.transaction() as session:
        newsletter(session).sender = "north@newsletter.example"
    run_a_digest_of_places(product)
    with product.database.reading() as session:
        senders = session.scalars(select(EditionContent.from_address)).all()
    assert senders == ["north@newsletter.example"] * (1 + len(PLACES))


def run_a_digest_of_places(product: Product) -> datetime:
    """One reader for each place, and one article; returns when the digest went."""
    with product.database.transaction() as session:
        newsletter(session).timezone = "UTC"
        session.flush()
        install_schedules(session, product.config, NOW)
        at = session.scalars(select(Schedule.next_run_at).where(Schedule.language == "fr")).one() or NOW
        for place in PLACES:
            make_reader(session, place, now=NOW, interests=Interests(followed=frozenset({f"place:{place}"})))
            file(session, f"Nouvelle de {place}", topics=f"place:{place}", at=at - DAY)
    run(product, at, arrives=False)
    return at
