"""The product without its web side: the rules of editions know no Flask."""

from collections.abc import Iterator

import pytest

from app.jobs.fleet import announce
from app.newsletters.defaults import install_defaults
from app.product import Product, make_product
from config import Config
from tests.conftest import NOW


@pytest.fixture
def product(config: Config) -> Iterator[Product]:
    """The wired parts, with the default newsletter installed."""
    wired = make_product(config, announce)
    with wired.database.transaction() as session:
        install_defaults(session, config, NOW)
    yield wired
    wired.database.dispose()
