"""Mail that waits: whatever a server says of it meanwhile, and in whatever language, no subscription ends."""

import pytest

from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, letter, verdicts

#: Each says as well why it waits, in words that would end a subscription if they were the last.
WAITING = [
    ("Delayed Mail", f"Your message to {READER} has not been delivered yet: unknown user. We'll keep trying."),
    ("Mail warning", f"Delivery to {READER} will be attempted until 5 days have passed. Unknown user."),
    ("Remise retardée", f"{READER} : destinataire inconnu. D'autres tentatives seront effectuées pendant 5 jours."),
    ("Avertissement", f"Votre message à {READER} n'a pas encore été remis. Nous continuerons d'essayer. Hôte inconnu."),
    ("Warnung", f"Dies ist nur eine Warnung: {READER}, unbekannter Empfänger. Es folgen weitere Zustellversuche."),
    ("Verzögert", f"Ihre Nachricht an {READER} konnte noch nicht zugestellt werden. Benutzer unbekannt."),
    ("Aviso", f"El mensaje para {READER} no se ha entregado aún. Se reintentará. Usuario desconocido."),
    ("Avviso", f"La consegna a {READER} è in ritardo; altri tentativi seguiranno. Utente sconosciuto."),
    ("Aviso", f"A entrega para {READER} está atrasada. O servidor continuará tentando. Usuário desconhecido."),
    ("Waarschuwing", f"De bezorging aan {READER} is vertraagd. Onbekende gebruiker."),
    ("Opóźnienie", f"Serwer będzie ponawiał próby dostarczenia do {READER}. Nieznany użytkownik."),
    ("Fördröjd leverans", f"Meddelandet till {READER} har inte levererats ännu. Okänd mottagare."),
    ("Предупреждение", f"Письмо пока не доставлено {READER}. Попытки будут продолжены. Пользователь не найден."),
    ("配送遅延通知", f"以下の宛先にはまだ配送できていません。\n\n{READER}\n宛先が見つかりません"),
    ("投递延迟", f"发送给{READER}的邮件暂未送达，系统将继续投递。用户不存在"),
]  # fmt: skip
#: What no family knows for a delay, and what yet speaks of one.
MAY_WAIT = [
    ("En file d'attente", f"Le message pour {READER} est en attente. Hôte inconnu."),
    ("Warteschlange", f"Die Nachricht an {READER} liegt in der Warteschlange, nicht zugestellt. Unbekannter Host."),
    ("Pendiente", f"El mensaje para {READER}, no entregado, sigue en cola. El dominio no existe."),
    ("Queued", f"Not delivered to {READER} so far. Unknown user."),
]
GIVEN_UP = [
    f"Your mail to {READER} could not be delivered. It will not be retried. User unknown.",
    f"Message non remis à {READER}. Aucune nouvelle tentative ne sera effectuée. Utilisateur inconnu.",
    f"Nicht zugestellt an {READER}. Es werden keine weiteren Zustellversuche unternommen. Benutzer unbekannt.",
    f"El mensaje a {READER} no pudo ser entregado. No se realizarán más intentos. Usuario desconocido.",
    f"Impossibile consegnare a {READER}. Non verranno effettuati altri tentativi. Utente sconosciuto.",
    f"A mensagem para {READER} não foi entregue. Não haverá novas tentativas. Usuário desconhecido.",
    f"Письмо не доставлено {READER}. Повторные попытки предприниматься не будут. Пользователь не найден.",
    f"邮件无法投递：{READER}，系统将不再重试。用户不存在",
]


@pytest.mark.parametrize(("subject", "text"), WAITING)
def test_a_delay_tells_nothing_against_an_address(subject: str, text: str) -> None:
    report = read_report(letter(text, subject=subject, header="Auto-Submitted: auto-replied\r\n"))
    assert verdicts(report) == {READER: "soft"}
    assert not report.findings[0].is_final


@pytest.mark.parametrize(("subject", "text"), MAY_WAIT)
def test_words_of_a_mail_that_may_wait_are_never_hard(subject: str, text: str) -> None:
    assert verdicts(read_report(letter(text, subject=subject))) == {READER: "soft"}
    replied = f"{text}\n\nThe server said: 550 5.1.1 User unknown (in reply to RCPT TO command)"
    assert verdicts(read_report(letter(replied, subject=subject))) == {READER: "hard"}


@pytest.mark.parametrize("text", GIVEN_UP)
def test_a_server_that_says_it_tries_no_more_is_believed(text: str) -> None:
    report = read_report(letter(text, subject="Undeliverable"))
    assert verdicts(report) == {READER: "hard"}
