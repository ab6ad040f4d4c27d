"""As whom a newsletter's letters leave: its name, its sender address, and where replies to them go."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import AddressInvalid
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.settings.mail import MailSettings
from config import Config


@dataclass(frozen=True)
class Letterhead:
    """What From and Reply-To of a letter say; addresses are in their wire form."""

    from_name: str
    from_address: str
    reply_to: str

    @property
    def addresses(self) -> str:
        """Both, as the audit log names them."""
        return f"From: {self.from_address}, Reply-To: {self.reply_to}"


@dataclass(frozen=True)
class OwnAddresses:
    """The addresses of a newsletter's own, as somebody typed them; empty where those of the settings are to hold."""

    sender: str = ""
    reply_to: str = ""

    def faults(self, mail: MailSettings) -> dict[str, str]:
        """Return what cannot be taken, by field: "address", "ascii", "domain" of a sender, "bounces" of the other."""
        found = {name: fault for name in ("sender", "reply_to") if (fault := _fault(getattr(self, name)))}
        if self.sender and "sender" not in found and not _is_ours(wire_form(self.sender), mail):
            found["sender"] = "domain"
        if (
            self.reply_to
            and "reply_to" not in found
            and _domain_of(wire_form(self.reply_to)) == mail.bounce_domain.lower()
        ):
            found["reply_to"] = "bounces"
        return found


#: None of its own.
SETTINGS_ADDRESSES = OwnAddresses()


def fault_words(mail: MailSettings) -> Mapping[str, str]:
    """Return, by fault of an address, the sentence that says why it cannot be taken and what would do."""
    domain = mail.sender_domain
    return {
        "bounces": f"what comes to {mail.bounce_domain} is read as returned mail: write an address that people read",
        "address": "this is no address; write one as news@example.org, or nothing",
        "ascii": "not every mail server takes an address with such letters before the @: write it with plain ones",
        "domain": f"letters are signed for {domain}, and receivers refuse a sender in another domain as a forgery"
        f" (DMARC, RFC 9989): write an address that ends with @{domain}, or nothing",
    }


def wire_form(typed: str) -> str:
    """Return an address that was typed as it stands in a letter. Raises AddressInvalid."""
    return parse_address(typed).ascii


def letterhead_of(newsletter: Newsletter, language: str, config: Config) -> Letterhead:
    """Return as whom the letters of a newsletter leave in a language, as it and the settings are now."""
    return Letterhead(
        newsletter.in_language(language).name,
        sender_of(newsletter, config.mail),
        newsletter.reply_to or config.identity.contact,
    )


def sender_of(newsletter: Newsletter, mail: MailSettings) -> str:
    """Return the From address of a newsletter's letters: its own one, or that of the settings.

    Its own one is not used while it is outside the settings' domain, which may have changed since: no key of ours signs
    for it, so receivers would take its letters for forgeries (RFC 9989 §4.4).
    """
    return newsletter.sender if newsletter.sender and not is_sender_idle(newsletter, mail) else mail.sender


def sender_under(letterhead: Letterhead, newsletter: Newsletter, mail: MailSettings) -> str:
    """Return the From address of letters under a letterhead, which may have been frozen before the domain changed."""
    return letterhead.from_address if _is_ours(letterhead.from_address, mail) else sender_of(newsletter, mail)


def is_sender_idle(newsletter: Newsletter, mail: MailSettings) -> bool:
    """Whether a newsletter has a sender address that is not used, since it is outside the settings' domain."""
    return newsletter.sender is not None and not _is_ours(newsletter.sender, mail)


def _is_ours(address: str, mail: MailSettings) -> bool:
    """Strict alignment, which holds whatever a domain's policy asks for (RFC 9989 §4.4)."""
    return _domain_of(address) == mail.sender_domain.lower()


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _fault(typed: str) -> str | None:
    try:
        address = wire_form(typed) if typed else ""
    except AddressInvalid:
        return "address"
    # Such a field makes every copy 8-bit, which only servers with SMTPUTF8 take (RFC 6532 §3).
    return None if address.isascii() else "ascii"
