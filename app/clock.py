"""The product's only clock: every "current time" comes through `now`, so that tests can move it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
