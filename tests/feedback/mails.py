"""Mail that comes back, as servers write it."""

ALICE = "alice@reader.example"


def dsn(
    *, to: str = "", status: str = "5.1.1", said: str = "550 5.1.1 User unknown", action: str = "failed",
    message_id: str = "", return_path: str = "", envid: str = "", recipient: str = ALICE,
) -> bytes:  # fmt: skip
    """A delivery report (RFC 3464)."""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.reader.example>
To: {to or "lettre@newsletter.example"}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.reader.example. <{recipient}>: {said}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.reader.example
{f"Original-Envelope-Id: {envid}" if envid else "X-Postfix-Queue-ID: 4F"}

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

Return-Path: <{return_path}>
From: Vigie <lettre@newsletter.example>
To: {recipient}
Subject: La lettre
Message-ID: {message_id or "<unknown@elsewhere.example>"}

--b--
""".replace("\n", "\r\n").encode()


def arf(*, kind: str = "abuse", mail_from: str = "", message_id: str = "") -> bytes:
    """A feedback report (RFC 5965)."""
    return f"""\
From: feedback@mailbox.example
To: fbl@newsletter.example
Subject: FW: La lettre
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Mailbox/1.0
Version: 1
Original-Mail-From: <{mail_from}>

--b
Content-Type: message/rfc822

From: Vigie <lettre@newsletter.example>
To: {ALICE}
Subject: La lettre
Message-ID: {message_id or "<unknown@elsewhere.example>"}

Bonjour

--b--
""".replace("\n", "\r\n").encode()


def reply(
    *, to: str, subject: str = "Re: La lettre", body: str = "Merci !", sender: str = ALICE, more: str = ""
) -> bytes:
    """What a person writes back."""
    text = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <1@reader.example>\n{more}\n{body}\n"
    return text.replace("\n", "\r\n").encode()
