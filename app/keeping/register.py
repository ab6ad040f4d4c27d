"""The entry of the register of processing activities (GDPR art. 30(1)), from the settings and the clocks in force."""

from app import templating
from app.clocks import rules
from app.settings.publication import Measurement
from config import Config


def register_entry(config: Config, language: str) -> str:
    """Return the entry as Markdown, in `language` ("fr" or "en")."""
    return templating.render(
        f"register/register.{language}.txt",
        language,
        identity=config.identity,
        clocks=rules(config.retention, language),
        mail=config.mail,
        mail_is_ours=config.mail.server in {"127.0.0.1", "localhost", "::1"},
        is_reading_counted=config.measurement is Measurement.CONSENT,
    )
