"""What a subscription, an event of consent and a suppression can be. Plain words, stored by value."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class SubscriptionStatus(StrEnum):
    """pending → confirmed → unsubscribed; a new request leads back to pending. Held: imported without proof."""

    HELD = "held"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class ConsentKind(StrEnum):
    """What a consent event records."""

    IMPORTED = "imported"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    DEPARTURE_UNDONE = "departure-undone"
    LANGUAGE_CHANGED = "language-changed"
    CHOICES_CHANGED = "choices-changed"
    COUNTING_ALLOWED = "counting-allowed"
    COUNTING_ENDED = "counting-ended"
    ADDRESS_CHANGED = "address-changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction-lifted"
    OBJECTED = "objected"
    EXPORTED = "exported"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    LIFTED = "lifted"
    REVIVED = "revived"
    ASKED = "asked"
    STAYED = "stayed"
    RENEWED = "renewed"
    LAPSED = "lapsed"


#: What status an event leads to; one without a newsletter does so for all of its reader's. Others leave it as it is,
#: but an import, whose detail says what it leads to. Verification holds each subscription against this.
STATUS_AFTER: Mapping[ConsentKind, SubscriptionStatus] = MappingProxyType(
    {
        ConsentKind.REQUESTED: SubscriptionStatus.PENDING,
        ConsentKind.CONFIRMED: SubscriptionStatus.CONFIRMED,
        ConsentKind.UNSUBSCRIBED: SubscriptionStatus.UNSUBSCRIBED,
        ConsentKind.DEPARTURE_UNDONE: SubscriptionStatus.CONFIRMED,
        ConsentKind.OBJECTED: SubscriptionStatus.UNSUBSCRIBED,
        ConsentKind.STAYED: SubscriptionStatus.CONFIRMED,
        ConsentKind.RENEWED: SubscriptionStatus.CONFIRMED,
        ConsentKind.LAPSED: SubscriptionStatus.UNSUBSCRIBED,
    }
)


class ConsentMethod(StrEnum):
    """How the reader, an admin for them, or the product itself did it; `bounce`: no reader did."""

    FORM = "form"
    EMBEDDED_FORM = "embedded-form"
    CONFIRM_PAGE = "confirm-page"
    UNSUBSCRIBE_PAGE = "unsubscribe-page"
    ONE_CLICK = "one-click"
    PREFERENCES = "preferences-page"
    STAY_PAGE = "stay-page"
    RENEWAL_PAGE = "renewal-page"
    DATA_PAGE = "data-page"
    ADMIN = "admin"
    CLOCK = "clock"
    RESTORE = "restore"
    MAIL = "mail"
    PROVIDER = "mail-provider"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"


class SuppressionReason(StrEnum):
    """Why an address is never mailed; of several, the one that stands last in this list."""

    SOFT_BOUNCES = "soft-bounces"
    HARD_BOUNCE = "hard-bounce"
    OBJECTION = "objection"
    ERASED = "erased"
    ADMIN = "admin"
    COMPLAINT = "complaint"

    @property
    def needs_admin(self) -> bool:
        """Whether an admin has to lift it before the reader may subscribe anew."""
        return self in {SuppressionReason.ADMIN, SuppressionReason.COMPLAINT}

    def outranks(self, other: "SuppressionReason") -> bool:
        """Whether it stands where both are there: which came first must not matter."""
        order = list(SuppressionReason)
        return order.index(self) > order.index(other)


#: What nobody but the owner of the mailbox can have done. To send a form is not among it: anybody can.
OWN_METHODS = frozenset(
    {
        ConsentMethod.CONFIRM_PAGE,
        ConsentMethod.UNSUBSCRIBE_PAGE,
        ConsentMethod.ONE_CLICK,
        ConsentMethod.PREFERENCES,
        ConsentMethod.DATA_PAGE,
        ConsentMethod.MAIL,
        ConsentMethod.STAY_PAGE,
        ConsentMethod.RENEWAL_PAGE,
    }
)
