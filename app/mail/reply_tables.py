"""Known wordings of servers' replies, as data: one row each, mailbox providers first, then what many servers say.

It decides nothing: `replies` reads it. The first row that fits wins.
"""

from dataclasses import dataclass

from app.mail.meanings import Meaning


@dataclass(frozen=True)
class Row:
    """One known reply. It fits where everything that is given fits.

    `says`: phrases in lower case, all of them. `statuses`: subject and detail of the enhanced code, as "7.1".
    `tag`: a provider's own number, as "ofr416". `digit`: the first of the code.
    """

    provider: str
    meaning: Meaning
    says: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tag: str = ""
    digit: int | None = None

    def fits(self, code: int, status: str, tag: str, words: str) -> bool:
        """Return whether this is the reply that `words` (in lower case), its code, status and tag are."""
        return (
            (not self.tag or self.tag == tag)
            and (not self.statuses or status in self.statuses)
            and self.digit in {None, code // 100}
            and all(phrase in words for phrase in self.says)
        )


def _block(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"7.{detail}" for detail in range(first, last + 1))


def _any(meaning: Meaning, *phrases: str) -> tuple[Row, ...]:
    return tuple(Row("any", meaning, (phrase,)) for phrase in phrases)


_REFUSED = ("7.0", "7.1")

#: As Google, Microsoft, Yahoo, Orange, La Poste, Free and SFR document their replies to senders.
ROWS = (
    Row("gmail", Meaning.MAILBOX_BUSY, ("receiving mail",), ("2.1",)),
    Row("gmail", Meaning.MAILBOX_FULL, ("email quota exceeded",)),
    Row("gmail", Meaning.REPUTATION, ("low reputation",), _REFUSED),
    Row("gmail", Meaning.RATE, ("unusual rate of",), (*_REFUSED, "7.28")),
    Row("gmail", Meaning.RATE, ("limit exceeded",), ("2.1", "4.5", "7.1")),
    Row("gmail", Meaning.RATE, ("sending quota exceeded",), ("4.5",)),
    Row("gmail", Meaning.UNSOLICITED, ("unsolicited mail",), _REFUSED),
    Row("gmail", Meaning.SPAM, ("nature of the content",), _REFUSED),
    Row("gmail", Meaning.FORBIDDEN, ("illegal attachment",), ("7.0",)),
    Row("gmail", Meaning.FORBIDDEN, ("security issue",), ("7.0",)),
    Row("gmail", Meaning.MALFORMED, ("rfc 5322",), _REFUSED),
    Row("gmail", Meaning.MALFORMED, ("message-id",), _REFUSED),
    Row("gmail", Meaning.MALFORMED, ("from: header",), _REFUSED),
    Row("gmail", Meaning.MALFORMED, ("disallowed header",), _REFUSED),
    Row("gmail", Meaning.MALFORMED, ("encoded-word",), _REFUSED),
    Row("gmail", Meaning.REVERSE_DNS, ("ptr record",), (*_REFUSED, "7.23", "7.25")),
    Row("gmail", Meaning.UNAUTHENTICATED, ("authentication checks",), _REFUSED),
    Row("gmail", Meaning.UNAUTHENTICATED, ("unauthenticated email",), _REFUSED),
    Row("gmail", Meaning.UNAUTHENTICATED, ("spf",), ("7.27",)),
    Row("gmail", Meaning.UNAUTHENTICATED, ("dkim",), ("7.30",)),
    Row("gmail", Meaning.UNAUTHENTICATED, (), ("7.32", "7.40")),
    Row("gmail", Meaning.TLS_WANTED, ("tls",), ("7.29",)),
    Row("gmail", Meaning.TLS_WANTED, ("tls required",), ("7.0",)),
    Row("gmail", Meaning.USED_UP, ("connection expired",)),
    Row("gmail", Meaning.NOT_LET_IN, ("credentials for relay",)),
    Row("microsoft", Meaning.NO_SUCH_ADDRESS, ("mailbox unavailable (s2017062302)",)),
    Row("microsoft", Meaning.NO_SUCH_ADDRESS, ("unknown recipient",), ("1.351",)),
    # At its edge, before a domain whose directory it knows.
    Row("microsoft", Meaning.NO_SUCH_ADDRESS, ("recipient address rejected: access denied",), ("4.1",)),
    Row("microsoft", Meaning.MAILBOX_BUSY, (), ("2.121", "2.122")),
    Row("microsoft", Meaning.MAILBOX_BUSY, ("recipient thread limit",)),
    Row("microsoft", Meaning.BLOCKED, (), ("7.501", "7.502", "7.503", "7.511", *_block(606, 649))),
    Row("microsoft", Meaning.BLOCKED, ("(s3150)",)),
    Row("microsoft", Meaning.BLOCKED, ("(s3140)",)),
    Row("microsoft", Meaning.BLOCKED, ("part of their network is on our block list",)),
    Row("microsoft", Meaning.BLOCKED, tag="sc"),
    Row("microsoft", Meaning.BLOCKED, tag="dy"),
    Row("microsoft", Meaning.BLOCKED, tag="ou"),
    Row("microsoft", Meaning.RATE, tag="rp"),
    Row("microsoft", Meaning.RATE, (), ("7.508",)),
    Row("microsoft", Meaning.RATE, (), (*_block(500, 605), *_block(850, 899)), digit=4),
    Row("microsoft", Meaning.REPUTATION, (), ("7.650",)),
    Row("microsoft", Meaning.UNAUTHENTICATED, (), ("7.509", "7.515")),
    Row("microsoft", Meaning.MALFORMED, (), ("7.512", "6.11")),
    Row("microsoft", Meaning.UNWANTED, (), ("7.507", "7.513")),
    Row("microsoft", Meaning.NOT_LET_IN, (), ("7.57", "7.139")),
    Row("yahoo", Meaning.NO_SUCH_ADDRESS, ("user doesn't have a", " account")),
    Row("yahoo", Meaning.NO_SUCH_ADDRESS, ("mailbox not found",)),
    Row("yahoo", Meaning.MAILBOX_DISABLED, ("delivery error", "is no longer valid")),
    Row("yahoo", Meaning.MAILBOX_DISABLED, ("mailbox is disabled",)),
    Row("yahoo", Meaning.MAILBOX_BUSY, ("receiving mail too quickly",)),
    Row("yahoo", Meaning.RATE, ("temporarily deferred due to", "user complaints")),
    Row("yahoo", Meaning.SENDER_REFUSED, ("deferred due to unresolvable",)),
    Row("yahoo", Meaning.BLOCKED, ("permanently deferred",)),
    Row("yahoo", Meaning.UNAUTHENTICATED, ("all senders to authenticate",)),
    Row("yahoo", Meaning.POLICY, ("not accepted for policy reasons",)),
    Row("yahoo", Meaning.MALFORMED, ("headers are not rfc compliant",)),
    Row("yahoo", Meaning.USED_UP, ("max message per connection",)),
    Row("orange, laposte", Meaning.NO_SUCH_ADDRESS, tag="ofr416"),
    Row("orange, laposte", Meaning.MAILBOX_FULL, tag="ofr417"),
    Row("orange, laposte", Meaning.MAILBOX_DISABLED, tag="ofr420"),
    Row("orange, laposte", Meaning.MAILBOX_DISABLED, tag="ofr426"),
    Row("orange, laposte", Meaning.BLOCKED, tag="ofr101"),
    Row("orange, laposte", Meaning.BLOCKED, tag="ofr102"),
    Row("orange, laposte", Meaning.REPUTATION, tag="ofr103"),
    Row("orange, laposte", Meaning.CONNECTIONS, tag="ofr104"),
    *(
        Row("orange, laposte", Meaning.PUT_OFF, tag=f"ofr{number}")
        for number in (105, 107, 108, 109, 201, 423, 424, 503, 505)
    ),
    Row("orange, laposte", Meaning.NOT_LET_IN, tag="ofr305"),
    Row("orange, laposte", Meaning.NOT_LET_IN, tag="ofr402"),
    Row("orange, laposte", Meaning.UNAUTHENTICATED, tag="ofr401"),
    Row("orange, laposte", Meaning.UNAUTHENTICATED, tag="ofr517"),
    Row("orange, laposte", Meaning.UNAUTHENTICATED, ("spf/dns",)),
    *(Row("orange, laposte", Meaning.SENDER_REFUSED, tag=f"ofr{number}") for number in (403, 405, 415, 421)),
    Row("orange, laposte", Meaning.UNSOLICITED, tag="ofr506"),
    Row("orange, laposte", Meaning.UNSOLICITED, tag="ofr513"),
    Row("orange, laposte", Meaning.REPUTATION, tag="ofr510"),
    Row("orange, laposte", Meaning.REPUTATION, tag="ofr999"),
    Row("orange, laposte", Meaning.TOO_LARGE, tag="ofr514"),
    Row("orange, laposte", Meaning.POLICY, tag="ofr630"),
    Row("free", Meaning.SPAM, ("spam detected",)),
    Row("free", Meaning.BLOCKED, ("too many spams from your ip",)),
    Row("free", Meaning.REPUTATION, ("too many errors from your ip",)),
    Row("free", Meaning.MAILBOX_DISABLED, ("due to inactivity",)),
    Row("sfr", Meaning.REPUTATION, tag="sfr01"),
    Row("sfr", Meaning.REPUTATION, tag="sfr02"),
    Row("sfr", Meaning.PUT_OFF, tag="sfr03"),
    Row("sfr", Meaning.REPUTATION, tag="sfr04"),
    Row("sfr", Meaning.RATE, tag="sfr05"),
    Row("sfr", Meaning.SPAM, ("message content rejected",)),
    Row("facebook", Meaning.UNWANTED, ("recipient preferences",)),
    Row("cisco", Meaning.NO_SUCH_ADDRESS, ("#5.1.0 address rejected",), ("1.0",)),
    Row("any", Meaning.TOO_MANY_RECIPIENTS, ("too many recipients",)),
    Row("any", Meaning.TOO_MANY_RECIPIENTS, ("too many rcpt",)),
    Row("any", Meaning.USED_UP, ("too many errors",)),
    *_any(Meaning.CONNECTIONS, "too many connections", "too many concurrent"),
    *_any(Meaning.RATE, "rate limit", "frequency limited", "too many messages"),
    *(Row("any", Meaning.GREYLISTED, (phrase,), digit=4) for phrase in ("greylist", "graylist", "grey-list")),
    *_any(Meaning.SENDER_REFUSED, "sender rejected", "sender address rejected", "sender verify failed"),
    *_any(
        Meaning.NOT_LET_IN,
        "relay access denied",
        "relaying denied",
        "relay not permitted",
        "permitted to relay",
        "unable to relay",
        "smtp authentication",
        "authentication required",
    ),
    *_any(Meaning.UNAUTHENTICATED, "dmarc", "spf check", "spf fail", "unauthenticated sender"),
    *_any(Meaning.REVERSE_DNS, "ptr record", "dns ptr", "reverse dns"),
    *_any(Meaning.BLOCKED, "blocked using", "spamhaus", "blacklist", "blocklist", "block list", "dnsbl"),
    *_any(Meaning.SPAM, "as spam", "like spam", "is spam", "- spam", "probably spam", "spam rejection", "spamassassin"),
    *_any(Meaning.FORBIDDEN, "virus", "malware"),
    *_any(Meaning.TOO_LARGE, "message size", "message too large", "message too big"),
    *_any(Meaning.MAILBOX_DISABLED, "mailbox is frozen", "account has been disabled", "deactivated mailbox"),
    *_any(Meaning.NULL_MX, "host does not accept mail"),
    *_any(Meaning.UNREACHABLE, "host unknown", "unknown host", "domain not found"),
)
