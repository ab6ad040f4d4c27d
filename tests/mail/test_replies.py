"""What replies mean by the general codes, what it costs to tell, and how far the tellings of real bounces agree."""

import csv
import re
import timeit
from collections import Counter
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from app.mail.meanings import Advice
from app.mail.replies import Verb, advise, classify, find_enhanced, legible, lost, meaning_of
from app.mail.transport import Fault, Outcome, OutcomeKind

A, D, R, U = OutcomeKind.ACCEPTED, OutcomeKind.DEFERRED, OutcomeKind.REJECTED, OutcomeKind.UNCERTAIN

MEANINGS = [
    # The address is dead: these only.
    (Verb.RCPT, 550, "5.1.1 The email account that you tried to reach does not exist.", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "5.1.0 Address rejected: user unknown", R, Fault.ADDRESS),
    (Verb.RCPT, 553, "5.1.3 Invalid address format", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "5.1.6 Recipient no longer on server", R, Fault.ADDRESS),
    (Verb.RCPT, 556, "5.1.10 Recipient address has a null MX", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "No such user here", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "Adresse d au moins un destinataire invalide. Utilisateur inconnu", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "Requested action not taken: mailbox unavailable or not found", R, Fault.ADDRESS),
    (Verb.CONTENT, 550, "5.1.1 User unknown", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "5.1.1 <blacklist@virus.example>: User unknown", R, Fault.ADDRESS),
    # The address may live.
    (Verb.RCPT, 450, "4.1.1 User unknown in local table", D, Fault.MAILBOX),
    (Verb.RCPT, 550, "The address may not exist", R, Fault.SENDER),
    (Verb.RCPT, 550, "5.1.0 Sender rejected", R, Fault.SENDER),
    (Verb.RCPT, 550, "Your address is unknown to us", R, Fault.SENDER),
    (Verb.RCPT, 550, "Invalid address in a header field", R, Fault.SENDER),
    (Verb.RCPT, 550, "Denied by policy: no such user in the allow list", R, Fault.SENDER),
    (Verb.RCPT, 550, "Recipient unknown, try again later", D, Fault.SENDER),
    (Verb.RCPT, 550, "5.1.0 Something else", R, Fault.DESTINATION),
    (Verb.RCPT, 550, "5.1.2 Host unknown", R, Fault.DESTINATION),
    (Verb.RCPT, 550, "5.4.1 Recipient address rejected: Access denied", R, Fault.ADDRESS),
    (Verb.RCPT, 550, "Blocked by policy", R, Fault.SENDER),
    (Verb.DATA, 550, "No such user here", R, Fault.SENDER),
    # Full, disabled, limited.
    (Verb.RCPT, 452, "4.2.2 The recipient's inbox is out of storage space", D, Fault.MAILBOX),
    (Verb.RCPT, 552, "5.2.2 Mailbox full", R, Fault.MAILBOX),
    (Verb.RCPT, 550, "5.2.1 The user you are trying to contact is receiving mail too quickly", D, Fault.MAILBOX),
    (Verb.RCPT, 550, "5.7.13 User account disabled", R, Fault.MAILBOX),
    (Verb.CONTENT, 552, "Quota exceeded", R, Fault.MAILBOX),
    (Verb.RCPT, 550, "You have used up your daily quota", R, Fault.SENDER),
    # Too many recipients is never final.
    (Verb.RCPT, 552, "5.5.3 Too many recipients", D, Fault.DESTINATION),
    (Verb.RCPT, 452, "Too many recipients received this hour", D, Fault.DESTINATION),
    # Reputation, content.
    (Verb.RCPT, 550, "5.7.1 Service unavailable; client host blocked", R, Fault.SENDER),
    (Verb.CONTENT, 421, "4.7.28 Unusual rate of mail", D, Fault.HOST),
    (Verb.CONTENT, 554, "5.6.0 Message content rejected", R, Fault.CONTENT),
    (Verb.CONTENT, 552, "5.3.4 Message too big", R, Fault.CONTENT),
    (Verb.CONTENT, 552, "Message exceeds fixed limit", R, Fault.CONTENT),
    (Verb.MAIL, 552, "5.3.4 Message size exceeds limit", R, Fault.CONTENT),
    (Verb.RCPT, 553, "5.6.7 Non-ASCII addresses not permitted", R, Fault.UNSUPPORTED_ADDRESS),
    (Verb.RCPT, 451, "4.3.0 Temporary lookup failure", D, Fault.DESTINATION),
    (Verb.RCPT, 450, "4.7.1 Greylisted, try again", D, Fault.DESTINATION),
    (Verb.RCPT, 450, "4.7.1 Try again later", D, Fault.SENDER),
    (Verb.RCPT, 550, "5.7.1 Try again later", D, Fault.SENDER),
    (Verb.RCPT, 550, "5.1.1 User unknown, do not try again later", R, Fault.ADDRESS),
    # Our set-up, or the server as a whole.
    (Verb.GREETING, 554, "No SMTP service here", D, Fault.HOST),
    (Verb.EHLO, 501, "Invalid domain name", D, Fault.HOST),
    (Verb.MAIL, 550, "5.1.8 Sender domain does not exist", D, Fault.HOST),
    (Verb.MAIL, 530, "5.7.0 Must issue a STARTTLS command first", D, Fault.AUTHENTICATION),
    (Verb.RCPT, 530, "5.7.0 Authentication Required.", D, Fault.AUTHENTICATION),
    (Verb.CONTENT, 554, "5.7.9 Header error", R, Fault.SENDER),
    (Verb.MAIL, 530, "Authentication required", D, Fault.AUTHENTICATION),
    (Verb.RCPT, 550, "5.7.8 Authentication credentials invalid", D, Fault.AUTHENTICATION),
    (Verb.AUTH, 535, "5.7.8 Username and password not accepted", D, Fault.AUTHENTICATION),
    (Verb.AUTH, 454, "4.7.0 Temporary authentication failure", D, Fault.AUTHENTICATION),
    (Verb.RCPT, 421, "4.3.2 Shutting down", D, Fault.HOST),
    # Out of step: by the first digit, or none.
    (Verb.RCPT, 499, "who knows", D, Fault.DESTINATION),
    (Verb.RCPT, 599, "who knows", R, Fault.SENDER),
    (Verb.RCPT, 354, "go ahead", D, Fault.HOST),
    (Verb.RCPT, -1, "garbage", D, Fault.HOST),
    (Verb.CONTENT, 250, "2.0.0 queued as 4711", A, None),
    (Verb.CONTENT, 299, "fine", A, None),
    (Verb.CONTENT, 354, "more", U, Fault.HOST),
    (Verb.CONTENT, -1, "garbage", U, Fault.HOST),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "code", "text", "kind", "fault"), MEANINGS)
