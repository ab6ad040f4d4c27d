"""Fixtures: all providers, with keys that tests know; no table is involved."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.feedback.providers.hook import Provider
from app.mail.envelope import Envelope
from config import Config
from tests.conftest import make_config
from tests.feedback.providers import signing


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An address where nothing is: no row is read or written."""
    return f"sqlite:///{tmp_path / 'none.db'}"


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings in which every provider is listened to."""
    return replace(make_config(database_url, tmp_path), hooks=signing.SETTINGS)


@pytest.fixture
def providers(config: Config) -> Mapping[str, Provider]:
    """All providers, by name."""
    return signing.providers(config)


@pytest.fixture
def envelope(config: Config) -> Envelope:
    """What seals the names of copies."""
    return signing.envelope_of(config)
