"""How often the form, and the pages at all, may be used."""

from dataclasses import dataclass

from app.settings.environment import Environment

LIMIT_MAX = 1_000_000


@dataclass(frozen=True)
class SignupLimits:
    """How often the form may be used, and what it asks for when it is used too often. `docs/abuse.md` has the reasons.

    `per_network`: sign-ups in ten minutes; `per_provider_hourly`: for a domain of the big mailbox providers, where
    `per_domain_hourly` is for any other; `unconfirmed`: letters to a mailbox in 30 days that brought no confirmation.
    """

    per_network: int = 5
    per_network_daily: int = 20
    pause_minutes: int = 15
    per_mailbox_daily: int = 3
    unconfirmed: int = 5
    per_domain_hourly: int = 50
    per_provider_hourly: int = 500
    breaker_times_norm: int = 10
    breaker_floor: int = 100
    wait_minutes: int = 1
    proof_of_work: str = "breaker"
    official_hourly: int = 10

    @classmethod
    def read(cls, env: Environment) -> "SignupLimits":
        """Read how often the form may be used."""
        names = {
            "per_network": "SIGNUPS_PER_NETWORK", "per_network_daily": "SIGNUPS_PER_NETWORK_DAILY",
            "pause_minutes": "SIGNUP_PAUSE_MINUTES", "per_mailbox_daily": "SIGNUPS_PER_MAILBOX_DAILY",
            "unconfirmed": "SIGNUPS_UNCONFIRMED", "per_domain_hourly": "SIGNUPS_PER_DOMAIN_HOURLY",
            "per_provider_hourly": "SIGNUPS_PER_PROVIDER_HOURLY", "breaker_times_norm": "SIGNUP_BREAKER_TIMES_NORM",
            "breaker_floor": "SIGNUP_BREAKER_FLOOR", "wait_minutes": "SIGNUP_WAIT_MINUTES",
            "official_hourly": "SIGNUPS_OFFICIAL_HOURLY",
        }  # fmt: skip
        kinds = ("off", "breaker", "always")
        return cls(
            proof_of_work=env.checked("PROOF_OF_WORK", "breaker", kinds.__contains__, f"is none of {', '.join(kinds)}"),
            **{key: env.whole(name, getattr(cls, key), 1, LIMIT_MAX) for key, name in names.items()},
        )


@dataclass(frozen=True)
class Bursts:
    """How many requests of one network a minute are answered at all, ahead of any other rule, and who counts them."""

    posts_per_minute: int = 60
    pages_per_minute: int = 600
    storage_url: str = ""

    @classmethod
    def read(cls, env: Environment) -> "Bursts":
        """Read what a burst is."""
        return cls(
            posts_per_minute=env.whole("BURST_POSTS_PER_MINUTE", cls.posts_per_minute, 1, LIMIT_MAX),
            pages_per_minute=env.whole("BURST_PAGES_PER_MINUTE", cls.pages_per_minute, 1, LIMIT_MAX),
            storage_url=env.checked("RATE_STORAGE_URL", cls.storage_url, _is_rate_storage, "is no redis://…"),
        )


def _is_rate_storage(url: str) -> bool:
    return not url or url.startswith(("redis://", "rediss://", "redis+unix://"))