def test_a_reply_has_its_meaning(verb: Verb, code: int, text: str, kind: OutcomeKind, fault: Fault | None) -> None:
    outcome = classify(verb, code, text)
    assert (outcome.kind, outcome.fault) == (kind, fault)
    assert (outcome.code, outcome.text) == (code, text)


def test_only_faults_of_the_route_stop_a_run() -> None:
    for verb, code, text, _, fault in MEANINGS:
        assert classify(verb, code, text).concerns_route is (fault in {Fault.HOST, Fault.AUTHENTICATION})


@pytest.mark.parametrize("subject", range(3, 8))
def test_no_other_code_says_that_an_address_is_dead(subject: int) -> None:
    for detail in range(30):
        assert classify(Verb.RCPT, 550, f"5.{subject}.{detail} user unknown").fault is not Fault.ADDRESS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1 gone", "5.1.1"),
        ("gone\n5.1.1 really\n5.1.1 so", "5.1.1"),
        ("4.7.28: slow down", "4.7.28"),
        ("no mailbox here by that name. (#5.1.1)", "5.1.1"),
        ("#5.1.0 Address rejected.", "5.1.0"),
        ("gone", None),
        ("from 10.5.1.1 refused", None),
        ("version 5.1.1.2", None),
        ("x5.1.1", None),
    ],
)
def test_the_enhanced_code_is_found_on_any_line(text: str, code: str | None) -> None:
    assert find_enhanced(text) == code


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("2.0.0 Ok: queued as 4711", "2.0.0"),
        ("2.6.0", "2.6.0"),
        ("Ok\n2.6.0 queued", "2.6.0"),
        ("Ok", None),
        ("", None),
        ("1.2.3 was our version", None),
        ("2.day it is", None),
        ("2.0.0.1 is an address", None),
    ],
)
def test_an_acceptance_keeps_its_enhanced_code(text: str, enhanced: str | None) -> None:
    assert classify(Verb.CONTENT, 250, text).enhanced == enhanced


