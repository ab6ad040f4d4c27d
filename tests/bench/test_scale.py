"""What bench/scale.py measures is the product's own work, and all of it gets done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.delivery.journal import journals
from app.delivery.models import Delivery, DeliveryState
from app.newsletters.models import ConsentWording, PrivacyPolicy
from app.product import Product
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.records import ConsentEvent
from bench import parts
from bench.disk import READER_TABLES, sizes_of, vacuum
from bench.newsroom import opened, settings, start_editions
from bench.processes import BenchFailed
from tests.conftest import new_postgresql_database

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

#: For two editions of five chunks each, of which eight are abandoned.
READERS = 4_200


@pytest.fixture(scope="module")
def template(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with readers."""
    url = new_postgresql_database(postgresql_server)
    parts.fill(url, tmp_path_factory.mktemp("fill"), READERS)
    return sa.make_url(url).database or ""


@pytest.fixture
def url(postgresql_server: str, template: str) -> str:
    return new_postgresql_database(postgresql_server, template=template)


@pytest.fixture
def product(url: str, tmp_path: Path) -> Iterator[Product]:
    with opened(settings(tmp_path, url)) as product:
        yield product


def test_each_reader_has_proof_and_every_second_one_changed_the_language(product: Product) -> None:
    asked = [ConsentKind.REQUESTED, ConsentKind.CONFIRMED]
    kinds: dict[int, list[ConsentKind]] = {}
    with product.database.reading() as session:
        for event in session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.id)):
            kinds.setdefault(event.subscription_id, []).append(event.kind)
        shown = sa.select(ConsentEvent.form_url, ConsentWording.language, PrivacyPolicy.language).distinct()
        forms = session.execute(
            shown.join(ConsentWording, ConsentWording.id == ConsentEvent.wording_id)
            .join(PrivacyPolicy, PrivacyPolicy.id == ConsentEvent.policy_id)
            .where(ConsentEvent.kind == ConsentKind.REQUESTED)
        ).all()

    assert list(kinds) == sorted(kinds)
    assert len(kinds) == READERS
    assert sum(each == asked for each in kinds.values()) == READERS / 2
    assert sum(each == [*asked, ConsentKind.LANGUAGE_CHANGED] for each in kinds.values()) == READERS / 2
    assert sorted(forms) == [(f"https://news.example.org/{each}/", each, each) for each in ("en", "fr")]


def test_everything_is_measured_and_nothing_is_left_to_do(product: Product, url: str, tmp_path: Path) -> None:
    figures = parts.measure(url, tmp_path)

    assert (figures["copies"], figures["recovered_copies"], figures["bells"]) == (READERS, 2_000, 10)
    assert figures["engine_octets"]["deliveries"]["table"] > READERS * 100
    assert 15_000 < figures["letter_octets"] < 30_000
    assert all(figures[name] > 0 for name in ("freeze_rows_per_s", "recovery_ended_s", "recovery_begun_s", "bells_s"))
    with product.database.reading() as session:
        assert session.scalars(sa.select(Delivery.state).distinct()).all() == [DeliveryState.ACCEPTED]
    assert parts.count_rows(product, "procrastinate_jobs") == 0


@pytest.mark.parametrize(("has_ended", "state"), [(True, DeliveryState.ACCEPTED), (False, DeliveryState.UNCERTAIN)])
def test_full_hands_are_recovered_as_what_their_journals_tell(
    product: Product, has_ended: bool, state: DeliveryState
) -> None:
    start_editions(product)
    hands = parts.abandon(product, has_ended=has_ended)

    assert [len(copies) for copies in hands.values()] == [1_000, 1_000]
    assert len(journals(product.config.journal_dir)) == 2
    assert parts.timed_recovery(product, hands) > 0
    with product.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Delivery.state == state)) == 2_000


def test_a_recovery_that_misses_copies_is_no_figure(product: Product) -> None:
    start_editions(product)
    hands = parts.abandon(product, has_ended=True)
    journals(product.config.journal_dir)[0].unlink()

    with pytest.raises(BenchFailed, match="1000 of 2000 copies"):
        parts.timed_recovery(product, hands)


def test_letters_of_editions_that_are_not_done_are_told(product: Product, url: str, tmp_path: Path) -> None:
    start_editions(product)

    with pytest.raises(BenchFailed, match="letters of editions that were done"):
        parts.measure_bells(product, url, tmp_path)


def test_sizes_are_those_of_the_whole_database(product: Product, url: str) -> None:
    vacuum(url)
    sizes = sizes_of(url, READER_TABLES)
    with product.database.reading() as session:
        total = session.scalar(
            sa.select(sum((sa.func.pg_total_relation_size(name) for name in READER_TABLES), start=sa.literal(0)))
        )

    assert sum(map(sum, sizes.values())) == total
    assert all(size.indexes > 0 for size in sizes.values())


def test_signing_is_measured_by_its_own_bench(tmp_path: Path) -> None:
    assert 0.01 < parts.measure_signing(tmp_path, seconds=1)["sign_ms"] < 100


def test_signing_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match=r"bench/dkim\.py failed"):
        parts.measure_signing(tmp_path / "missing", seconds=1)
