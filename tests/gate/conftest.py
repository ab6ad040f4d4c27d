"""The product without its web side, as the tests of editions have it."""

from tests.editions.conftest import product

__all__ = ["product"]