def test_a_reply_is_made_fit_for_logs() -> None:
    assert legible("a\x1b[31mred\r\nb\x00\u202ec\n\n ") == "a\\x1b[31mred\nb\\x00\\u202ec"
    assert len(legible("x" * 5000)) == 1000


def test_a_loss_after_the_dot_is_uncertain_and_any_other_defers() -> None:
    assert lost(Verb.CONTENT, "timed out").kind is OutcomeKind.UNCERTAIN
    for verb in set(Verb) - {Verb.CONTENT}:
        outcome = lost(verb, "timed out")
        assert outcome.kind is OutcomeKind.DEFERRED
        assert outcome.concerns_route


def test_whatever_is_not_about_one_letter_is_told_by_its_fault() -> None:
    assert meaning_of(lost(Verb.RCPT, "timed out")).sentence == "The mail server is not at our service for now."
    assert meaning_of(lost(Verb.AUTH, "refused")).sentence.startswith("The mail server does not let us send")
    assert meaning_of(lost(Verb.CONTENT, "timed out")).sentence == "Nobody knows whether the letter arrived."
    assert meaning_of(classify(Verb.CONTENT, 250, "2.0.0 Ok")).sentence == "The next server took the letter."
    assert meaning_of(classify(Verb.GREETING, 554, "No SMTP service here")) is meaning_of(
        lost(Verb.GREETING, "timed out")
    )
    assert meaning_of(classify(Verb.RCPT, 451, "5.1.1 User unknown")).sentence == "The mailbox takes no mail for now."


@pytest.mark.parametrize(("verb", "code", "text"), [row[:3] for row in MEANINGS])
def test_what_is_stored_of_an_outcome_tells_as_much(verb: Verb, code: int, text: str) -> None:
    outcome = classify(verb, code, text)
    stored = Outcome(outcome.kind, outcome.code, text=outcome.text, fault=outcome.fault)
    assert (meaning_of(stored), advise(stored)) == (meaning_of(outcome), advise(outcome))


def test_advice_follows_the_meaning() -> None:
    assert advise(classify(Verb.CONTENT, 250, "2.0.0 Ok")) is Advice.GO_ON
    assert advise(classify(Verb.RCPT, 450, "4.7.1 Refused")) is Advice.SLOW_DOMAIN
    assert advise(classify(Verb.RCPT, 550, "5.7.606 Banned")) is Advice.PAUSE_DOMAIN
    assert advise(classify(Verb.RCPT, 550, "5.1.1 no such user")) is Advice.GO_ON


