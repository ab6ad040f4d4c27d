"""Delivery reports (RFC 3464): what ends a delivery, whose, and what links the report to a copy."""

import base64

import pytest

from app.mail.meanings import Meaning
from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, delivery_report, group, multipart, verdict_on, verdicts


@pytest.mark.parametrize(
    ("action", "status", "verdict"),
    [
        ("failed", "5.1.1", "hard"),
        ("Failed (no such user)", "5.1.1", "hard"),
        ("failed", "4.1.1", "soft"),
        ("failed", "4.4.7", "soft"),
        ("delayed", "5.1.1", "soft"),
        ("delayed", "4.4.1", "soft"),
        ("delivered", "2.1.5", "not-a-bounce"),
        ("relayed", "2.0.0", "not-a-bounce"),
        ("expanded", "5.1.1", "not-a-bounce"),
    ],
)
def test_only_a_failure_ends_a_delivery(action: str, status: str, verdict: str) -> None:
    assert read_report(delivery_report(group(action=action, status=status))).verdict == verdict


def test_a_delay_says_nothing_against_an_address() -> None:
    (finding,) = read_report(delivery_report(group(action="delayed", status="4.1.1"))).findings
    assert not finding.is_final
    (finding,) = read_report(delivery_report(group(status="4.1.1"))).findings
    assert finding.is_final


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("5.1.1", "hard"),
        ("5.1.2", "hard"),
        ("5.1.3", "hard"),
        ("5.1.6", "hard"),
        ("5.1.10", "hard"),
        ("5.1.0", "soft"),
        ("5.1.8", "soft"),
        ("5.2.1", "soft"),
        ("5.2.2", "soft"),
        ("5.3.0", "soft"),
        ("5.4.4", "soft"),
        ("5.7.1", "soft"),
        ("5.7.13", "soft"),
        ("5.0.0", "soft"),
    ],
)
def test_few_codes_alone_say_that_an_address_is_dead(status: str, verdict: str) -> None:
    assert read_report(delivery_report(group(status=status))).verdict == verdict


def test_each_recipient_is_judged_apart() -> None:
    report = read_report(
        delivery_report(
            group("gone@inbox.example"),
            group("full@inbox.example", status="5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full"),
            group("late@inbox.example", action="delayed", status="4.4.1"),
            group("fine@inbox.example", action="delivered", status="2.0.0"),
        )
    )
    expected = {"gone@inbox.example": "hard", "full@inbox.example": "soft", "late@inbox.example": "soft"}
    assert (report.verdict, verdicts(report)) == ("hard", expected)


def test_what_is_said_of_one_recipient_is_not_held_against_another() -> None:
    text = "gone@inbox.example: 550 User unknown (in reply to RCPT TO command)\r\nother@inbox.example: gave up\r\n"
    groups = (group("gone@inbox.example", status="5.0.0"), group("other@inbox.example", status="5.0.0"))
    report = read_report(delivery_report(*groups, text=text))
    assert verdicts(report) == {"gone@inbox.example": "hard", "other@inbox.example": "soft"}


@pytest.mark.parametrize("blank", ["\r\n", "", "\r\n\r\n\r\n"])
def test_groups_are_told_apart_whatever_the_blank_lines(blank: str) -> None:
    groups = [group("a@inbox.example"), group("b@inbox.example", status="5.2.2")]
    fields = f"Reporting-MTA: dns; mx.example\r\n\r\n{blank.join(groups)}"
    mail = multipart("report; report-type=delivery-status", ("text/plain", "x"), ("message/delivery-status", fields))
    assert verdicts(read_report(mail)) == {"a@inbox.example": "hard", "b@inbox.example": "soft"}


def test_the_code_of_the_last_server_counts_before_the_one_beside_it() -> None:
    assert verdict_on("smtp; 552 5.1.1 Mailbox of this user is full OFR_417", status="5.1.1") == "soft"
    assert verdict_on("smtp; 450 4.2.0 Try again later", status="5.1.1") == "soft"
    assert verdict_on("smtp; 550 5.7.1 Blocked by policy", status="5.1.1") == "soft"
    assert verdict_on("smtp; 550 5.1.1 No such user", status="5.0.0") == "hard"
    assert verdict_on("smtp; 550 No such user here", status="5.7.1") == "hard"


