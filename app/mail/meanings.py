"""What a server's reply can mean, and what the general codes mean: whose fault, a sentence for the desk, what to do.

It knows no provider's wording and no verb: `reply_tables` and `replies` do.
"""

from enum import Enum, StrEnum

from app.mail.transport import Fault


class Advice(StrEnum):
    """What the sender should do about a reply, beyond keeping the one letter's books."""

    GO_ON = "go-on"
    SLOW_DOMAIN = "slow-domain"
    PAUSE_DOMAIN = "pause-domain"


class Meaning(Enum):
    """What a reply says: whose fault, one English sentence for the desk (a message id), and what to do.

    WARMING_UP is no reply's: it says of what was never tried why it was not.
    `is_passing`: it is to be tried again even where it comes with a 5yz code.
    """

    ACCEPTED = (None, "The next server took the letter.")
    UNCERTAIN = (None, "Nobody knows whether the letter arrived.")
    WARMING_UP = (None, "Its turn in the warm-up of a new sender did not come in time.")

    NO_SUCH_ADDRESS = (Fault.ADDRESS, "The address does not exist.")
    BAD_ADDRESS = (Fault.ADDRESS, "The server does not recognise this as an address.")
    MOVED = (Fault.ADDRESS, "The mailbox has moved elsewhere.")
    NULL_MX = (Fault.ADDRESS, "The address or its domain takes no mail at all.")
    UNSUPPORTED_ADDRESS = (Fault.UNSUPPORTED_ADDRESS, "The server cannot take an address with such letters.")

    MAILBOX_FULL = (Fault.MAILBOX, "The mailbox is full.")
    MAILBOX_DISABLED = (Fault.MAILBOX, "The mailbox is disabled.")
    MAILBOX_LIMIT = (Fault.MAILBOX, "The letter is larger than this mailbox takes.")
    MAILBOX_BUSY = (Fault.MAILBOX, "The mailbox gets too much mail at once.", Advice.GO_ON, True)
    MAILBOX_UNAVAILABLE = (Fault.MAILBOX, "The mailbox takes no mail for now.")

    RATE = (Fault.SENDER, "The provider wants our mail more slowly.", Advice.SLOW_DOMAIN, True)
    CONNECTIONS = (Fault.SENDER, "The provider wants fewer connections from us.", Advice.SLOW_DOMAIN, True)
    PUT_OFF = (Fault.SENDER, "The provider puts our mail off.", Advice.SLOW_DOMAIN, True)
    REPUTATION = (Fault.SENDER, "The provider distrusts our sending address or domain.", Advice.SLOW_DOMAIN)
    UNSOLICITED = (Fault.SENDER, "The provider takes our mail for unsolicited mail.", Advice.SLOW_DOMAIN)
    POLICY = (Fault.SENDER, "The provider refuses our mail by its own rules.", Advice.SLOW_DOMAIN)
    UNWANTED = (Fault.SENDER, "The reader or their organisation blocks our mail.")
    UNEXPLAINED = (Fault.SENDER, "The server refuses our mail and does not say why.")
    BLOCKED = (Fault.SENDER, "The provider blocks our sending address.", Advice.PAUSE_DOMAIN)
    UNAUTHENTICATED = (Fault.SENDER, "SPF, DKIM or DMARC of our domain did not pass.", Advice.PAUSE_DOMAIN)
    REVERSE_DNS = (Fault.SENDER, "The name of our sending address is missing in the DNS.", Advice.PAUSE_DOMAIN)
    TLS_WANTED = (Fault.SENDER, "The provider takes our mail over TLS only.", Advice.PAUSE_DOMAIN)
    SENDER_REFUSED = (Fault.SENDER, "The provider refuses our sender's address.", Advice.PAUSE_DOMAIN)

    SPAM = (Fault.CONTENT, "The provider takes this letter for spam.")
    FORBIDDEN = (Fault.CONTENT, "The provider takes this letter for dangerous.")
    MALFORMED = (Fault.CONTENT, "The provider finds a fault in the letter's form.")
    TOO_LARGE = (Fault.CONTENT, "The letter is too large.")
    CONTENT = (Fault.CONTENT, "The server refuses the letter's content.")

    GREYLISTED = (Fault.DESTINATION, "The server asks strangers to come back in some minutes.")
    TOO_MANY_RECIPIENTS = (Fault.DESTINATION, "The server takes no more recipients at once.", Advice.GO_ON, True)
    UNREACHABLE = (Fault.DESTINATION, "The reader's server cannot be reached.")
    TROUBLE = (Fault.DESTINATION, "The reader's server has a fault of its own.")

    USED_UP = (Fault.HOST, "The server wants a new connection.", Advice.GO_ON, True)
    UNAVAILABLE = (Fault.HOST, "The mail server is not at our service for now.")
    NOT_LET_IN = (Fault.AUTHENTICATION, "The mail server does not let us send: password, TLS or permission.")

    def __init__(
        self, fault: Fault | None, sentence: str, advice: Advice = Advice.GO_ON, is_passing: bool = False
    ) -> None:
        self.fault = fault
        self.sentence = sentence
        self.advice = advice
        self.is_passing = is_passing


