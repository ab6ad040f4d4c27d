"""An edition as a newsroom sends it: `flask worker`, signed letters, a provider's Postfix or none, then a sink."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import now
from app.delivery.models import DeliveryState
from app.editions.audience import edition_counts
from app.jobs import fleet
from app.newsletters.defaults import install_defaults
from app.product import Product, make_product
from config import Config
from tests.editions.press import make_draft, start
from tests.end_to_end.house import House, Postbox, wait_until
from tests.mail.dkim_verifiers import verify_with_dkimpy, verify_with_opendkim
from tests.make import make_subscription
from tests.relay.authority import Authority
from tests.relay.postfix import PASSWORD, USERNAME, Postfix

pytestmark = pytest.mark.slow

READERS = 200
DOMAIN = "newsletter.example"
SELECTORS = ("2026-11", "2026-11-ed")


@pytest.fixture
def by_postfix(postfix: Postfix, authority: Authority, sink: Postbox) -> tuple[Postbox, dict[str, str]]:
    """A submission port with TLS and a password, and the sink behind it."""
    settings = {
        "MAIL_PORT": str(postfix.ports["submission"]), "MAIL_USE_TLS": "true", "MAIL_USERNAME": USERNAME,
        "MAIL_PASSWORD": PASSWORD, "MAIL_CA_FILE": str(authority.ca_file),
    }  # fmt: skip
    return sink, settings


@pytest.fixture
def directly(sink: Postbox) -> tuple[Postbox, dict[str, str]]:
    """The sink itself."""
    return sink, {"MAIL_PORT": str(sink.port)}


@pytest.fixture
def route(request: pytest.FixtureRequest) -> tuple[Postbox, dict[str, str]]:
    """Where the letters are caught, and the settings that lead there."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("route", "database_url"),
    [pytest.param("by_postfix", "postgresql", marks=pytest.mark.postgresql), ("directly", "sqlite")],
    indirect=True,
)
def test_an_edition_arrives_with_both_signatures(
    route: tuple[Postbox, dict[str, str]], database_url: str, config: Config, tmp_path: Path
) -> None:
    sink, settings = route
    keys = {"SECRET_KEY": config.secret_keys[0], "LINK_KEYS": config.link_keys[0]}
    keys["PROOF_KEYS"] = config.proof_keys[0]
    house = House(
        tmp_path / "house", 1, DATABASE_URL=database_url, SUPPRESSION_KEY=config.suppression_key, **keys, **settings
    )
    records = make_keys(house)
    product = make_product(Config.from_env(house.environ), fleet.announce)
    edition_id = start_edition_of(product, READERS)
    already = len(sink.raw)
    with house.process("flask", "worker"):
        wait_until(lambda: len(sink.raw) - already >= READERS, "the edition at the sink", seconds=60)
        wait_until(lambda: counts(product, edition_id) == {DeliveryState.ACCEPTED: READERS}, "the ledger to know")
    product.database.dispose()
    caught = sink.raw[already:]
    assert {recipient for _, recipient, _ in caught} == {address_of(number) for number in range(READERS)}
    assert len(caught) == READERS
    for _, _, raw in caught:
        assert verify_with_dkimpy(raw, records, tmp_path) == dict.fromkeys(SELECTORS, True)
    for _, _, raw in caught[::10]:
        assert verify_with_opendkim(raw, records, tmp_path) == dict.fromkeys(SELECTORS, True)
    broken = caught[0][2].replace(b"Baltique", b"Balkique")
    assert broken != caught[0][2]
    assert verify_with_dkimpy(broken, records, tmp_path) == dict.fromkeys(SELECTORS, False)


def make_keys(house: House) -> Mapping[str, str]:
    """Make keys as the command line does, let the house sign with them, and return what DNS would hold."""
    house.output.parent.mkdir(parents=True)
    house.flask("dkim", "generate", SELECTORS[0])
    house.environ["DKIM_SELECTORS"] = ",".join(SELECTORS)
    return {row["name"]: row["record"] for row in house.flask_json("dkim", "list")}


def start_edition_of(product: Product, readers: int) -> int:
    """Give a house its readers and an edition under way."""
    at = now()
    with product.database.transaction() as session:
        install_defaults(session, product.config, at)
        for number in range(readers):
            make_subscription(session, email=address_of(number), at=at - timedelta(days=1))
        edition = make_draft(session, now=at)
        assert start(session, product, edition, now=at) == readers
        return edition.id


def counts(product: Product, edition_id: int) -> dict[DeliveryState, int]:
    """How many of an edition's copies are in each state that any is in."""
    with product.database.reading() as session:
        return {state: count for state, count in edition_counts(session, edition_id).items() if count}


def address_of(number: int) -> str:
    return f"reader-{number}@reader.example"
