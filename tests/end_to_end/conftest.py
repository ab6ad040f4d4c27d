"""A running house."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KEY, new_postgresql_database
from tests.end_to_end.house import FEEDS, SEED, House, Postbox


@pytest.fixture(scope="session")
def real_input() -> None:
    """The seed article and the real feeds, or a skip that says what is missing."""
    for path in (SEED, FEEDS):
        if not path.exists():
            pytest.skip(f"real input is missing: {path.name} (shared/ beside the repository)")


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    """A real SMTP server."""
    with Postbox() as postbox:
        yield postbox


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, postbox: Postbox) -> Iterator[House]:
    """Vigie in one process on SQLite."""
    house = House(tmp_path_factory.mktemp("house"), postbox.port)
    with house.serving():
        yield house


@pytest.fixture(scope="module")
def any_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postbox: Postbox
) -> Iterator[House]:
    """Vigie in one process on SQLite ("embedded"), or as many processes on PostgreSQL ("scaled-out")."""
    folder: Path = tmp_path_factory.mktemp("house")
    if request.param == "embedded":
        house = House(folder, postbox.port)
        with house.serving():
            yield house
        return
    keys = {name: f"{KEY}-{name}" for name in ("SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS")}
    url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    house = House(folder, postbox.port, DATABASE_URL=url, **keys)
    with house.scaled_out():
        yield house
