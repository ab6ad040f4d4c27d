"""How feeds and pages are fetched."""

from dataclasses import dataclass

from app.settings.environment import Environment, is_host_and_port


@dataclass(frozen=True)
class FetchSettings:
    """How feeds are fetched. `allowed_inward`: host:port pairs on the newsroom's own network that may be fetched."""

    interval_minutes: int = 30
    allowed_inward: frozenset[str] = frozenset()
    contact: str = ""

    @classmethod
    def read(cls, env: Environment, public_url: str) -> "FetchSettings":
        """Read how feeds are fetched; the sites fetched from find out about us at `public_url`."""
        return cls(
            interval_minutes=env.whole("FETCH_INTERVAL_MINUTES", cls.interval_minutes, 30, 10_080),
            allowed_inward=env.checked_words(
                "FETCH_ALLOWED_INWARD", is_host_and_port, "must hold pairs like wiki.example.org:443"
            ),
            contact=public_url,
        )