#: Codes that say more than the enhanced code beside them (RFC 4954 §6).
MEANING_BY_AUTHENTICATION_CODE = dict.fromkeys((530, 534, 535, 538), Meaning.NOT_LET_IN)

#: What subject and detail of an enhanced code say, where the subject alone does not (RFC 3463, and as noted).
MEANING_BY_STATUS = {
    "1.1": Meaning.NO_SUCH_ADDRESS,
    "1.3": Meaning.BAD_ADDRESS,
    "1.6": Meaning.MOVED,
    "1.7": Meaning.SENDER_REFUSED,
    "1.8": Meaning.SENDER_REFUSED,
    "1.10": Meaning.NULL_MX,  # RFC 7505
    "2.1": Meaning.MAILBOX_DISABLED,
    "2.2": Meaning.MAILBOX_FULL,
    "2.3": Meaning.MAILBOX_LIMIT,
    "3.4": Meaning.TOO_LARGE,
    "5.3": Meaning.TOO_MANY_RECIPIENTS,
    "6.7": Meaning.UNSUPPORTED_ADDRESS,  # RFC 6531, as 6.8 to 6.10
    "6.8": Meaning.UNSUPPORTED_ADDRESS,
    "6.9": Meaning.UNSUPPORTED_ADDRESS,
    "6.10": Meaning.UNSUPPORTED_ADDRESS,
    "7.8": Meaning.NOT_LET_IN,  # RFC 4954
    "7.13": Meaning.MAILBOX_DISABLED,  # RFC 5248
    "7.20": Meaning.UNAUTHENTICATED,  # RFC 7372, as 7.21 to 7.26
    "7.21": Meaning.UNAUTHENTICATED,
    "7.22": Meaning.UNAUTHENTICATED,
    "7.23": Meaning.UNAUTHENTICATED,
    "7.24": Meaning.UNAUTHENTICATED,
    "7.25": Meaning.REVERSE_DNS,
    "7.26": Meaning.UNAUTHENTICATED,
    "7.27": Meaning.SENDER_REFUSED,  # RFC 7505
    "7.28": Meaning.RATE,
    "7.29": Meaning.UNAUTHENTICATED,  # RFC 8617
    "7.30": Meaning.TLS_WANTED,  # RFC 8689
}
MEANING_BY_SUBJECT = {
    "1": Meaning.UNREACHABLE,
    "2": Meaning.MAILBOX_UNAVAILABLE,
    "3": Meaning.TROUBLE,
    "4": Meaning.UNREACHABLE,
    "5": Meaning.TROUBLE,
    "6": Meaning.CONTENT,
    "7": Meaning.POLICY,
}
#: Where there is no enhanced code (RFC 5321 §4.2.3).
MEANING_BY_CODE = {552: Meaning.TOO_LARGE}
#: Where a code is unknown, its first digit counts (RFC 5321 §4.2.1).
MEANING_BY_DIGIT = {4: Meaning.TROUBLE, 5: Meaning.UNEXPLAINED}

#: Where only the fault is known.
MEANING_BY_FAULT = {
    Fault.ADDRESS: Meaning.NO_SUCH_ADDRESS,
    Fault.UNSUPPORTED_ADDRESS: Meaning.UNSUPPORTED_ADDRESS,
    Fault.MAILBOX: Meaning.MAILBOX_UNAVAILABLE,
    Fault.SENDER: Meaning.UNEXPLAINED,
    Fault.CONTENT: Meaning.CONTENT,
    Fault.DESTINATION: Meaning.TROUBLE,
    Fault.HOST: Meaning.UNAVAILABLE,
    Fault.AUTHENTICATION: Meaning.NOT_LET_IN,
}
