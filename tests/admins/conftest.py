"""The wired parts without pages, which these rules do not know; passwords cost here what they cost."""

from collections.abc import Iterator

import pytest

from app.admins import passwords
from app.jobs.fleet import announce
from app.product import Product, make_product
from config import Config


@pytest.fixture
def product(config: Config) -> Iterator[Product]:
    """The wired parts on an empty database."""
    product = make_product(config, announce)
    yield product
    product.database.dispose()


@pytest.fixture
def quick_passwords() -> None:
    """Passwords are as slow here as at work, and so is the one that nobody has, whatever other tests made of it."""
    passwords._nobodys_hash.cache_clear()
