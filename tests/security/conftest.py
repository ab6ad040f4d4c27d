"""The product as strangers find it: behind one proxy, on each kind of database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.newsletters.defaults import install_defaults
from app.product import Product
from app.settings.publication import Measurement
from config import Config
from tests.conftest import NOW
from tests.security.walk import Walker


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app, with the default newsletter installed; readers may let it count."""
    counting = replace(config, trusted_proxies=1, measurement=Measurement.CONSENT)
    app = create_app(counting)
    wired: Product = app.extensions["vigie"]
    with wired.database.transaction() as session:
        install_defaults(session, counting, NOW)
    yield app
    wired.database.dispose()


@pytest.fixture
def walker(app: Flask, tmp_path: Path) -> Walker:
    """Someone who tries every door of the app."""
    return Walker(app, tmp_path / "caught")
