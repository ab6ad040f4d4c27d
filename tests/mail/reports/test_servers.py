"""The forms in which mail servers return mail without a report for machines: who failed, and how."""

import pytest

from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, RETURNED, letter, verdicts

EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
    "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
)
EXIM_AFTER = f"  {READER}\n    SMTP error from remote mail server after"
QMAIL = "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
POSTFIX = (
    "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\n"
    f"be delivered to one or more recipients. It's attached below.\n\n<{READER}>:"
)
GMAIL = f"Delivery to the following recipient failed permanently:\n\n     {READER}\n\nTechnical details:\n"
OPENSMTPD = (
    "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n"
    f"    An error has occurred while attempting to deliver a message for\n    these recipients:\n\n{READER}:"
)
EXCHANGE = f"Your message\n\n  To:      {READER}\n  Subject: La lettre\n\ndid not reach the following recipient(s):\n\n"
DOMINO = f"Your message\n\n  Subject: La lettre\n\nwas not delivered to:\n\n  {READER}\n\nbecause:\n\n"
SENDMAIL = f"   ----- The following addresses had permanent fatal errors -----\n<{READER}>\n\n"
HEADER = f"\n{RETURNED}"

HARD = {
    "exim-rcpt": f"{EXIM}{EXIM_AFTER} RCPT TO:<{READER}>:\n    host mx [192.0.2.1]: 550 unknown user\n",
    "exim-lmtp": f"{EXIM}  {READER}\n    LMTP error after RCPT TO:<{READER}>:\n    550 5.1.1 <{READER}> User unknown\n",
    "exim-unrouteable": f"{EXIM}  {READER}: Unrouteable address\n",
    "exim-domain": f"{EXIM}  {READER}\n    all host address lookups failed permanently\n",
    "exim-null-mx": f"{EXIM}  {READER}\n    an MX or SRV record indicated no SMTP service\n",
    "qmail": f"{QMAIL}<{READER}>:\nSorry, no mailbox here by that name. (#5.1.1)\n",
    "qmail-rcpt": f"{QMAIL}<{READER}>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 User unknown\n",
    "qmail-host": f"{QMAIL}<{READER}>:\nSorry, I couldn't find any host named inbox.example. (#5.1.2)\n",
    "qmail-vpopmail": f"{QMAIL}<{READER}>:\nThis address no longer accepts mail.\n",
    "postfix-local": f'{POSTFIX} unknown user: "reader"\n',
    "postfix-host": f"{POSTFIX} Host or domain name not found. Name service error for\n    name=x: Host not found\n",
    "postfix-null-mx": f"{POSTFIX} Domain inbox.example does not accept mail (nullMX)\n",
    "gmail": f"{GMAIL}The error that the other server returned was:\n550 550 <{READER}>: User unknown (state 14).\n",
    "gmail-domain": f"{GMAIL}DNS Error: Domain name not found\n",
    "opensmtpd": f"{OPENSMTPD} 550 5.1.1 User unknown\n",
    "opensmtpd-domain": f"{OPENSMTPD} Domain does not exist\n",
    "exchange-2003": f"{EXCHANGE}{READER} on Thu, 29 Apr 2027 16:51 -0500\n    The recipient name is not recognized\n",
    "domino": f"{DOMINO}  User reader ({READER}) not listed in Domino Directory\n",
    "domino-french": f"{DOMINO}  Utilisateur reader ({READER}) non recensé dans l'annuaire Domino\n",
    "domino-japanese": f"{DOMINO}  ユーザー reader ({READER}) は Domino ディレクトリには見つかりません\n",
    "notes": f"------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n{READER}\n",
    "imail": f"Unknown user: {READER}\n\nOriginal message follows.\n\n",
    "imail-host": f"Unknown host: {READER}\n\nOriginal message follows.\n\n",
    "groupwise": f"The message that you sent was undeliverable to the following:\n\t{READER} (user not found)\n",
    "sendmail-host": f"{SENDMAIL}550 5.1.2 <{READER}>... Host unknown (Name server: inbox.example.: host not found)\n",
    "bracketed": f"---The following addresses had delivery errors---\n\n{READER} [User unknown]\n",
    "star": f"Delivery to the following recipients failed:\n\n  * {READER}\n\nSMTP:RCPT host mx: 550 No such user\n",
    "rejected-recipient": f"1 error(s):\n\nServer <mx> rejected recipient <{READER}>\n  It said: [550 5.1.1 no user]\n",
    "interscan": f"送信 >>> RCPT TO:<{READER}>\n受信 <<< 550 5.1.1 <{READER}>\n<{READER}> に配信できません。\n",
    "marshal": f"Could not be delivered because of\n\n550 5.1.1 User unknown\n\n"
    f"The following recipients were affected:\n    {READER}\n",
    "sun": f"Your message cannot be delivered to these recipients:\n\n"
    f"  Recipient address: {READER}\n  Reason: unknown user\n",
    "kddi": f"Your mail sent on: Thu, 29 Apr 2027\n"
    f"    Could not be delivered to: <{READER}>\n    As the remote domain doesnt exist.\n",
    "yahoo": f"<{READER}>:\nRemote host said:\n554 delivery error: dd This user doesn't have a inbox.example account\n",
    "smail": f"|---- Failed addresses follow: ----|\n <{READER}> ... unknown host\n|---- Message text follows: ----|\n",
    "netease": f"抱歉，您的邮件被退回来了\n收件人邮件地址：{READER}\n退信原因：收件人邮箱不存在\n",
    "exchange-german": f"Fehler bei der Nachrichtenzustellung an folgende Empfänger:\n\n"
    f"{READER}\nDie Adresse wurde nicht gefunden.\n",
    "exchange-italian": f"Recapito non riuscito per i seguenti destinatari:\n\n{READER}\n"
    f"Impossibile trovare l'indirizzo di posta\n",
}  # fmt: skip
SOFT = {
    "exim-data": f"{EXIM}{EXIM_AFTER} end of data:\n    host mx [192.0.2.1]: 550 unknown user\n",
    "exim-sender": f"{EXIM}{EXIM_AFTER} MAIL FROM:<b@bounces.vigie.example>:\n    host mx: 550 unknown user\n",
    "exim-retry": f"{EXIM}  {READER}\n    retry timeout exceeded\n",
    "exim-full": f"{EXIM}  {READER}\n    mailbox is full: retry timeout exceeded\n",
    "exim-loop": f'{EXIM}  {READER}\n    Too many "Received" headers - suspected mail loop\n',
    "qmail-relay": f"{QMAIL}<{READER}>:\n192.0.2.1 does not like recipient.\n"
    f"Remote host said: 553 not in my rcpthosts (#5.7.1)\n",
    "qmail-greeting": f"{QMAIL}<{READER}>:\nConnected to 192.0.2.1 but greeting failed.\n"
    f"Remote host said: 550 blocked\n",
    "qmail-queue": f"{QMAIL}<{READER}>:\nI'm not going to try again; this message has been in the queue too long.\n",
    "postfix-timeout": f"{POSTFIX} connect to mx.inbox.example[192.0.2.1]:25: Connection timed out\n",
    "postfix-again": f"{POSTFIX} Host or domain name not found. Name service error: Host not found, try again\n",
    "postfix-tls": f"{POSTFIX} TLS is required, but was not offered by host mx.inbox.example\n",
    "postfix-quota": f"{POSTFIX} maildir delivery failed: error writing message: Disk quota exceeded\n",
    "gmail-full": f"{GMAIL}The email account that you tried to reach is over quota.\n",
    "gmail-refused": f"{GMAIL}The recipient server did not accept our requests to connect.\n",
    "opensmtpd-expired": f"{OPENSMTPD} Envelope expired\n",
    "exchange-full": f"{EXCHANGE}{READER} on Thu, 29 Apr 2027 16:51 -0500\n    The recipient's mailbox is full.\n",
    "domino-several": f"{DOMINO}  Several matches found in Domino Directory\n",
    "imail-full": f"User mailbox exceeds allowed size: {READER}\n\nOriginal message follows.\n\n",
    "imail-attempts": f"Delivery failed 20 attempts: {READER}\n\nOriginal message follows.\n\n",
    "sendmail-deferred": f"{SENDMAIL}<{READER}>... Deferred: Connection refused\n"
    f"Message could not be delivered for 5 days\n",
    "kddi-full": f"Your mail sent on: Thu, 29 Apr 2027\n"
    f"    Could not be delivered to: <{READER}>\n    As their mailbox is full.\n",
    "disabled": f"The user(s) account is disabled.\n\n<{READER}>: 550 user unknown (in reply to RCPT TO command)\n",
    "zoho": f"[Status: Error, Address: <{READER}>, ResponseCode 421, , Host not reachable.]\n",
    "tencent": f"您的邮件无法发送到{READER}。\n退信原因：收件人邮箱已满\n",
}  # fmt: skip


