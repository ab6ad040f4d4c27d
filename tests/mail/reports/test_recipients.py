"""Whom a returned mail names, however the name is written."""

import pytest

from app.mail.reports.addresses import addresses_of
from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, RETURNED, delivery_report, group, letter, multipart, verdicts

FAILED = "Action: failed\r\nStatus: 5.1.1\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        f"Final-Recipient: RFC822;{READER}",
        f"Final-Recipient: rfc822; <{READER}>",
        f"Final-Recipient: rfc822; <{READER}",
        f"Final-Recipient: rfc822; {READER} (Lea Reader)",
        f"Final-Recipient: {READER}",
        f"Final-Recipient: unknown; {READER}",
        f"Final-Recipient: rfc822;\r\n {READER}",
        f"Final-Recipient: rfc822; {READER}.",
        f"Final-Recipient: rfc822; mailto:{READER}",
        f"Final-Recipient: rfc822; SMTP:{READER}",
        f"Final-Recipient: rfc822; @relay.example:{READER}",
        "Final-Recipient: rfc822; reader+40inbox.example",
        f"Final-Recipient: rfc822; reader\r\nX-Actual-Recipient: rfc822; {READER}",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: rfc822; reader",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: rfc822; |/usr/bin/filter",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: X400; /C=FR/PRMD=Paper/S=Reader/G=Lea/",
        f"Final-Recipient: X400; /SMTP={READER}/C=FR/",
        "Final-Recipient: X400; /C=FR/ADMD=X/PRMD=Paper/S=Reader/G=Lea/",
        "Final-Recipient: rfc822;CN=Lea Reader/O=Paper@Paper",
        "Final-Recipient: rfc822;IMCEASMTP-reader+40inbox+2Eexample@mx.example",
        "Final-Recipient: rfc822;IMCEAEX-_o=Paper_ou=X_cn=Recipients_cn=lea@mx.example",
        "Final-Recipient: rfc822; undisclosed-recipients:;",
    ],
)
def test_a_reader_is_found_in_any_writing(fields: str) -> None:
    assert verdicts(read_report(delivery_report(f"{fields}\r\n{FAILED}"))) == {READER: "hard"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("utf-8; léa@inbox.example", "léa@inbox.example"),
        ("utf-8; l\\x{e9}a@inbox.example", "léa@inbox.example"),
        ("utf-8; l\\x{d800}a@inbox.example", "la@inbox.example"),
        ('rfc822; "le a"@inbox.example', '"le a"@inbox.example'),
        ("rfc822; 用户@例え.テスト", "用户@例え.テスト"),
        ("rfc822; a+b=c@inbox.example", "a+b=c@inbox.example"),
    ],
)
def test_a_rare_address_is_read_whole(written: str, meant: str) -> None:
    assert verdicts(read_report(delivery_report(f"Final-Recipient: {written}\r\n{FAILED}"))) == {meant: "hard"}


def test_the_address_that_failed_is_named_not_the_one_it_came_from() -> None:
    fields = f"Original-Recipient: rfc822; {READER}\r\nFinal-Recipient: rfc822; new@else.example\r\n"
    assert verdicts(read_report(delivery_report(f"{fields}{FAILED}"))) == {"new@else.example": "hard"}
    text = f"Undeliverable:\n\n  new@else.example\n    (generated from {READER})\n    unknown user\n"
    assert verdicts(read_report(letter(text))) == {"new@else.example": "hard"}


def test_an_undisclosed_address_is_named_by_the_one_it_came_from() -> None:
    text = f"Undeliverable:\n\n  an undisclosed address\n    (generated from {READER})\n    unknown user\n"
    assert verdicts(read_report(letter(text))) == {READER: "hard"}


def test_a_name_of_another_mail_system_is_no_address() -> None:
    text = f"was not delivered to:\n\n  CN=Lea Reader/O=Paper@Paper\n\nbecause:\n\n  User ({READER}) unknown\n"
    assert verdicts(read_report(letter(text))) == {READER: "hard"}


