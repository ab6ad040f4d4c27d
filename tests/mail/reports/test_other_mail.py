"""What comes to a bounce mailbox and is no bounce: answers, challenges, receipts, reports on us, people, mailings."""

import pytest

from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, RETURNED, feedback_report, letter, multipart, verdicts

AWAY = {
    "en": "I am out of the office until Monday.",
    "en-auto": "This is an automated response.",
    "fr": "Je suis actuellement absente et lirai votre message lundi.",
    "de": "Ich bin bis zum 3. Mai nicht im Büro.",
    "es": "Estaré fuera hasta el lunes.",
    "it": "Sono in ferie fino al 3 maggio.",
    "pt": "Estou ausente até segunda-feira.",
    "nl": "Ik ben tot maandag afwezig.",
    "ru": "Я в отпуске до понедельника.",
    "ja": "休暇中のため、返信が遅れます。",
    "zh": "我正在休假。",
}
SUBJECTS = [
    "OOO: La lettre",
    "AUTO: Lea is out of the office (returning 3 May)",
    "[Auto-Reply] La lettre",
    "Parental leave",
    "We have received your request",
    "Your ticket #123 has been received",
    "Lea no longer works at the paper",
    "[Absence] La lettre",
    "Réponse d'absence : La lettre",
    "Congé maternité",
    "Message automatique",
    "Accusé de réception",
    "Eingangsbestätigung",
    "Ich bin im Urlaub",
    "Elternzeit",
    "Mensaje automático",
    "Auto-respuesta: La lettre",
    "Acuse de recibo",
    "Messaggio automatico",
    "Auto-resposta",
    "Automatische beantwoording",
    "Niet op kantoor",
    "Frånvaromeddelande",
    "Automatisk svar: La lettre",
    "Poissaoloviesti",
    "Nieobecność w biurze",
    "Mimo kancelář",
    "Automatikus válasz",
    "Răspuns automat",
    "Otomatik yanıt",
    "Автоматична відповідь",
    "休假通知",
    "자동 회신",
    "תשובה אוטומטית",
    "رد تلقائي",
]
FIELDS = [
    "Auto-Submitted: auto-replied (vacation)",
    "X-Autoresponder: 1",
    "X-Autoreply-From: lea@inbox.example",
    "X-Apple-Action: VACATION",
    "X-FC-MachineGenerated: true",
    "X-MS-Exchange-Inbox-Rules-Loop: lea@inbox.example",
]
PARCEL = "Your parcel could not be delivered to reader@inbox.example: nobody was in."
BOUNCE = f"<{READER}>: host mx.inbox.example said: 550 5.1.1 User unknown (in reply to RCPT TO command)"
ORDINARY = [
    ("anna@paper.example", "Fwd: Undelivered Mail Returned to Sender", BOUNCE),
    ("anna@paper.example", "TR : Non remis : La lettre", f"Regarde, c'est non remis :\n\n{BOUNCE}"),
    ("anna@paper.example", "WG: Unzustellbar", BOUNCE),
    ("anna@paper.example", "How do you read 550 5.1.1?", "When a mail returns 550 5.1.1 User unknown, what then?"),
    ("service@parcel.example", "Delivery failed", PARCEL),
    ("no-reply@parcel.example", "Delivery Status Notification: your parcel", PARCEL),
    ("no-reply@parcel.example", "Livraison impossible", "Votre colis n'a pas pu être livré."),
    ("news@logistics.example", "Delivery failures are up: our report", "This week: why deliveries failed."),
    ("postmaster@mx.example", "Welcome", "Your account has been created."),
    ("postmaster@mx.example", "Your question", "Hello, the server is fine again."),
    ("postmaster@mx.example", "Quarantine", "Three messages wait for you."),
    ("root@host.example", "Cron <root@host> backup", "Delivery of the backup failed"),
    ("postmaster@mx.example", "Report domain: vigie.example Submitter: mx.example", "policy reject, spf fail"),
    ("noreply@mx.example", "Report Domain: vigie.example Submitter: mx.example Report-ID: <1>", "TLS report"),
    ("postmaster@mx.example", "DMARC aggregate report", "550 messages failed"),
    ("postmaster@mx.example", "DMARC failure report for vigie.example", "550 5.7.1 failed"),
    ("postmaster@mx.example", "Successful Mail Delivery Report", f"successfully delivered:\n<{READER}>"),
    ("postmaster@mx.example", "Delivery Notification", f"Your message was relayed to {READER}"),
    ("postmaster@mx.example", "Remis : La lettre", f"Votre message a été remis à {READER}"),
    ("lea@inbox.example", "Read: La lettre", "Your message was read on 3 May."),
    ("lea@inbox.example", "Lu : La lettre", "Votre message a été lu."),
    ("lea@inbox.example", "Not read: La lettre", "Your message was deleted without being read."),
    ("lea@inbox.example", "Re: La lettre", "Please prove that you are human: click the link to deliver your mail."),
    ("lea@inbox.example", "Votre message", "Confirmez votre message (MailInBlack) et cliquez pour le délivrer."),
    ("list-owner@lists.example", "Your message to list awaits moderator approval", "It is being held."),
    ("list-request@lists.example", "confirm 123456", "Confirm your subscription."),
    ("lea@inbox.example", "unsubscribe", "unsubscribe"),
    ("shop@shop.example", "Returned: your order", "We sent back 550 euros."),
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_answering_program_is_known_by_its_subject(subject: str) -> None:
    assert read_report(letter("x", sender="lea@inbox.example", subject=subject)).verdict == "auto-reply"


@pytest.mark.parametrize("field", FIELDS)
def test_an_answering_program_is_known_by_its_field(field: str) -> None:
    mail = letter("x", sender="lea@inbox.example", subject="Re: La lettre", header=f"{field}\n")
    assert read_report(mail).verdict == "auto-reply"


@pytest.mark.parametrize("header", ["Return-Path: <>", "Precedence: bulk", "Precedence: junk"])
@pytest.mark.parametrize("text", AWAY.values(), ids=AWAY.keys())
def test_an_answer_from_nobody_who_is_away_is_a_program_s(text: str, header: str) -> None:
    def verdict(subject: str, *fields: str) -> str:
        lines = "".join(f"{field}\n" for field in fields)
        return read_report(letter(text, sender="lea@inbox.example", subject=subject, header=lines)).verdict.value

    assert verdict("Re: La lettre", header) == "auto-reply"
    assert verdict("La lettre", header, "In-Reply-To: <one@vigie.example>") == "auto-reply"
    assert verdict("Re: La lettre") == "not-a-bounce"
    assert verdict("La lettre", header) == "not-a-bounce"
    assert verdict("Re: La lettre", header, "List-Id: <chat.example>") == "not-a-bounce"


def test_a_mailing_that_wants_no_answers_is_none() -> None:
    header = "X-Auto-Response-Suppress: All\nList-Unsubscribe: <https://forge.example/u>\n"
    mail = letter("550 is hard", sender="notes@forge.example", subject="Re: [forge] Bounces (#550)", header=header)
    assert read_report(mail).verdict == "not-a-bounce"


@pytest.mark.parametrize(("sender", "subject", "text"), ORDINARY)
def test_other_mail_counts_as_nothing(sender: str, subject: str, text: str) -> None:
    report = read_report(letter(text, sender=sender, subject=subject))
    assert (report.verdict, report.findings) == ("not-a-bounce", ())


@pytest.mark.parametrize("kind", ["spam", "complaint", "unsubscribe", "miscategorized"])
def test_a_complaint_by_another_word_is_one(kind: str) -> None:
    assert verdicts(read_report(feedback_report(kind, f"Original-Rcpt-To: {READER}"))) == {READER: "complaint"}


@pytest.mark.parametrize(
    ("sender", "subject", "header"),
    [
        ("staff@hotmail.example", "complaint about message from 192.0.2.1", ""),
        ("scomp@aol.example", "Client TOS Notification", "X-Loop: scomp\r\n"),
        ("fbl@mail.example", "Abuse report for vigie.example", ""),
        ("feedback@mail.example", "Email Feedback Report for IP 192.0.2.1", ""),
    ],
)
def test_a_complaint_without_a_report_for_machines_is_one(sender: str, subject: str, header: str) -> None:
    parts = ("text/plain", "Here is the mail."), ("message/rfc822", RETURNED)
    mail = multipart("mixed", *parts, header=f"Subject: {subject}\r\n{header}")
    report = read_report(mail.replace(b"Mail Delivery System <MAILER-DAEMON@mx.example>", sender.encode()))
    assert verdicts(report) == {READER: "complaint"}


def test_a_complaint_whose_fields_stand_in_the_text_is_one() -> None:
    text = f"This is an abuse report.\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: {READER}\r\n"
    mail = multipart("mixed", ("text/plain", text), ("message/rfc822", RETURNED), header="Subject: report\r\n")
    anna = mail.replace(b"Mail Delivery System <MAILER-DAEMON@mx.example>", b"fbl@mail.example")
    assert verdicts(read_report(anna)) == {READER: "complaint"}
    pasted = letter(text, sender="anna@paper.example", subject="What is this?")
    assert read_report(pasted).verdict == "not-a-bounce"
