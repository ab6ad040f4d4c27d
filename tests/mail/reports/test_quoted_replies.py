"""Replies of servers as returned mails quote them: whose words count, in answer to which command."""

import pytest

from app.mail.meanings import Meaning
from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, delivery_report, group, letter, verdict_on, verdicts

TRANSCRIPT = "   ----- Transcript of session follows -----\n... while talking to mx.inbox.example.:\n"


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("550 5.1.1 User unknown", "hard"),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", "hard"),
        ("550 No such user here", "hard"),
        ("553 Invalid recipient", "hard"),
        ("550 5.0.0 Unknown user", "hard"),
        ("550 5.5.0 mailbox unavailable (S2017062302)", "hard"),
        ("550 5.1.0 Recipient rejected", "hard"),
        ("550 5.7.1 No such user", "hard"),
        ("550 5.7.1 No mailbox found", "hard"),
        ("553 sorry, your envelope recipient is in my badrcptto list (#5.7.1)", "hard"),
        ("550 5.2.1 User unknown", "hard"),
        ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "hard"),
        ("521 5.3.2 This host does not accept mail", "hard"),
        ("521 5.3.2 System not accepting network messages", "hard"),
        ("556 5.1.10 Host does not accept mail", "hard"),
        ("554 No such user", "soft"),
        ("450 5.1.1 User unknown", "soft"),
        ("550 4.1.1 User unknown", "soft"),
        ("550 5.1.0 Recipient rejected: blocked by policy", "soft"),
        ("550 5.1.0 Sender address rejected", "soft"),
        ("550 5.2.1 The account is disabled", "soft"),
        ("550 5.2.1 Unknown user or mailbox disabled", "soft"),
        ("550 5.7.1 Recipient address rejected: Access denied", "soft"),
        ("550 5.7.1 Unknown user: sender not allowed", "soft"),
        ("550 5.7.1 No such user; your host is on our blocklist", "soft"),
        ("550 5.7.1 Unable to relay for this recipient", "soft"),
        ("550 5.4.1 Access denied", "soft"),
        ("550 Invalid HELO name: email refused", "soft"),
        ("550 Mail from your address is unknown to us", "soft"),
        ("550 Return address invalid", "soft"),
        ("550 Sender is an unknown user", "soft"),
        ("550 The mail you sent has an invalid address in its To header", "soft"),
        ("550 Denied by policy (address does not exist in allow list)", "soft"),
        ("550 Authentication failed: no such user", "soft"),
        ("550 Your mail server is not known at this site", "soft"),
        ("550 Mailbox unavailable, invalid DNS MX record", "soft"),
        ("550 Too many invalid recipients", "soft"),
        ("550 Recipient unknown, try again later", "soft"),
        ("550 Domain bounces.vigie.example does not exist", "soft"),
        ("550 Domain inbox.example does not exist", "hard"),
        ("550 5.4.310 DNS domain inbox.example does not exist", "hard"),
        ("550 5.7.1 Email address in the From: header is invalid", "soft"),
        ("550 5.7.1 Recipient address is not in my list of allowed correspondents", "soft"),
        ("550 5.7.1 No such user at relay2.spamfilter.example", "hard"),
        ("550 5.1.1 This account is disabled", "soft"),
        ("550 5.1.1 Message rejected as spam", "soft"),
        ("550 5.1.1 Recipient address rejected: inbox.example", "hard"),
        ("521 5.7.1 Your host is blocked", "soft"),
        ("521 Not accepting mail from you", "soft"),
        ("552 5.2.2 Mailbox full", "soft"),
        ("550 5.7.26 Unauthenticated mail", "soft"),
        ("550 5.7.25 No reverse DNS", "soft"),
        ("450 4.2.0 Greylisted", "soft"),
        ("552 5.3.4 Message too large", "soft"),
        ("550 5.7.1 TLS required", "soft"),
        ("554 5.4.6 Too many hops", "soft"),
        ("452 4.5.3 Too many recipients", "soft"),
    ],
)
def test_a_reply_to_a_recipient_has_its_verdict(reply: str, verdict: str) -> None:
    assert verdict_on(f"smtp; {reply}") == verdict


@pytest.mark.parametrize(
    "how",
    [
        "(in reply to end of DATA command)",
        "(reply to end of DATA)",
        "failed after I sent the message.",
    ],
)
@pytest.mark.parametrize("reply", ["550 Unknown user", "550 5.7.1 No such user", "550 5.2.1 User unknown"])
def test_a_reply_to_the_text_tells_of_no_dead_address(reply: str, how: str) -> None:
    mail = letter(f"Could not be delivered.\n\n<{READER}>:\nmx.inbox.example said: {reply} {how}\n")
    assert verdicts(read_report(mail)) == {READER: "soft"}


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        (f">>> RCPT To:<{READER}>\n<<< 550 Unknown user\n550 <{READER}>... User unknown\n", "hard"),
        (f">>> RCPT To:<{READER}>\n<<< 550 5.7.1 No such user\n554 5.0.0 Service unavailable\n", "hard"),
        (">>> DATA\n<<< 550 Unknown user\n554 5.0.0 Service unavailable\n", "soft"),
        (f">>> RCPT To:<{READER}>\n<<< 250 ok\n>>> DATA\n<<< 354 go\n>>> .\n<<< 550 Unknown user\n", "soft"),
        (f" --> RCPT To:<{READER}>\n <-- 550 no such user here\n --> QUIT\n", "hard"),
        (f" --> RCPT To:<{READER}>\n <-- 250 ok\n --> DATA\n <-- 354 go on\n --> .\n <-- 550 unknown user\n", "soft"),
        (f"Sent <<< RCPT TO:<{READER}>\nReceived >>> 550 5.1.1 <{READER}>... user unknown\n", "hard"),
        (f"SMTP:RCPT host 192.0.2.8: 553 5.3.0 <{READER}>... No such user here\n", "hard"),
    ],
)
def test_a_transcript_shows_what_a_reply_answered(session: str, verdict: str) -> None:
    mail = letter(f"The following address failed:\n\n<{READER}>\n\n{TRANSCRIPT}{session}", subject="Returned mail")
    assert verdicts(read_report(mail)) == {READER: verdict}


def test_a_careless_code_counts_where_nobody_quotes_the_command() -> None:
    said = delivery_report(group(status="5.7.1", diagnostic="smtp; 550 5.7.1 No such user"), text="Not delivered.")
    assert read_report(said).verdict == "soft"


def test_a_domain_that_never_takes_mail_is_named() -> None:
    said = delivery_report(group(status="5.3.2", diagnostic="smtp; 521 5.3.2 Host does not accept mail"))
    (finding,) = read_report(said).findings
    assert (finding.verdict, finding.meaning) == ("hard", Meaning.NULL_MX)


def test_the_name_of_a_server_is_no_reason() -> None:
    text = f"This is the mail system at host relay.spamfilter.example.\n\n<{READER}>: 550 Mailbox unavailable"
    said = delivery_report(group(status="5.0.0", diagnostic="smtp; 550 Mailbox unavailable"), text=text)
    assert read_report(said).findings[0].meaning is Meaning.UNEXPLAINED
