"""The product's only clock: every "current time" comes through `now`, so that tests can move it."""

from datetime import UTC, datetime, timedelta

#: How far the clocks of our machines may be apart: what is older than what came before it by less is no forgery.
CLOCKS_APART = timedelta(minutes=10)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
