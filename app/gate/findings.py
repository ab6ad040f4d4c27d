"""What the gate finds: facts only. Their words are in `templates/gate/_words.html`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs: a failure keeps the edition back, a warning is shown."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    CONTENT = "content"
    PAIR = "pair"
    LAST = "last"
    SIZE = "size"
    LINKS = "links"
    STRUCTURE = "structure"
    PARITY = "parity"
    CONTRAST = "contrast"
    SUPPORT = "support"
    HEADERS = "headers"
    SENDER = "sender"
    SPAM = "spam"


class What(StrEnum):
    """What may be found; each belongs to a check and has its weight."""

    check: Check
    level: Level

    def __new__(cls, value: str, check: Check, level: Level) -> "What":
        """Return the member that is written `value`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.check = check
        member.level = level
        return member

    EMPTY = "empty", Check.CONTENT, Level.FAILURE
    NOBODY = "nobody", Check.CONTENT, Level.FAILURE
    EMBARGO = "embargo", Check.CONTENT, Level.FAILURE
    UNSETTABLE = "unsettable", Check.CONTENT, Level.FAILURE
    REVISED = "revised", Check.CONTENT, Level.WARNING
    TWIN_MISSING = "twin-missing", Check.PAIR, Level.WARNING
    TWIN_SUBJECT = "twin-subject", Check.PAIR, Level.WARNING
    SUBJECT_REPEATED = "subject-repeated", Check.LAST, Level.WARNING
    CARRIED_OVER = "carried-over", Check.LAST, Level.WARNING
    READERS_FEWER = "readers-fewer", Check.LAST, Level.WARNING
    HTML_LARGE = "html-large", Check.SIZE, Level.WARNING
    HTML_TOO_LARGE = "html-too-large", Check.SIZE, Level.FAILURE
    LINK_EMPTY = "link-empty", Check.LINKS, Level.FAILURE
    LINK_SCHEME = "link-scheme", Check.LINKS, Level.FAILURE
    LINK_PLACEHOLDER = "link-placeholder", Check.LINKS, Level.FAILURE
    LINK_INWARD = "link-inward", Check.LINKS, Level.FAILURE
    LINK_TRIAL = "link-trial", Check.LINKS, Level.WARNING
    LINK_IN_CLEAR = "link-in-clear", Check.LINKS, Level.WARNING
    LINK_TWICE = "link-twice", Check.LINKS, Level.WARNING
    LINK_DEAD = "link-dead", Check.LINKS, Level.FAILURE
    LINK_SILENT = "link-silent", Check.LINKS, Level.WARNING
    LINKS_PENDING = "links-pending", Check.LINKS, Level.WARNING
    ALT_MISSING = "alt-missing", Check.STRUCTURE, Level.FAILURE
    LANG_MISSING = "lang-missing", Check.STRUCTURE, Level.FAILURE
    HEADING_MISSING = "heading-missing", Check.STRUCTURE, Level.FAILURE
    HEADING_ORDER = "heading-order", Check.STRUCTURE, Level.FAILURE
    ID_TWICE = "id-twice", Check.STRUCTURE, Level.FAILURE
    TEXT_LACKS_LINK = "text-lacks-link", Check.PARITY, Level.FAILURE
    TEXT_LACKS_HEADLINE = "text-lacks-headline", Check.PARITY, Level.FAILURE
    CONTRAST_POOR = "contrast-poor", Check.CONTRAST, Level.WARNING
    CONTRAST_UNREADABLE = "contrast-unreadable", Check.CONTRAST, Level.FAILURE
    FORBIDDEN = "forbidden", Check.SUPPORT, Level.FAILURE
    UNSUPPORTED = "unsupported", Check.SUPPORT, Level.FAILURE
    HALF_SUPPORTED = "half-supported", Check.SUPPORT, Level.WARNING
    LEAVE_FIELD = "leave-field", Check.HEADERS, Level.FAILURE
    ONE_CLICK_FIELD = "one-click-field", Check.HEADERS, Level.FAILURE
    LIST_ID_FIELD = "list-id-field", Check.HEADERS, Level.FAILURE
    LEAVE_LINK = "leave-link", Check.HEADERS, Level.FAILURE
    LEAVE_HIDDEN = "leave-hidden", Check.HEADERS, Level.FAILURE
    UNSIGNED = "unsigned", Check.HEADERS, Level.WARNING
    SIGNATURE_ELSEWHERE = "signature-elsewhere", Check.HEADERS, Level.FAILURE
    DOMAIN_CHANGED = "domain-changed", Check.SENDER, Level.FAILURE
    SENDER_CHANGED = "sender-changed", Check.SENDER, Level.WARNING
    SENDER_IDLE = "sender-idle", Check.SENDER, Level.WARNING
    KEYS_CHANGED = "keys-changed", Check.SENDER, Level.FAILURE
    ADDRESS_CHANGED = "address-changed", Check.SENDER, Level.FAILURE
    SENDER_PENDING = "sender-pending", Check.SENDER, Level.WARNING
    DNS_SILENT = "dns-silent", Check.SENDER, Level.WARNING
    SPF_MISSING = "spf-missing", Check.SENDER, Level.FAILURE
    SPF_TWICE = "spf-twice", Check.SENDER, Level.FAILURE
    SPF_LOOKUPS = "spf-lookups", Check.SENDER, Level.FAILURE
    SPF_OPEN = "spf-open", Check.SENDER, Level.FAILURE
    DKIM_MISSING = "dkim-missing", Check.SENDER, Level.FAILURE
    DKIM_OTHER = "dkim-other", Check.SENDER, Level.FAILURE
    DMARC_MISSING = "dmarc-missing", Check.SENDER, Level.FAILURE
    DMARC_TWICE = "dmarc-twice", Check.SENDER, Level.FAILURE
    DMARC_NONE = "dmarc-none", Check.SENDER, Level.WARNING
    DMARC_UNALIGNED = "dmarc-unaligned", Check.SENDER, Level.WARNING
    BOUNCES_NOWHERE = "bounces-nowhere", Check.SENDER, Level.WARNING
    EHLO_PARTIAL = "ehlo-partial", Check.SENDER, Level.WARNING
    EHLO_NOWHERE = "ehlo-nowhere", Check.SENDER, Level.WARNING
    PTR_MISSING = "ptr-missing", Check.SENDER, Level.WARNING
    PTR_OTHER = "ptr-other", Check.SENDER, Level.WARNING
    SPAM_PENDING = "spam-pending", Check.SPAM, Level.WARNING
    SPAM_SILENT = "spam-silent", Check.SPAM, Level.WARNING
    SPAM_HIGH = "spam-high", Check.SPAM, Level.FAILURE
    SPAM_RAISED = "spam-raised", Check.SPAM, Level.WARNING


@dataclass(frozen=True)
class Finding:
    """One thing that was found: `where` (a title, an address, a place of the letter), and what else its words name.

    `measured` is a figure as it is shown (a size, a ratio, a score), `names` are clients, fields or rules, or what
    `app.gate.unsettable` says of a letter that cannot be set.
    """

    what: What
    where: str = ""
    measured: str = ""
    names: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """How much it weighs."""
        return self.what.level

    @property
    def check(self) -> Check:
        """Which check found it."""
        return self.what.check


def failures(findings: Iterable[Finding]) -> frozenset[What]:
    """Return what keeps the edition back."""
    return frozenset(finding.what for finding in findings if finding.level is Level.FAILURE)


def level_of(findings: Sequence[Finding]) -> Level:
    """Return the weightiest level of some findings."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.FAILURE, Level.WARNING) if level in levels), Level.OK)
