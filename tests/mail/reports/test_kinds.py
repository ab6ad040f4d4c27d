"""Complaints, automatic replies, and reports that are neither."""

import json

import pytest

from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, RETURNED, feedback_report, letter, multipart, verdicts


@pytest.mark.parametrize("kind", ["abuse", "Abuse", "fraud", "opt-out"])
def test_a_reader_s_feedback_is_a_complaint(kind: str) -> None:
    report = read_report(feedback_report(kind, f"Original-Rcpt-To: <{READER}>"))
    assert verdicts(report) == {READER: "complaint"}
    assert (report.feedback_type, report.is_report) == (kind.lower(), True)
    assert report.original_message_ids == ("<one@vigie.example>",)


def test_a_complaint_without_a_recipient_is_one() -> None:
    mail = feedback_report("abuse", "Original-Mail-From: <b-abc@bounces.vigie.example>")
    report = read_report(mail.replace(READER.encode(), b"redacted"))
    assert verdicts(report) == {None: "complaint"}
    assert report.original_senders == ("b-abc@bounces.vigie.example",)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    report = read_report(feedback_report(kind, f"Original-Rcpt-To: <{READER}>"))
    assert (report.verdict, report.findings, report.feedback_type) == ("not-a-bounce", (), kind)


def test_a_feedback_part_counts_wherever_it_stands() -> None:
    fields = f"Feedback-Type: abuse\r\nOriginal-Rcpt-To: rfc822;{READER}\r\n"
    parts = ("text/plain", "x"), ("message/feedback-report", fields), ("message/rfc822", RETURNED)
    assert verdicts(read_report(multipart("mixed", *parts))) == {READER: "complaint"}


def test_a_provider_s_own_form_is_a_complaint() -> None:
    mail = letter(
        "Hello", sender="staff@hotmail.example", subject="La lettre", header=f"X-HmXmrOriginalRecipient: {READER}\r\n"
    )
    assert verdicts(read_report(mail)) == {READER: "complaint"}


def test_a_report_of_a_forged_sender_is_no_complaint() -> None:
    subject, header = "DMARC Forensic Report for vigie.example", "Auto-Submitted: auto-replied\r\n"
    mail = letter("A message failed DMARC.", sender="no-reply@mx.example", subject=subject, header=header)
    assert read_report(mail).verdict == "not-a-bounce"


@pytest.mark.parametrize("what", ["displayed", "deleted"])
def test_a_receipt_is_neither(what: str) -> None:
    fields = f"Final-Recipient: rfc822; {READER}\r\nDisposition: manual-action/MDN-sent-manually; {what}\r\n"
    parts = ("text/plain", "Your message was read."), ("message/disposition-notification", fields)
    mail = multipart("report; report-type=disposition-notification", *parts, header="Subject: Not read\r\n")
    assert read_report(mail).verdict == "not-a-bounce"


@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office",
        "Automatic reply: La lettre",
        "Réponse automatique : La lettre",
        "=?utf-8?q?R=C3=A9ponse_automatique?=",
        "Absence du bureau",
        "Automatische Antwort",
        "Abwesenheitsnotiz",
        "Respuesta automática",
        "Fuori ufficio",
        "Автоответ",
        "自動返信",
    ],
)
def test_an_out_of_office_mail_is_known_by_its_subject(subject: str) -> None:
    mail = letter("I am away.", sender="lea@inbox.example", subject=subject)
    assert read_report(mail).verdict == "auto-reply"


@pytest.mark.parametrize(
    "field",
    ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: auto_reply", "X-Auto-Response-Suppress: All"],
)
def test_an_answering_program_is_known_by_its_fields(field: str) -> None:
    mail = letter("We received your mail.", sender="lea@inbox.example", subject="Re: La lettre", header=f"{field}\r\n")
    assert read_report(mail).verdict == "auto-reply"


def test_an_answer_that_speaks_of_unknown_users_is_still_one() -> None:
    text = f"{READER} no longer works here. 550 5.1.1 user unknown, so to speak."
    mail = letter(text, sender="lea@inbox.example", subject="Out of office", header="Return-Path: <>\r\n")
    assert read_report(mail).verdict == "auto-reply"


def test_an_answer_without_a_return_path_is_still_one() -> None:
    header = "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n"
    text = "Your message could not be delivered to me before May."
    mail = letter(text, sender="lea@inbox.example", subject="Re: La lettre", header=header)
    assert read_report(mail).verdict == "auto-reply"


def test_a_mail_that_a_program_wrote_unasked_is_no_answer() -> None:
    mail = letter(
        "Disk usage 80 %", sender="root@host.example", subject="cron", header="Auto-Submitted: auto-generated\r\n"
    )
    assert read_report(mail).verdict == "not-a-bounce"


def test_a_notification_in_json_is_read() -> None:
    bounced = {
        "emailAddress": READER,
        "status": "5.1.1",
        "action": "failed",
        "diagnosticCode": "smtp; 550 5.1.1 unknown",
    }
    told = {"notificationType": "Bounce", "bounce": {"bouncedRecipients": [bounced]}}
    mail = letter(f"{json.dumps(told, separators=(',', ':'))}\n-- \nUnsubscribe", subject="AWS Notification Message")
    assert verdicts(read_report(mail)) == {READER: "hard"}


@pytest.mark.parametrize(
    ("kind", "verdict"), [("abuse", "complaint"), ("not-spam", "not-a-bounce"), (None, "complaint")]
)
def test_a_complaint_in_json_is_one_unless_it_is_taken_back(kind: str | None, verdict: str) -> None:
    complaint = {"complaintFeedbackType": kind, "complainedRecipients": [{"emailAddress": READER}]}
    told = {"notificationType": "Complaint", "complaint": complaint}
    mail = letter(json.dumps(told), subject="AWS Notification Message")
    assert read_report(mail).verdict == verdict
