"""What the gate asks of the network, and how long an approved edition may still be stopped."""

from dataclasses import dataclass

from app.settings.environment import Environment, is_host_and_port


@dataclass(frozen=True)
class GateSettings:
    """`spamd` is host:port of SpamAssassin's daemon, `rspamd_url` the address of rspamd's worker; none where empty."""

    undo_minutes: int = 10
    checks_links: bool = False
    checks_dns: bool = False
    spamd: str = ""
    rspamd_url: str = ""

    @classmethod
    def read(cls, env: Environment, *, is_trial: bool) -> "GateSettings":
        """Read the settings; a trial on one machine asks nobody unless it is told to."""
        return cls(
            undo_minutes=env.whole("UNDO_MINUTES", cls.undo_minutes, 0, 24 * 60),
            checks_links=env.flag("CHECK_LINKS", not is_trial),
            checks_dns=env.flag("CHECK_DNS", not is_trial),
            spamd=env.checked("SPAMD", "", _is_daemon, "is not like 127.0.0.1:783"),
            rspamd_url=env.checked("RSPAMD_URL", "", _is_url, "is not an address like http://127.0.0.1:11333"),
        )


def _is_daemon(text: str) -> bool:
    return not text or is_host_and_port(text)


def _is_url(text: str) -> bool:
    return not text or text.startswith(("http://", "https://"))