@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
@pytest.mark.parametrize("returned", ["", HEADER], ids=["bare", "with-header"])
def test_a_server_s_form_of_a_dead_address_is_read(text: str, returned: str) -> None:
    mail = letter(text + returned, subject="Mail delivery failed")
    assert verdicts(read_report(mail)) == {READER: "hard"}


@pytest.mark.parametrize("text", SOFT.values(), ids=SOFT.keys())
@pytest.mark.parametrize("returned", ["", HEADER], ids=["bare", "with-header"])
def test_a_server_s_form_of_anything_else_is_soft(text: str, returned: str) -> None:
    mail = letter(text + returned, subject="Mail delivery failed")
    assert verdicts(read_report(mail)) == {READER: "soft"}


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp"])
def test_a_japanese_bounce_is_read_in_its_charset(charset: str) -> None:
    text = f"メールを配信できませんでした。\n\n<{READER}>:\n宛先のアドレスが見つかりません\n"
    mail = letter("").replace(b"charset=utf-8", f"charset={charset}".encode()) + text.encode(charset)
    assert verdicts(read_report(mail)) == {READER: "hard"}


@pytest.mark.parametrize(
    ("named", "charset", "said"),
    [
        ("us-ascii", "iso-2022-jp", "宛先不明"),
        ("gb2312", "gb18030", "收件人地址不存在"),
        ("iso-8859-1", "cp1252", "L’adresse n’existe plus"),
        ("x-unheard-of", "utf-8", "Адрес не существует"),
        ("us-ascii", "latin-1", "L'adresse est désactivée: destinataire inconnu à cette adresse"),
    ],
)
def test_a_charset_that_is_named_wrongly_is_guessed(named: str, charset: str, said: str) -> None:
    mail = letter("").replace(b"charset=utf-8", f"charset={named}".encode())
    mail += f"Undeliverable.\n\n<{READER}>:\n{said}\n".encode(charset)
    (finding,) = read_report(mail).findings
    assert finding.diagnostic.endswith(said)


def test_a_gateway_that_is_no_daemon_is_known_by_what_it_writes() -> None:
    text = f"--- The following addresses had delivery problems ---\n\n<{READER}>   (User unknown)\n\n"
    gateway = letter(text, sender="Gateway <gw@mx.example>", subject="Undelivered mail")
    assert verdicts(read_report(gateway)) == {READER: "hard"}
    forwarded = letter(text, sender="Anna <anna@paper.example>", subject="Fwd: Undelivered mail")
    assert read_report(forwarded).verdict == "not-a-bounce"


def test_a_list_that_refuses_a_mail_is_soft() -> None:
    text = "You are not a member of this mailing list <list@paper.example>.\n\nWrite to list-ctl@paper.example.\n"
    mail = letter(text, sender="list-admin@paper.example", subject="You are not member", header="X-MLServer: fml\n")
    assert verdicts(read_report(mail)) == {"list@paper.example": "soft"}