@pytest.mark.parametrize(
    ("diagnostic", "meaning"),
    [
        ("smtp; 550-5.7.26 This mail is unauthenticated", Meaning.UNAUTHENTICATED),
        ("smtp; 550 5.7.515 Access denied, sending domain does not pass", Meaning.UNAUTHENTICATED),
        ("smtp; 550 5.7.606 Access denied, banned sending IP", Meaning.BLOCKED),
        ("smtp; 550 5.2.1 The user is receiving mail too quickly", Meaning.MAILBOX_BUSY),
        ("smtp; 550 5.5.0 Adresse invalide LPN007_416", Meaning.NO_SUCH_ADDRESS),
        ("smtp; 554 delivery error: This user doesn't have a yahoo.example account", Meaning.NO_SUCH_ADDRESS),
    ],
)
def test_a_reply_means_the_same_as_on_the_wire(diagnostic: str, meaning: Meaning) -> None:
    (finding,) = read_report(delivery_report(group(status="5.0.0", diagnostic=diagnostic))).findings
    assert finding.meaning is meaning
    assert finding.verdict == ("hard" if meaning is Meaning.NO_SUCH_ADDRESS else "soft")


def test_words_without_any_code_end_no_subscription() -> None:
    said = delivery_report(group(status="5.0.0", diagnostic="The account does not exist."), text="Sorry.")
    assert read_report(said).verdict == "soft"


def test_an_unknown_user_after_the_final_dot_had_a_mailbox() -> None:
    text = f"{READER}: 550 User unknown (in reply to end of DATA command)"
    report = read_report(delivery_report(group(status="5.0.0", diagnostic="smtp; 550 User unknown"), text=text))
    assert report.verdict == "soft"


def test_a_report_tells_what_links_it_to_a_copy() -> None:
    report = read_report(
        delivery_report(group(), message="Original-Envelope-Id: env-7\r\n"), recipients=["b-abc@bounces.vigie.example"]
    )
    assert report.is_report
    assert report.to_addresses == ("b-abc@bounces.vigie.example",)
    assert report.original_message_ids == ("<one@vigie.example>",)
    assert report.original_senders == ("b-abc@bounces.vigie.example",)
    assert report.envelope_id == "env-7"


def test_a_server_s_words_are_kept_legible_and_short() -> None:
    (finding,) = read_report(delivery_report(group(diagnostic=f"smtp; 550 5.1.1 \x1b[31m{'x' * 900}"))).findings
    assert len(finding.diagnostic) == 500
    assert finding.diagnostic.isprintable()
    assert finding.status == "5.1.1"


def test_a_report_for_mail_with_letters_beyond_ascii_is_read() -> None:
    fields = f"Reporting-MTA: dns; mx.example\r\n\r\n{group('léa@inbox.example')}"
    kinds = ("text/plain", "x"), ("message/global-delivery-status", fields)
    assert verdicts(read_report(multipart("report; report-type=delivery-status", *kinds))) == {
        "léa@inbox.example": "hard"
    }


def test_a_report_in_base64_is_read() -> None:
    fields = base64.b64encode(f"Reporting-MTA: dns; mx.example\r\n\r\n{group()}".encode()).decode()
    kind = "message/delivery-status\r\nContent-Transfer-Encoding: base64"
    mail = multipart("report; report-type=delivery-status", ("text/plain", "x"), (kind, fields))
    assert verdicts(read_report(mail)) == {READER: "hard"}


def test_a_report_whose_parts_are_marked_wrongly_is_read() -> None:
    mail = delivery_report(group()).replace(b"boundary=part", b"boundary=other")
    assert verdicts(read_report(mail)) == {READER: "hard"}


def test_a_challenge_is_no_bounce() -> None:
    text = "Your message has been waitlisted. Please add yourself to my guest list."
    assert read_report(delivery_report(group(status="5.7.1"), text=text)).verdict == "not-a-bounce"