def test_an_acceptance_costs_little_more_than_writing_it_down() -> None:
    """An outcome costs about 1 µs to make; a machine under load slows both."""
    replies = [f"2.0.0 Ok: queued as 4XyZ{number:07d}" for number in range(2000)]

    def seconds(step: object) -> float:
        return min(timeit.repeat("for reply in replies: step(reply)", globals={"step": step, "replies": replies},
                                 number=1, repeat=15))  # fmt: skip

    made = seconds(lambda reply: Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", reply))
    assert seconds(lambda reply: classify(Verb.CONTENT, 250, reply)) < 4 * made
    assert seconds(lambda reply: classify(Verb.CONTENT, 250, "2.0.0 Ok")) < made


def test_a_hostile_reply_is_read_in_no_time() -> None:
    for text in ("user " * 100_000, "<" * 500_000, "a" * 500_000, "5.1.0 " + "a@" * 250_000, "\n " * 250_000):
        assert timeit.timeit(lambda text=text: classify(Verb.RCPT, 550, text), number=1) < 0.5


CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
LABELLED = [CORPORA / "bounce-sisimai" / "open", CORPORA / "bounce-bounceparser" / "open"]
#: Labels that say that an address or its whole domain is dead.
DEAD = {"userunknown", "user_unknown", "hostunknown", "hasmoved", "notaccept", "domain_error"}
NOT_REFUSED = {"", "feedback", "vacation", "delivered"}
#: Wraps a refusal of the final dot, and says "unknown recipient" with a code of its own.
ADDRESS_THOUGH_LABELLED_OTHERWISE = {"lhost-office365-04.eml"}

_REPLY = re.compile(r"(?:^|[\s;:])([245]\d\d)[ -](?=\S)(.*)", re.DOTALL)
_QUOTED = re.compile(
    r"(?:(?:said:|<<<|replied:|responded with:|after .{0,300}?:\s+host\s+\S+\s+\[[^\]]*\]:)\s*([245]\d\d)[ -](?=\S)"
    r"|\b([245]\d\d)[ -](?=[245]\.\d\.\d))(.{3,400}?)(?:\n\s*\n|\n\S|\Z|\(in reply to)",
    re.DOTALL,
)


def diagnostics(bounce: Message, recipient: str) -> list[str]:
    """The Diagnostic-Code fields of a report that concern one recipient."""
    found = []
    for part in bounce.walk():
        groups = part.get_payload() if part.get_content_type() == "message/delivery-status" else []
        told = [
            group for group in groups if isinstance(group, Message) and len(group.get_all("Diagnostic-Code", [])) == 1
        ]
        mine = [group for group in told if recipient and recipient in f"{group['Final-Recipient']}".lower()]
        found += [str(group["Diagnostic-Code"]) for group in mine or told[: len(told) == 1]]
    return found


def reply_in(path: Path, recipient: str, is_alone: bool) -> tuple[Verb, int, str] | None:
    """The SMTP reply that a bounce quotes; without a report of fields only where it has one recipient."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", "replace")
    reported = [_REPLY.search(field) for field in diagnostics(message_from_bytes(raw), recipient.lower())]
    found = next((match for match in reported if match), _QUOTED.search(text) if is_alone else None)
    if found is None:
        return None
    *codes, said = found.groups()
    verb = Verb.CONTENT if "in reply to end of DATA" in text else Verb.RCPT
    return verb, int(next(code for code in codes if code)), " ".join(said.split())


def labelled_replies() -> list[tuple[str, str, tuple[Verb, int, str]]]:
    """File, label and reply of each labelled bounce that quotes one."""
    replies = []
    for folder in LABELLED:
        if not folder.exists():
            pytest.skip(f"the corpora are not at {CORPORA}")
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["reason"] not in NOT_REFUSED]
        recipients = Counter(row["file"] for row in rows)
        for row in rows:
            reply = reply_in(folder / row["file"], row["recipient"], recipients[row["file"]] == 1)
            replies += [(row["file"], row["reason"], reply)] if reply else []
    return replies


def test_no_real_reply_about_something_else_makes_an_address_dead() -> None:
    replies = labelled_replies()
    others = [(name, reason, reply) for name, reason, reply in replies if reason not in DEAD]
    assert len(others) > 100
    # "filtered" is the label of "user unknown" said to the final dot: the mailbox took the letter, its owner did not.
    misjudged = {
        name
        for name, reason, (verb, code, text) in others
        if classify(Verb.CONTENT if reason == "filtered" else verb, code, text).fault is Fault.ADDRESS
    }
    assert misjudged <= ADDRESS_THOUGH_LABELLED_OTHERWISE


def test_nine_in_ten_real_refusals_of_unknown_users_are_recognised() -> None:
    unknown = [(name, reply) for name, reason, reply in labelled_replies() if reason == "userunknown"]
    missed = {name for name, (_, code, text) in unknown if classify(Verb.RCPT, code, text).fault is not Fault.ADDRESS}
    assert len(unknown) > 40
    assert len(missed) <= 0.1 * len(unknown)
