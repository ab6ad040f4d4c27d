"""What mail servers say to people, by family and language, and which of it ends a subscription."""

import pytest

from app.mail.meanings import Meaning
from app.mail.reports.patterns import plain_words_of
from app.mail.reports.reading import read_report
from app.mail.transport import Fault
from tests.mail.reports.mails import READER, letter, verdicts

DEAD = [
    "The recipient name is not recognized",
    "Mailbox not found",
    "There is no user by that name here",
    "Recipient not listed in the company directory",
    "This is not a known user at this site",
    "No mailbox with this address exists: the mailbox does not exist",
    "The email address you entered couldn't be found",
    "You sent to an invalid mailbox",
    "reader wasn't found at inbox.example",
    "Nobody here: non-existent user",
    "L'adresse de messagerie que vous avez saisie est introuvable",
    "L’adresse du destinataire n’existe plus",
    "Utilisateur non recensé dans l'annuaire",
    "Aucun utilisateur de ce nom",
    "Impossible de trouver l'adresse du destinataire",
    "Votre correspondant a une adresse invalide",
    "Die Mailbox existiert nicht",
    "Der Empfaenger wurde nicht gefunden",
    "Benutzer ist nicht im Verzeichnis aufgeführt",
    "Ungültiger Empfänger",
    "No se encontró la dirección de correo",
    "Usuario desconocido en este servidor",
    "El buzón no existe",
    "Impossibile trovare l'indirizzo di posta",
    "Utente sconosciuto",
    "La casella non esiste",
    "O endereço de e-mail não foi encontrado",
    "Usuário inexistente",
    "Het e-mailadres is niet gevonden",
    "Onbekende gebruiker",
    "Mottagaren hittades inte: okänd mottagare",
    "Ukendt modtager",
    "Tuntematon vastaanottaja",
    "Użytkownik nie istnieje",
    "Neznámý uživatel",
    "A címzett nem található",
    "Utilizatorul nu există",
    "Kullanıcı bulunamadı",
    "Почтовый ящик не существует",
    "Пользователь не найден",
    "Нет такого пользователя",
    "Користувача не знайдено: користувач невідомий",
    "Ο χρήστης δεν υπάρχει",
    "宛先アドレスが見つかりません",
    "ユーザーは Domino ディレクトリには見つかりません",
    "該当するユーザーは存在しません",
    "ﾕｰｻﾞｰが存在しません",
    "收件人邮箱不存在",
    "查無此帳號",
    "找不到该用户",
    "수신자의 메일 주소가 존재하지 않습니다",
]
DEAD_DOMAINS = [
    "DNS Error: Domain name not found",
    "Host or domain name not found. Name service error: Host not found",
    "all host address lookups failed permanently",
    "all relevant MX records point to non-existent hosts",
    "an MX or SRV record indicated no SMTP service",
    "Domain paper.example does not accept mail (nullMX)",
    "The remote domain doesnt exist",
    "No MX record found for domain=paper.example",
    "Name or service not known",
    "Le nom de domaine du destinataire est inexistant",
    "Die Domain paper.example existiert nicht",
    "El dominio no existe",
    "Домен получателя не существует",
    "宛先のドメインが存在しません",
    "域名不存在",
]
ALIVE = {
    Meaning.MAILBOX_FULL: [
        "The user's inbox is full",
        "The number of messages in the recipient's mailbox exceeded the local limit",
        "maildir delivery failed: Disk quota exceeded",
        "User mailbox exceeds allowed size",
        "insufficient system storage",
        "La boîte aux lettres du destinataire est saturée",
        "Boite du destinataire pleine",
        "L'espace disque alloué est dépassé",
        "Das Postfach des Empfängers ist überfüllt",
        "Speicherplatz erschöpft",
        "La bandeja del destinatario está llena",
        "La casella di posta è piena",
        "A caixa postal do destinatário está cheia",
        "Het postvak van de ontvanger zit vol",
        "Skrzynka odbiorcy jest przepełniona",
        "Почтовый ящик переполнен",
        "メールボックスの容量を超えています",
        "收件人邮箱空间不足",
        "메일함 용량 초과",
    ],
    Meaning.MAILBOX_DISABLED: [
        "The user(s) account is temporarily limited",
        "Mailaddress is administratively disabled",
        "This mailbox is frozen",
        "Archived recipient",
        "The account has been closed",
        "Le compte du destinataire est bloqué",
        "Boîte archivée",
        "Das Konto ist deaktiviert",
        "La cuenta está deshabilitada",
        "L'account è stato disattivato",
        "A conta foi bloqueada",
        "Ящик заблокирован",
        "アカウントは凍結されています",
        "该账号已停用",
    ],
}
REFUSED = [
    "Your mail was rejected as spam",
    "Listed on a blocklist",
    "Access is denied",
    "The message is too large",
    "A virus was found in the message",
    "The message failed DMARC",
    "The server is greylisting you",
    "Relay is not permitted",
    "Message refusé : courrier indésirable",
    "La taille maximale est atteinte",
    "Die Nachricht wurde abgelehnt",
    "Mensaje rechazado por el sistema",
    "Il messaggio è stato respinto",
    "Mensagem recusada",
    "Письмо отклонено: спам",
    "受信拒否されました",
    "邮件被拒收",
]
UNEXPLAINED = [
    "Connection timed out",
    "The message could not be delivered for 5 days",
    "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)",
    "Host not found, try again",
    "Too many hops: mail loops back to myself",
    "unknown mailer error 1",
    "Retry timeout exceeded",
    "The group may not exist, or you may not post to it",
    "The recipient's address might not exist",
    "Le serveur distant ne répond pas",
    "Die Verbindung wurde unterbrochen",
    "接続がタイムアウトしました",
]


