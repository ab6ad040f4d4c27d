"""What is said for one letter: its envelope as SMTP commands, in the words that the server offered to understand."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import HeaderInvalid
from app.mail.address import needs_smtputf8
from app.mail.headers import check_address
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing

#: RFC 1870 §4.
SIZE_DIGITS_MAX = 20

_TOO_LARGE = Outcome(OutcomeKind.REJECTED, enhanced="5.3.4", text="larger than the server takes", fault=Fault.CONTENT)
_UNSUPPORTED = Outcome(
    OutcomeKind.REJECTED,
    text="the server does not offer SMTPUTF8, which this address needs",
    fault=Fault.UNSUPPORTED_ADDRESS,
)


@dataclass(frozen=True, slots=True)
class Features:
    """What the server offered in its last reply to EHLO. `size_max`: octets of a message; 0 where it named none."""

    has_pipelining: bool = False
    has_8bitmime: bool = False
    has_smtputf8: bool = False
    has_dsn: bool = False
    size_max: int = 0

    @classmethod
    def offered(cls, extensions: Mapping[str, str]) -> "Features":
        """Return the features among `extensions`, which maps keywords in lower case to their parameters."""
        size = extensions.get("size", "")
        return cls(
            has_pipelining="pipelining" in extensions,
            has_8bitmime="8bitmime" in extensions,
            has_smtputf8="smtputf8" in extensions,
            has_dsn="dsn" in extensions,
            size_max=int(size) if size.isascii() and size.isdigit() and len(size) <= SIZE_DIGITS_MAX else 0,
        )


def find_unfit(outgoing: Outgoing) -> Outcome | None:
    """Return a refusal of our own where the envelope could break out of its command."""
    for address in (outgoing.sender, outgoing.recipient):
        try:
            check_address(address)
        except HeaderInvalid as error:
            return Outcome(OutcomeKind.REJECTED, text=str(error), fault=Fault.CONTENT)
    return None


def write_envelope(outgoing: Outgoing, features: Features) -> list[bytes] | Outcome:
    """Return MAIL, RCPT and DATA for one letter, or our own refusal where the server cannot take such a letter.

    Standards: RFC 1870 §6.2 (SIZE), RFC 6152 (8BITMIME), RFC 6531 §3.4 (SMTPUTF8), RFC 3461 §4 (DSN).
    """
    if 0 < features.size_max < len(outgoing.data):
        return _TOO_LARGE
    mail = f"MAIL FROM:<{outgoing.sender}>"
    recipient = f"RCPT TO:<{outgoing.recipient}>"
    if features.has_8bitmime and outgoing.is_8bit:
        mail += " BODY=8BITMIME"
    if needs_smtputf8(outgoing.sender + outgoing.recipient):
        if not features.has_smtputf8:
            return _UNSUPPORTED
        mail += " SMTPUTF8"
    if features.has_dsn:
        mail += f" RET=HDRS ENVID={outgoing.key}"
        recipient += " NOTIFY=FAILURE" + _original_recipient(outgoing.recipient)
    return [f"{mail}\r\n".encode(), f"{recipient}\r\n".encode(), b"DATA\r\n"]


def _original_recipient(address: str) -> str:
    """Return ORCPT in xtext, which has no form for an address beyond ASCII (RFC 3461 §4)."""
    if not address.isascii():
        return ""
    return " ORCPT=rfc822;" + address.replace("+", "+2B").replace("=", "+3D")
