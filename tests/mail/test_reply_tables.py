"""What providers' replies mean, a sample for each row, and replies that only look as if an address were dead."""

from typing import NamedTuple

import pytest

from app.mail.meanings import Advice, Meaning
from app.mail.replies import Verb, advise, classify, find_enhanced, find_row, meaning_of, words_of
from app.mail.reply_tables import ROWS, Row
from app.mail.transport import Fault, OutcomeKind

D, R = OutcomeKind.DEFERRED, OutcomeKind.REJECTED
MAIL, RCPT, CONTENT = Verb.MAIL, Verb.RCPT, Verb.CONTENT


class Sample(NamedTuple):
    name: str
    verb: Verb
    code: int
    text: str
    kind: OutcomeKind
    fault: Fault
    meaning: Meaning


ADDRESS, MAILBOX, SENDER, LETTER = Fault.ADDRESS, Fault.MAILBOX, Fault.SENDER, Fault.CONTENT
HOST, AUTH, THERE = Fault.HOST, Fault.AUTHENTICATION, Fault.DESTINATION
M = Meaning

SAMPLES = [
    Sample("gmail-busy-4", RCPT, 450, "4.2.1 This user is receiving mail too quickly.", D, MAILBOX, M.MAILBOX_BUSY),
    Sample("gmail-busy-5", RCPT, 550, "5.2.1 They are receiving mail at a high rate.", D, MAILBOX, M.MAILBOX_BUSY),
    Sample("gmail-full", RCPT, 550, "5.7.1 Email quota exceeded.", R, MAILBOX, M.MAILBOX_FULL),
    Sample("gmail-reputation", CONTENT, 550, "5.7.1 very low reputation of the domain", R, SENDER, M.REPUTATION),
    Sample("gmail-reputation-421", CONTENT, 421, "4.7.0 low reputation of the address", D, HOST, M.REPUTATION),
    Sample("gmail-rate-28", CONTENT, 550, "5.7.28 An unusual rate of mail from you.", D, SENDER, M.RATE),
    Sample("gmail-rate-421", CONTENT, 421, "4.7.28 Unusual rate of unsolicited mail", D, HOST, M.RATE),
    Sample("gmail-relay-limit", RCPT, 550, "5.4.5 Daily user limit exceeded", D, SENDER, M.RATE),
    Sample("gmail-relay-quota", RCPT, 550, "5.4.5 Daily sending quota exceeded", D, SENDER, M.RATE),
    Sample("gmail-unsolicited", CONTENT, 550, "5.7.1 likely unsolicited mail", R, SENDER, M.UNSOLICITED),
    Sample("gmail-spam", CONTENT, 550, "5.7.0 suspicious by the nature of the content", R, LETTER, M.SPAM),
    Sample("gmail-attachment", CONTENT, 552, "5.7.0 Illegal attachment", R, LETTER, M.FORBIDDEN),
    Sample("gmail-security", CONTENT, 552, "5.7.0 A potential security issue.", R, LETTER, M.FORBIDDEN),
    Sample("gmail-rfc5322", CONTENT, 550, "5.7.1 Not RFC 5322 compliant: duplicates", R, LETTER, M.MALFORMED),
    Sample("gmail-message-id", CONTENT, 550, "5.7.1 No valid Message-ID: header", R, LETTER, M.MALFORMED),
    Sample("gmail-from", CONTENT, 550, "5.7.1 Two addresses in the From: header", R, LETTER, M.MALFORMED),
    Sample("gmail-unicode", CONTENT, 550, "5.7.1 Unicode in a disallowed header", R, LETTER, M.MALFORMED),
    Sample("gmail-encoded-word", CONTENT, 550, "5.7.1 Encoded-word not permitted", R, LETTER, M.MALFORMED),
    Sample("gmail-ptr", CONTENT, 550, "5.7.25 Your address has no PTR record.", R, SENDER, M.REVERSE_DNS),
    Sample("gmail-ptr-23", CONTENT, 421, "4.7.23 no PTR record", D, HOST, M.REVERSE_DNS),
    Sample("gmail-checks", CONTENT, 550, "5.7.1 fails authentication checks", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-policy", CONTENT, 550, "5.7.1 Unauthenticated email refused", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-spf-24", CONTENT, 550, "5.7.24 Suspicious SPF entries", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-26", CONTENT, 550, "5.7.26 Authenticate with SPF or DKIM.", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-spf-27", CONTENT, 550, "5.7.27 SPF did not pass", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-dkim-30", CONTENT, 550, "5.7.30 DKIM did not pass", R, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-aligned-32", CONTENT, 450, "4.7.32 From: header not aligned", D, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-dmarc-40", CONTENT, 450, "4.7.40 No policy in the record", D, SENDER, M.UNAUTHENTICATED),
    Sample("gmail-tls-29", CONTENT, 550, "5.7.29 Bulk senders must use TLS", R, SENDER, M.TLS_WANTED),
    Sample("gmail-tls", RCPT, 421, "4.7.0 TLS required for this domain", D, HOST, M.TLS_WANTED),
    Sample("gmail-expired", RCPT, 421, "4.7.0 Connection expired", D, HOST, M.USED_UP),
    Sample("gmail-relay", MAIL, 550, "5.7.1 Invalid credentials for relay", D, AUTH, M.NOT_LET_IN),
    Sample("hotmail-unknown", RCPT, 550, "5.5.0 mailbox unavailable (S2017062302).", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample("exchange-unknown", RCPT, 550, "5.1.351 unknown recipient", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample(
        "exchange-directory",
        RCPT,
        550,
        "5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        R,
        ADDRESS,
        M.NO_SUCH_ADDRESS,
    ),
    Sample("sendmail-null-mx", RCPT, 550, "5.7.27 Host does not accept mail", R, ADDRESS, M.NULL_MX),
    Sample("exchange-resolver", RCPT, 550, "5.1.10 RecipientNotFound", R, ADDRESS, M.NULL_MX),
    Sample("exchange-busy", RCPT, 550, "5.2.121 Too much from one sender", D, MAILBOX, M.MAILBOX_BUSY),
    Sample("exchange-threads", CONTENT, 432, "4.3.2 recipient thread limit", D, MAILBOX, M.MAILBOX_BUSY),
    Sample("microsoft-511", RCPT, 550, "5.7.511 Access denied, banned sender", R, SENDER, M.BLOCKED),
    Sample("microsoft-606", RCPT, 550, "5.7.606 Access denied", R, SENDER, M.BLOCKED),
    Sample("microsoft-649", RCPT, 550, "5.7.649 Access denied", R, SENDER, M.BLOCKED),
    Sample("microsoft-s3150", RCPT, 550, "5.7.1 You are on our list (S3150).", R, SENDER, M.BLOCKED),
    Sample("microsoft-s3150-mail", MAIL, 550, "5.7.1 You are on our list (S3150).", D, HOST, M.BLOCKED),
    Sample("microsoft-s3140", RCPT, 550, "5.7.1 You are on our list (S3140).", R, SENDER, M.BLOCKED),
    Sample("microsoft-network", RCPT, 550, "part of their network is on our block list", R, SENDER, M.BLOCKED),
    Sample("microsoft-sc", RCPT, 550, "SC-001 (BAY004) Not sent.", R, SENDER, M.BLOCKED),
    Sample("microsoft-dy", RCPT, 550, "DY-002 Not sent.", R, SENDER, M.BLOCKED),
    Sample("microsoft-ou", RCPT, 550, "OU-001 (SNT004) Not sent.", R, SENDER, M.BLOCKED),
    Sample("microsoft-rp", RCPT, 421, "RP-001 (BAY004) Not sent.", D, HOST, M.RATE),
    Sample("microsoft-508", RCPT, 550, "5.7.508 Over the limit", D, SENDER, M.RATE),
    Sample("microsoft-500", RCPT, 451, "4.7.500 Server busy", D, SENDER, M.RATE),
    Sample("microsoft-650", RCPT, 451, "4.7.650 Your address's reputation (S775)", D, SENDER, M.REPUTATION),
    Sample("microsoft-515", CONTENT, 550, "5.7.515 Access denied", R, SENDER, M.UNAUTHENTICATED),
    Sample("microsoft-509", CONTENT, 550, "5.7.509 Access denied", R, SENDER, M.UNAUTHENTICATED),
    Sample("microsoft-512", CONTENT, 550, "5.7.512 Access denied", R, LETTER, M.MALFORMED),
    Sample("microsoft-513", RCPT, 550, "5.7.513 On the customer's own list", R, SENDER, M.UNWANTED),
    Sample("microsoft-57", MAIL, 550, "5.7.57 Client was not authenticated", D, AUTH, M.NOT_LET_IN),
    Sample(
        "yahoo-account", CONTENT, 554, "dd This user doesn't have a yahoo.fr account", R, ADDRESS, M.NO_SUCH_ADDRESS
    ),
    Sample("yahoo-not-found", CONTENT, 552, "1 Aborted, mailbox not found", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample("yahoo-invalid", RCPT, 554, "delivery error: dd a@b.fr is no longer valid", R, MAILBOX, M.MAILBOX_DISABLED),
    Sample("yahoo-disabled", RCPT, 554, "This mailbox is disabled (554.30)", R, MAILBOX, M.MAILBOX_DISABLED),
    Sample("yahoo-busy", RCPT, 450, "User is receiving mail too quickly", D, MAILBOX, M.MAILBOX_BUSY),
    Sample("yahoo-tss04", MAIL, 421, "4.7.0 [TSS04] temporarily deferred due to user complaints", D, HOST, M.RATE),
    Sample("yahoo-tss04-451", RCPT, 451, "Temporarily deferred due to user complaints", D, SENDER, M.RATE),
    Sample("yahoo-domain", RCPT, 451, "Deferred due to unresolvable domain", D, SENDER, M.SENDER_REFUSED),
    Sample("yahoo-tss09", RCPT, 553, "5.7.2 [TSS09] permanently deferred", R, SENDER, M.BLOCKED),
    Sample("yahoo-auth", CONTENT, 550, "5.7.9 We want all senders to authenticate", R, SENDER, M.UNAUTHENTICATED),
    Sample("yahoo-policy", CONTENT, 554, "5.7.9 Not accepted for policy reasons", R, SENDER, M.POLICY),
    Sample("yahoo-headers", CONTENT, 554, "Headers are not RFC compliant", R, LETTER, M.MALFORMED),
    Sample("yahoo-connection", MAIL, 421, "Max message per connection reached", D, HOST, M.USED_UP),
    Sample("orange-416", RCPT, 550, "5.1.1 Destinataire invalide. OFR_416 [416]", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample("laposte-416", RCPT, 550, "5.5.0 Destinataire invalide. LPN007_416", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample("orange-417", RCPT, 552, "5.1.1 Overquota. OFR_417 [417]", R, MAILBOX, M.MAILBOX_FULL),
    Sample("laposte-420", RCPT, 550, "5.5.0 Archived. LPN007_420", R, MAILBOX, M.MAILBOX_DISABLED),
    Sample("laposte-426", RCPT, 550, "5.5.0 Blocked account. LPN007_426", R, MAILBOX, M.MAILBOX_DISABLED),
    Sample("laposte-101", RCPT, 550, "5.7.1 Blocked. LPNAAA_101", R, SENDER, M.BLOCKED),
    Sample("orange-102", RCPT, 550, "ME Blocked. OFR006_102 [102]", R, SENDER, M.BLOCKED),
    Sample("orange-103", RCPT, 550, "ME Veuillez essayer plus tard. OFR006_103", D, SENDER, M.REPUTATION),
    Sample("orange-104", Verb.GREETING, 421, "ME Slow down. OFR005_104 [104]", D, HOST, M.CONNECTIONS),
    Sample("laposte-104", RCPT, 550, "Slow down. LPN105_104", D, SENDER, M.CONNECTIONS),
    *(
        Sample(f"laposte-{number}", RCPT, 550, f"5.5.0 Refused. LPN001_{number}", D, SENDER, M.PUT_OFF)
        for number in (105, 107, 108, 109, 201, 423, 424, 503, 505)
    ),
    Sample("orange-505-421", CONTENT, 421, "4.2.0 Please try later. OFR005_505 [505]", D, HOST, M.PUT_OFF),
    Sample("orange-305", RCPT, 550, "5.7.0 Code invalide OFR_305", D, AUTH, M.NOT_LET_IN),
    Sample("laposte-402", RCPT, 550, "5.5.0 Authentification requise. LPN105_402", D, AUTH, M.NOT_LET_IN),
    Sample("laposte-401", RCPT, 550, "5.5.0 SPF: not allowed. LPN004_401", R, SENDER, M.UNAUTHENTICATED),
    Sample("laposte-517", CONTENT, 571, "5.7.1 Refused. LPN007_517", R, SENDER, M.UNAUTHENTICATED),
    Sample("orange-spf", RCPT, 550, "Emetteur invalide, voir SPF/DNS", R, SENDER, M.UNAUTHENTICATED),
    *(
        Sample(f"orange-{number}", RCPT, 501, f"5.1.0 Emetteur invalide. OFR004_{number}", R, SENDER, M.SENDER_REFUSED)
        for number in (403, 405, 415, 421)
    ),
    Sample("orange-506", CONTENT, 550, "5.2.0 Mail rejete. OFR_506 [506]", R, SENDER, M.UNSOLICITED),
    Sample("orange-513", CONTENT, 550, "Mail rejete. OUK_513", R, SENDER, M.UNSOLICITED),
    Sample("laposte-510", CONTENT, 550, "5.5.0 Veuillez essayer plus tard. LPN007_510", D, SENDER, M.REPUTATION),
    Sample("orange-999", Verb.GREETING, 421, "ME Service refuse. OFR_999 [999]", D, HOST, M.REPUTATION),
    Sample("orange-999-550", RCPT, 550, "Veuillez essayer plus tard. OFR_999 [999]", D, SENDER, M.REPUTATION),
    Sample("mailbox-limit", CONTENT, 552, "5.2.3 Exceeds the limit of this mailbox", R, MAILBOX, M.MAILBOX_LIMIT),
    Sample("orange-514", CONTENT, 552, "Taille limite atteinte OFR_514", R, LETTER, M.TOO_LARGE),
    Sample("laposte-630", RCPT, 554, "5.7.1 Rejected LPN000_630", R, SENDER, M.POLICY),
    Sample("free-spam", CONTENT, 550, "spam detected", R, LETTER, M.SPAM),
    Sample("free-spams", RCPT, 550, "5.7.1 Too many spams from your IP (192.0.2.1)", R, SENDER, M.BLOCKED),
    Sample("free-errors", RCPT, 451, "Too many errors from your IP (192.0.2.1)", D, SENDER, M.REPUTATION),
    Sample("free-inactive", RCPT, 550, "Closed due to inactivity", R, MAILBOX, M.MAILBOX_DISABLED),
    Sample("sfr-01", RCPT, 450, "4.7.1 Service refused SFR_IN_101", D, SENDER, M.REPUTATION),
    Sample("sfr-02", RCPT, 450, "4.7.1 Service refused SFR_IN_102", D, SENDER, M.REPUTATION),
    Sample("sfr-03", RCPT, 450, "4.7.1 Service refused SFR_IN_103", D, SENDER, M.PUT_OFF),
    Sample("sfr-04", RCPT, 450, "4.7.1 Service refused SFR_IN_104", D, SENDER, M.REPUTATION),
    Sample("sfr-05", RCPT, 450, "4.7.1 Service refused SFR_IN_205", D, SENDER, M.RATE),
    Sample("sfr-content", CONTENT, 550, "5.7.1 Message content rejected", R, LETTER, M.SPAM),
    Sample("facebook-wish", RCPT, 550, "5.1.1 Recipient preferences", R, SENDER, M.UNWANTED),
    Sample("cisco-unknown", RCPT, 550, "#5.1.0 Address rejected.", R, ADDRESS, M.NO_SUCH_ADDRESS),
    Sample("many-recipients", RCPT, 552, "5.5.3 Too many recipients", D, THERE, M.TOO_MANY_RECIPIENTS),
    Sample("many-rcpts", RCPT, 452, "Too many RCPT", D, THERE, M.TOO_MANY_RECIPIENTS),
    Sample("many-errors", RCPT, 421, "4.7.0 Error: too many errors", D, HOST, M.USED_UP),
    Sample("greylist", RCPT, 450, "4.7.1 Greylisted for 300 seconds", D, THERE, M.GREYLISTED),
    Sample("graylist", RCPT, 451, "Graylisting in action", D, THERE, M.GREYLISTED),
    Sample("grey-list", RCPT, 451, "4.7.1 On the grey-list", D, THERE, M.GREYLISTED),
    *(
        Sample(f"any-{meaning.name.lower()}-{phrase}", RCPT, 554, f"It says {phrase} here", kind, fault, meaning)
        for phrase, kind, fault, meaning in [
            ("too many connections", D, SENDER, M.CONNECTIONS),
            ("too many concurrent", D, SENDER, M.CONNECTIONS),
            ("rate limit", D, SENDER, M.RATE),
            ("frequency limited", D, SENDER, M.RATE),
            ("too many messages", D, SENDER, M.RATE),
            ("sender rejected", R, SENDER, M.SENDER_REFUSED),
            ("sender address rejected", R, SENDER, M.SENDER_REFUSED),
            ("sender verify failed", R, SENDER, M.SENDER_REFUSED),
            ("relay access denied", D, AUTH, M.NOT_LET_IN),
            ("relaying denied", D, AUTH, M.NOT_LET_IN),
            ("relay not permitted", D, AUTH, M.NOT_LET_IN),
            ("permitted to relay", D, AUTH, M.NOT_LET_IN),
            ("unable to relay", D, AUTH, M.NOT_LET_IN),
            ("smtp authentication", D, AUTH, M.NOT_LET_IN),
            ("authentication required", D, AUTH, M.NOT_LET_IN),
            ("dmarc", R, SENDER, M.UNAUTHENTICATED),
            ("spf check", R, SENDER, M.UNAUTHENTICATED),
            ("spf fail", R, SENDER, M.UNAUTHENTICATED),
            ("unauthenticated sender", R, SENDER, M.UNAUTHENTICATED),
            ("ptr record", R, SENDER, M.REVERSE_DNS),
            ("dns ptr", R, SENDER, M.REVERSE_DNS),
            ("reverse dns", R, SENDER, M.REVERSE_DNS),
            ("blocked using", R, SENDER, M.BLOCKED),
            ("spamhaus", R, SENDER, M.BLOCKED),
            ("blacklist", R, SENDER, M.BLOCKED),
            ("blocklist", R, SENDER, M.BLOCKED),
            ("block list", R, SENDER, M.BLOCKED),
            ("dnsbl", R, SENDER, M.BLOCKED),
            ("as spam", R, LETTER, M.SPAM),
            ("like spam", R, LETTER, M.SPAM),
            ("is spam", R, LETTER, M.SPAM),
            ("- spam", R, LETTER, M.SPAM),
            ("probably spam", R, LETTER, M.SPAM),
            ("spam rejection", R, LETTER, M.SPAM),
            ("spamassassin", R, LETTER, M.SPAM),
            ("virus", R, LETTER, M.FORBIDDEN),
            ("malware", R, LETTER, M.FORBIDDEN),
            ("message size", R, LETTER, M.TOO_LARGE),
            ("message too large", R, LETTER, M.TOO_LARGE),
            ("message too big", R, LETTER, M.TOO_LARGE),
            ("mailbox is frozen", R, MAILBOX, M.MAILBOX_DISABLED),
            ("account has been disabled", R, MAILBOX, M.MAILBOX_DISABLED),
            ("deactivated mailbox", R, MAILBOX, M.MAILBOX_DISABLED),
            ("host unknown", R, THERE, M.UNREACHABLE),
            ("unknown host", R, THERE, M.UNREACHABLE),
            ("domain not found", R, THERE, M.UNREACHABLE),
        ]
    ),
]

#: Replies to RCPT that come near an address fault, and are none.
NEAR_MISSES = {
    "policy": (550, "5.7.1 User unknown"),
    "policy-plain": (550, "Recipient address rejected: blocked by policy"),
    "access": (550, "5.7.1 Recipient address rejected: Access denied"),
    "access-alone": (550, "5.4.1 Access denied"),
    "access-later": (450, "4.4.1 Recipient address rejected: Access denied"),
    "exchange-dns": (550, "5.1.2 Recipient's domain does not exist"),
    "domain": (550, "Recipient address rejected: Domain not found"),
    "host": (550, "Recipient address rejected: its host was not found"),
    "domain-unknown": (550, "Recipient address rejected: unknown domain"),
    "unavailable": (550, "Requested action not taken: mailbox unavailable"),
    "hotmail-unavailable": (550, "5.5.0 Requested action not taken: mailbox unavailable"),
    "sender-unknown": (550, "Sender unknown: no such user"),
    "sender-callout": (550, "5.1.1 Sender verify failed: user unknown"),
    "sender-account": (554, "The sender: this user doesn't have a verified account"),
    "sender-mailbox": (550, "5.7.1 Sender's mailbox not found"),
    "sender-domain": (550, "5.1.8 Address does not exist"),
    "rate-as-unknown": (550, "5.1.1 192.0.2.1 has sent to too many recipients this hour"),
    "wish-as-unknown": (550, "5.1.1 Refused by recipient preferences"),
    "list-as-unknown": (550, "5.1.1 User unknown or on our blacklist"),
    "full-as-unknown": (552, "5.1.1 Mailbox full"),
    "temporary-user": (450, "5.1.1 User unknown"),
    "temporary-status": (550, "4.1.1 User unknown"),
    "temporary-yahoo": (451, "mailbox not found for now"),
    "orange-reputation": (550, "5.1.1 Service refuse. Veuillez essayer plus tard. OFR_103"),
    "orange-prefix-only": (550, "5.7.1 OFR416_102"),
    "number-only": (550, "5.7.1 See case 416"),
    "host-name": (550, "5.7.1 mx-416.ofr.example refuses"),
    "disabled": (550, "5.2.1 User unknown"),
    "disabled-13": (550, "5.7.13 No such account"),
    "quoted-address": (550, "5.7.1 <no.such.user@unknown.example> refused"),
    "other-code": (554, "No such user"),
    "not-local": (551, "User not local"),
}


def row_of(sample: Sample) -> Row | None:
    status = (find_enhanced(sample.text) or "")[2:]
    return find_row(sample.code, status, words_of(sample.text))


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_a_known_reply_has_its_meaning(sample: Sample) -> None:
    outcome = classify(sample.verb, sample.code, sample.text)
    assert (outcome.kind, outcome.fault) == (sample.kind, sample.fault)
    assert meaning_of(outcome) is sample.meaning
    assert advise(outcome) == sample.meaning.advice


def test_every_row_is_met_by_a_sample() -> None:
    met = {row_of(sample) for sample in SAMPLES}
    assert [row for row in ROWS if row not in met] == []


def test_no_two_samples_have_one_name() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize(("code", "text"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_what_comes_near_an_address_fault_is_none(code: int, text: str) -> None:
    assert classify(RCPT, code, text).fault is not ADDRESS


@pytest.mark.parametrize("row", [row for row in ROWS if row.meaning.fault is ADDRESS], ids=str)
def test_an_address_row_never_speaks_of_a_4yz(row: Row) -> None:
    for sample in SAMPLES:
        if row_of(sample) == row:
            assert classify(RCPT, 451, sample.text).fault is not ADDRESS


def test_every_meaning_has_its_own_sentence() -> None:
    sentences = [meaning.sentence for meaning in Meaning]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence[0].isupper() and sentence.endswith(".") and "%" not in sentence for sentence in sentences)


def test_only_our_own_faults_slow_or_pause() -> None:
    for meaning in Meaning:
        if meaning.advice in {Advice.SLOW_DOMAIN, Advice.PAUSE_DOMAIN}:
            assert meaning.fault is SENDER
        if meaning.fault is ADDRESS:
            assert meaning.advice is Advice.GO_ON
            assert not meaning.is_passing
