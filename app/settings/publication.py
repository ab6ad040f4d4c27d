"""Who publishes, and what is counted of reading."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from app.settings.environment import Environment, is_loopback, is_plain_address


class Measurement(StrEnum):
    """What is counted of reading: nothing, totals that tell of nobody, or of readers who agreed to it as well."""

    OFF = "off"
    TOTALS = "totals"
    CONSENT = "consent"


@dataclass(frozen=True)
class Identity:
    """Who publishes: what the law wants in each letter and page (LCEN art. 1-1, GDPR art. 13, CAN-SPAM)."""

    publication: str = "Vigie"
    publisher: str = "Vigie (demo)"
    postal_address: str = "1 rue de l’Exemple, 75000 Paris, France"
    contact: str = "contact@newsletter.example"
    director: str = "A. Exemple"
    host: str = "Exemple Hébergement, 1 rue de l’Exemple, 75000 Paris, France"
    data_protection_officer: str = ""
    processors: str = ""

    @classmethod
    def read(cls, env: Environment, public_url: str) -> "Identity":
        """Read the identity; a newsletter that is not on this machine alone must have one of its own."""
        names = {
            "publisher": "PUBLISHER_NAME", "postal_address": "PUBLISHER_ADDRESS", "contact": "PUBLISHER_CONTACT",
            "director": "PUBLICATION_DIRECTOR", "host": "HOSTING_PROVIDER",
        }  # fmt: skip
        if not is_loopback(urlsplit(public_url).hostname or ""):
            if not env.text("MAIL_SERVER", ""):
                env.problems.append("MAIL_SERVER must be set: the mail catcher shows its letters to anyone")
            missing = [name for name in names.values() if not env.text(name, "")]
            if missing:
                env.problems.append(f"the law wants these in every letter, set them: {', '.join(missing)}")
        identity = cls(
            publication=env.text("PUBLICATION_NAME", cls.publication),
            data_protection_officer=env.text("DATA_PROTECTION_OFFICER", ""),
            processors=env.text("PROCESSORS", ""),
            **{key: env.text(name, getattr(cls, key)) for key, name in names.items()},
        )
        if not is_plain_address(identity.contact):
            env.problems.append(f"PUBLISHER_CONTACT must be a bare address, where replies go, not {identity.contact!r}")
        return identity
