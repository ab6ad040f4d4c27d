"""Bounces for people only: in many languages, by many servers, and what must not be taken for one."""

import pytest

from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, RETURNED, letter, multipart, verdicts

NO_MAILBOX = "Sorry, no mailbox here by that name."
QMAIL = "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message.\n\n"


@pytest.mark.parametrize(
    "said",
    [
        "550 5.1.1 User unknown",
        "Sorry, no mailbox here by that name. (#5.1.1)",
        "This user doesn't have a inbox.example account",
        "The e-mail account does not exist at the organization this message was sent to.",
        "Cette adresse n'existe pas.",
        "Utilisateur inconnu",
        "Le destinataire est introuvable dans l'annuaire",
        "Der Empfänger ist unbekannt",
        "Benutzer existiert nicht",
        "El usuario no existe",
        "L'utente è inesistente",
        "宛先のメールアドレスは存在しません",
        "Host or domain name not found",
        "Le domaine n'existe pas",
    ],
)
def test_a_dead_address_is_recognised_by_its_wording(said: str) -> None:
    report = read_report(letter(f"Delivery failed.\n\n<{READER}>:\n{said}\n"))
    assert verdicts(report) == {READER: "hard"}


@pytest.mark.parametrize(
    "said",
    [
        "552 5.2.2 Mailbox full",
        "The user is over quota",
        "La boîte aux lettres du destinataire est pleine",
        "Das Postfach ist voll",
        "El buzón está lleno",
        "メールボックスがいっぱいです",
        "This account has been disabled or discontinued",
        "Votre compte est suspendu",
        "550 5.7.1 Message rejected as spam",
        "550 Blocked by policy",
        "554 Sender address rejected: user unknown",
        "Connection timed out",
        "Host not found, try again",
        "It did not work out",
        "Unknown error",
    ],
)
def test_whatever_else_is_said_is_soft(said: str) -> None:
    report = read_report(letter(f"Delivery failed.\n\n<{READER}>:\n{said}\n"))
    assert verdicts(report) == {READER: "soft"}


def test_a_field_of_the_mailer_names_who_failed() -> None:
    mail = letter("A message could not be delivered.\n\n  save to /var/x\n", header=f"X-Failed-Recipients: {READER}\n")
    assert verdicts(read_report(mail)) == {READER: "soft"}


@pytest.mark.parametrize(
    "text",
    [
        f"{QMAIL}<{READER}>:\n{NO_MAILBOX}\n\n--- Below this line is a copy of the message.\n{RETURNED}",
        f"Delivery has failed to these recipients:\n\n{READER}\nUser unknown\n\nOriginal message headers:\n{RETURNED}",
        f"Échec de la remise du message à {READER}\nUtilisateur inconnu\n\n{RETURNED}",
        f"   ----- Transcript of session follows -----\n>>> RCPT To:<{READER}>\n<<< 550 No such user\n"
        f"550 <{READER}>... User unknown\n   ----- Unsent message follows -----\n{RETURNED}",
    ],
)
def test_the_returned_mail_is_not_taken_for_what_is_said(text: str) -> None:
    report = read_report(letter(text))
    assert verdicts(report) == {READER: "hard"}
    assert report.original_message_ids == ("<one@vigie.example>",)


def test_each_recipient_has_its_own_words() -> None:
    text = f"{QMAIL}<gone@inbox.example>:\n{NO_MAILBOX}\n\n<full@inbox.example>:\nMailbox is full\n"
    assert verdicts(read_report(letter(text))) == {"gone@inbox.example": "hard", "full@inbox.example": "soft"}


def test_without_a_name_the_returned_mail_s_recipient_is_meant() -> None:
    parts = ("text/plain", "Your mail could not be delivered.\r\nUser unknown"), ("message/rfc822", RETURNED)
    assert verdicts(read_report(multipart("mixed", *parts, header="Subject: failure notice\r\n"))) == {READER: "hard"}


def test_a_bounce_in_html_is_read() -> None:
    html = f"<style>x@y.example</style><p>Undeliverable</p><p>&lt;{READER}&gt;:<br>550 5.1.1 unknown user</p>"
    mail = letter(html).replace(b"text/plain", b"text/html")
    assert verdicts(read_report(mail)) == {READER: "hard"}


@pytest.mark.parametrize(
    "text",
    [
        "Your message has not yet been delivered. It will be retried.\n\n<{}>:\n450 4.1.1 User unknown\n",
        "THIS IS A WARNING ONLY. Delivery attempts will continue.\n\n<{}>:\nno mailbox here by that name\n",
        "La remise du message est retardée.\n\n<{}>:\nUtilisateur inconnu\n",
    ],
)
def test_a_warning_is_never_hard(text: str) -> None:
    report = read_report(letter(text.format(READER), subject="Warning: message delayed"))
    assert verdicts(report) == {READER: "soft"}
    assert not report.findings[0].is_final


def test_a_person_who_forwards_a_report_is_none() -> None:
    text = f"Look:\n\nFinal-Recipient: rfc822; {READER}\nAction: failed\nStatus: 5.1.1\n"
    assert read_report(letter(text, sender="anna@paper.example", subject="Fwd: failure")).verdict == "not-a-bounce"


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("anna@paper.example", "Re: failure notice"),
        ("anna@paper.example", "What does this bounce mean?"),
        ("anna@paper.example", "Undeliverable: my letter"),
    ],
)
def test_a_person_who_writes_of_bounces_is_none(sender: str, subject: str) -> None:
    mail = letter(f"I got this:\n\n<{READER}>: 550 5.1.1 User unknown", sender=sender, subject=subject)
    assert read_report(mail).verdict == "not-a-bounce"