def told(said: str) -> bytes:
    """A bounce that says something of one reader."""
    return letter(f"Your message could not be delivered.\n\n<{READER}>:\n{said}\n")


@pytest.mark.parametrize("said", [*DEAD, *DEAD_DOMAINS])
def test_what_is_dead_is_recognised_in_many_languages(said: str) -> None:
    assert verdicts(read_report(told(said))) == {READER: "hard"}


@pytest.mark.parametrize("said", REFUSED)
def test_what_a_policy_refuses_is_recognised_in_many_languages(said: str) -> None:
    (finding,) = read_report(told(said)).findings
    assert finding.meaning is not None
    assert finding.meaning is not Meaning.UNEXPLAINED
    assert (finding.verdict, finding.meaning.fault in {Fault.SENDER, Fault.CONTENT}) == ("soft", True)


@pytest.mark.parametrize(("meaning", "said"), [(meaning, said) for meaning in ALIVE for said in ALIVE[meaning]])
def test_what_may_live_is_recognised_in_many_languages(meaning: Meaning, said: str) -> None:
    (finding,) = read_report(told(said)).findings
    assert (finding.verdict, finding.meaning) == ("soft", meaning)


@pytest.mark.parametrize("said", UNEXPLAINED)
def test_what_says_nothing_of_a_mailbox_is_soft(said: str) -> None:
    assert verdicts(read_report(told(said))) == {READER: "soft"}


@pytest.mark.parametrize("dead", ["User unknown", "Utilisateur inconnu", "Benutzer unbekannt"])
@pytest.mark.parametrize("alive", ["The mailbox is full", "Le quota est dépassé", "The account is disabled"])
def test_what_may_live_counts_before_what_is_dead(dead: str, alive: str) -> None:
    mail = letter(f"{alive}.\n\n<{READER}>: 550 {dead} (in reply to RCPT TO command)\n", subject="Undeliverable")
    assert verdicts(read_report(mail)) == {READER: "soft"}


def test_a_moved_mailbox_counts_where_the_server_says_so_to_the_recipient() -> None:
    said = "host mx.example said: 551 The user has moved to elsewhere.example (in reply to RCPT TO command)"
    assert verdicts(read_report(told(said))) == {READER: "soft"}
    said = said.replace("551", "550")
    assert verdicts(read_report(told(said))) == {READER: "hard"}


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Boîte PLEINE", "boite pleine"),
        ("Boi\u0302te pleine", "boite pleine"),
        ("Größe, Łódź, İş", "grosse, lodz, is"),
        ("ﾒｰﾙ", "メール"),
        ("Ｕｓｅｒ　ｕｎｋｎｏｗｎ", "user unknown"),
        ("收件人quota@inbox.example不存在", "收件人 不存在"),
        ("<spam@inbox.example>: l’adresse", ": l'adresse"),
        ("не найден", "не найден"),
    ],
)
def test_texts_are_compared_without_accents_widths_and_addresses(written: str, compared: str) -> None:
    assert plain_words_of(written).replace("< ", "").replace("> ", "").replace(">", "") == compared