def test_a_folded_list_of_the_mailer_names_all() -> None:
    mail = letter("unknown user\n", header="X-Failed-Recipients: a@inbox.example,\n b@inbox.example\n")
    assert verdicts(read_report(mail)) == {"a@inbox.example": "hard", "b@inbox.example": "hard"}


@pytest.mark.parametrize("sender", ["MAIL FROM:<{}>", "Original Sender: <{}>", "From: {}", "sent by: {}"])
def test_the_sender_is_not_taken_for_who_failed(sender: str) -> None:
    text = f"Message details:\n  {sender.format('lettre@vigie.example')}\n  RCPT TO: {READER}\n550 no such user\n"
    assert verdicts(read_report(letter(text, subject="Undeliverable message"))) == {READER: "hard"}


def test_whoever_writes_to_himself_is_both() -> None:
    text = f"MAIL FROM:<{READER}>\nThe mail was undeliverable. unknown user\n"
    assert verdicts(read_report(letter(text))) == {READER: "hard"}


def test_a_refusal_disguised_as_a_receipt_names_its_reader() -> None:
    fields = f"Final-Recipient: rfc822; {READER}\r\nDisposition: automatic-action/MDN-sent-automatically; deleted\r\n"
    text = f"Your message to <{READER}> was automatically rejected:\r\nQuota exceeded"
    parts = ("text/plain", text), ("message/disposition-notification", fields), ("message/rfc822", RETURNED)
    mail = multipart("report; report-type=disposition-notification", *parts, header="Subject: Rejected\r\n")
    assert verdicts(read_report(mail)) == {READER: "soft"}
    unknown = mail.replace(b"Quota exceeded", b"550 5.1.1 User unknown")
    assert verdicts(read_report(unknown)) == {READER: "soft"}


@pytest.mark.parametrize(
    "text",
    [
        "您的邮件无法发送到{}。",
        "收件人邮件地址：{}的邮件",
        "宛先「{}」が見つかりません",
        "Adresse : {}, inconnue",
        "<mailto:{}>",
        "[SMTP:{}]",
        "rfc822;{}",
        "({})...",
    ],
)
def test_an_address_is_told_from_the_words_that_touch_it(text: str) -> None:
    assert addresses_of(text.format(READER)) == [READER]


@pytest.mark.parametrize(
    "contact",
    [
        "For assistance, please send mail to hotline@relay.example.",
        "You may contact admin@relay.example or webmaster@relay.example.",
        "Pour toute question, écrivez à assistance@relay.example.",
        "Bei Fragen wenden Sie sich an\nmailadmin@relay.example.",
        "Para consultas: ayuda@relay.example",
        "お問い合わせは info@relay.example まで。",
        "Вопросы: hotline@relay.example",
    ],
)
def test_whom_to_ask_is_no_recipient(contact: str) -> None:
    said = f"Your message could not be delivered to {READER}: user unknown.\n\n{contact}\n"
    assert verdicts(read_report(letter(said))) == {READER: "hard"}
    alone = f"Your message could not be delivered: user unknown.\n\nPlease contact {READER} by other means.\n"
    assert verdicts(read_report(letter(alone))) == {READER: "hard"}


@pytest.mark.parametrize("address", ["o'reader@inbox.example", "d'reader@inbox.example"])
def test_an_apostrophe_belongs_to_the_address_of_a_report(address: str) -> None:
    assert verdicts(read_report(delivery_report(group(address)))) == {address: "hard"}


def test_an_apostrophe_in_a_text_may_be_grammar() -> None:
    said = "La boîte d'{0} n'existe pas. L'adresse : '{0}'.\n"
    assert verdicts(read_report(letter(f"Message non remis.\n\n{said.format(READER)}"))) == {READER: "hard"}
    irish = f"<o'{READER}>:\n550 5.1.1 user unknown (in reply to RCPT TO command)\n"
    assert verdicts(read_report(letter(f"Could not be delivered.\n\n{irish}"))) == {f"o'{READER}": "hard"}
