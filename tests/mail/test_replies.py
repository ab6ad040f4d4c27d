"""What replies mean. The texts are such as large providers give."""

import pytest

from app.mail.replies import Verb, classify, find_enhanced, legible, lost
from app.mail.transport import Fault, OutcomeKind

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
    # The address may live.
    (Verb.RCPT, 450, "4.1.1 User unknown in local table", D, Fault.MAILBOX),
    (Verb.RCPT, 550, "5.1.0 Sender rejected", R, Fault.DESTINATION),
    (Verb.RCPT, 550, "5.1.2 Host unknown", R, Fault.DESTINATION),
    (Verb.RCPT, 550, "5.4.1 Recipient address rejected: Access denied", R, Fault.DESTINATION),
    (Verb.RCPT, 550, "Blocked by policy", R, Fault.SENDER),
    (Verb.DATA, 550, "No such user here", R, Fault.SENDER),
    # Full, disabled, limited.
    (Verb.RCPT, 452, "4.2.2 The recipient's inbox is out of storage space", D, Fault.MAILBOX),
    (Verb.RCPT, 552, "5.2.2 Mailbox full", R, Fault.MAILBOX),
    (Verb.RCPT, 550, "5.2.1 The user you are trying to contact is receiving mail too quickly", R, Fault.MAILBOX),
    (Verb.RCPT, 550, "5.7.13 User account disabled", R, Fault.MAILBOX),
    (Verb.CONTENT, 552, "Quota exceeded", R, Fault.MAILBOX),
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
    (Verb.RCPT, 450, "4.7.1 Greylisted, try again", D, Fault.SENDER),
    # Our set-up, or the server as a whole.
    (Verb.GREETING, 554, "No SMTP service here", D, Fault.HOST),
    (Verb.EHLO, 501, "Invalid domain name", D, Fault.HOST),
    (Verb.MAIL, 550, "5.1.8 Sender domain does not exist", D, Fault.HOST),
    (Verb.MAIL, 530, "5.7.0 Must issue a STARTTLS command first", D, Fault.HOST),
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
        ("gone", None),
        ("from 10.5.1.1 refused", None),
        ("version 5.1.1.2", None),
        ("x5.1.1", None),
    ],
)
def test_the_enhanced_code_is_found_on_any_line(text: str, code: str | None) -> None:
    assert find_enhanced(text) == code


def test_a_reply_is_made_fit_for_logs() -> None:
    assert legible("a\x1b[31mred\r\nb\x00\u202ec\n\n ") == "a\\x1b[31mred\nb\\x00\\u202ec"
    assert len(legible("x" * 5000)) == 1000


def test_a_loss_after_the_dot_is_uncertain_and_any_other_defers() -> None:
    assert lost(Verb.CONTENT, "timed out").kind is OutcomeKind.UNCERTAIN
    for verb in set(Verb) - {Verb.CONTENT}:
        outcome = lost(verb, "timed out")
        assert outcome.kind is OutcomeKind.DEFERRED
        assert outcome.concerns_route
