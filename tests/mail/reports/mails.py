"""Returned mails of our own making."""

from app.mail.reports.reading import read_report
from app.mail.reports.report import Report

READER = "reader@inbox.example"
RETURNED = (
    "Return-Path: <b-abc@bounces.vigie.example>\r\nMessage-ID: <one@vigie.example>\r\n"
    f"From: lettre@vigie.example\r\nTo: {READER}\r\nSubject: La lettre\r\n\r\nBonjour\r\n"
)


def multipart(subtype: str, *parts: tuple[str, str], header: str = "") -> bytes:
    """A mail of several parts, each a type and its text."""
    body = "".join(f"--part\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: b-abc@bounces.vigie.example\r\n{header}"
        f"Content-Type: multipart/{subtype}; boundary=part\r\n\r\n{body}--part--\r\n"
    ).encode()


def group(recipient: str = READER, action: str = "failed", status: str = "5.1.1", diagnostic: str = "") -> str:
    """The fields of one recipient in a delivery report."""
    said = f"Diagnostic-Code: {diagnostic}\r\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n{said}"


def delivery_report(*groups: str, text: str = "Your mail could not be delivered.", message: str = "") -> bytes:
    """A delivery report (RFC 3464) with one group of fields for each recipient."""
    fields = "\r\n".join((f"Reporting-MTA: dns; mx.example\r\n{message}", *groups))
    return multipart(
        "report; report-type=delivery-status",
        ("text/plain", text),
        ("message/delivery-status", fields),
        ("message/rfc822", RETURNED),
        header="Subject: Undelivered Mail\r\nAuto-Submitted: auto-replied\r\n",
    )


def feedback_report(kind: str, *fields: str) -> bytes:
    """A feedback report (RFC 5965)."""
    lines = "\r\n".join((f"Feedback-Type: {kind}", "User-Agent: Provider/1", "Version: 1", *fields))
    return multipart(
        "report; report-type=feedback-report",
        ("text/plain", "This is an abuse report."),
        ("message/feedback-report", f"{lines}\r\n"),
        ("message/rfc822", RETURNED),
        header="Subject: report\r\n",
    )


def letter(
    text: str, *, sender: str = "MAILER-DAEMON@mx.example", subject: str = "failure notice", header: str = ""
) -> bytes:
    """A mail for people only."""
    lines = f"From: {sender}\r\nTo: b-abc@bounces.vigie.example\r\nSubject: {subject}\r\n{header}"
    return f"{lines}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()


def verdicts(report: Report) -> dict[str | None, str]:
    """The verdict on each recipient."""
    return {finding.recipient: finding.verdict.value for finding in report.findings}


def verdict_on(diagnostic: str, *, status: str = "5.0.0", action: str = "failed", text: str = "Not delivered.") -> str:
    """The verdict on a delivery report with one recipient, in whose prose its server's reply is quoted to RCPT."""
    told = f"{text}\r\n{READER}: {diagnostic} (in reply to RCPT TO command)"
    return read_report(
        delivery_report(group(status=status, action=action, diagnostic=diagnostic), text=told)
    ).verdict.value
