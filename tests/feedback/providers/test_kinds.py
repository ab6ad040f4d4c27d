"""Which event is what: only a dead address is hard, and the reader's own server has the last word."""

from collections.abc import Mapping

import pytest

from app.feedback.hooks import hear
from app.feedback.notices import NoticeKind
from app.feedback.providers.hook import Provider
from tests.conftest import NOW
from tests.feedback.providers.signing import signed

HARD, SOFT, FAULT = NoticeKind.HARD, NoticeKind.SOFT, NoticeKind.SENDER_FAULT
COMPLAINT, LEAVE, DELIVERED = NoticeKind.COMPLAINT, NoticeKind.LEAVE, NoticeKind.DELIVERED
DEAD, FULL, POLICY = "550 5.1.1 user unknown", "552 5.2.2 mailbox full", "550 5.7.1 blocked by policy"
VAGUE, GREY = "550 Requested action not taken", "450 4.7.1 greylisted, try again later"


def ses_bounce(type_: str, subtype: str = "General", said: str = "") -> object:
    recipient = {"emailAddress": "a@reader.example", "diagnosticCode": f"smtp; {said}" if said else None}
    bounce = {"bounceType": type_, "bounceSubType": subtype, "bouncedRecipients": [recipient]}
    return {"notificationType": "Bounce", "bounce": bounce}


def ses_complaint(feedback: str, subtype: str | None = None) -> object:
    told = {"complaintFeedbackType": feedback, "complaintSubType": subtype}
    return {"eventType": "Complaint", "complaint": {**told, "complainedRecipients": [{"emailAddress": "a"}]}}


def ses_choice(leaves: object) -> object:
    choice = {"newTopicPreferences": {"unsubscribeAll": leaves}}
    return {"eventType": "Subscription", "subscription": choice, "mail": {"destination": ["a@reader.example"]}}


def mailgun(severity: str, reason: str = "bounce", code: object = None, said: str = "") -> object:
    status = {"code": code, "message": said}
    return {"event": "failed", "severity": severity, "reason": reason, "delivery-status": status}


def sendgrid(event: str, **more: str) -> object:
    return [{"event": event, "email": "a@reader.example", **more}]


def postmark(type_: str, said: str = "") -> object:
    return {"RecordType": "Bounce", "Type": type_, "Details": said, "ID": 7, "Email": "a@reader.example"}


def postmark_choice(reason: str, origin: str = "Recipient", suppress: object = True) -> object:
    choice = {"SuppressionReason": reason, "Origin": origin, "SuppressSending": suppress}
    return {"RecordType": "SubscriptionChange", "Recipient": "a@reader.example", **choice}


def brevo(event: str, said: str = "") -> object:
    return {"event": event, "reason": said, "email": "a@reader.example"}


def mailjet(event: str, error: str = "", related: str = "recipient", said: str = "", hard: object = True) -> object:
    return {"event": event, "error": error, "error_related_to": related, "comment": said, "hard_bounce": hard}


KINDS = [
    ("ses", ses_bounce("Permanent"), HARD),
    ("ses", ses_bounce("Permanent", "NoEmail", DEAD), HARD),
    ("ses", ses_bounce("Permanent", said=FULL), SOFT),
    ("ses", ses_bounce("Permanent", said=POLICY), FAULT),
    ("ses", ses_bounce("Permanent", said=VAGUE), HARD),
    ("ses", ses_bounce("Permanent", said="450 Requested action not taken"), SOFT),
    ("ses", ses_bounce("Permanent", "OnAccountSuppressionList"), SOFT),
    ("ses", ses_bounce("Permanent", "OnTenantSuppressionList"), SOFT),
    ("ses", ses_bounce("Permanent", "Suppressed", DEAD), SOFT),
    ("ses", ses_bounce("Permanent", "EmailValidationSuppressed"), SOFT),
    ("ses", ses_bounce("Permanent", "UnsubscribedRecipient"), LEAVE),
    ("ses", ses_bounce("Transient", "MailboxFull"), SOFT),
    ("ses", ses_bounce("Transient", said=DEAD), SOFT),
    ("ses", ses_bounce("Undetermined", "Undetermined"), SOFT),
    ("ses", ses_bounce(""), SOFT),
    ("ses", ses_complaint("abuse"), COMPLAINT),
    ("ses", ses_complaint(""), COMPLAINT),
    ("ses", ses_complaint("", "OnAccountSuppressionList"), SOFT),
    ("ses", ses_complaint("not-spam"), NoticeKind.NOT_SPAM),
    ("ses", ses_choice(True), LEAVE),
    ("ses", ses_choice("true"), NoticeKind.UNKNOWN),
    ("ses", {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": [{"emailAddress": "a"}]}}, SOFT),
    ("ses", {"eventType": "Reject", "mail": {"destination": ["a@reader.example"]}}, FAULT),
    ("ses", {"eventType": "Shredded"}, NoticeKind.UNKNOWN),
    ("mailgun", mailgun("permanent", code=550, said="No such user"), HARD),
    ("mailgun", mailgun("permanent", code="550", said="5.7.1 blocked by policy"), FAULT),
    ("mailgun", mailgun("permanent", code=552, said="5.2.2 mailbox full"), SOFT),
    ("mailgun", mailgun("permanent", "suppress-bounce", 605, "Not delivering to previously bounced address"), SOFT),
    ("mailgun", mailgun("permanent", "suppress-complaint", 607), COMPLAINT),
    ("mailgun", mailgun("permanent", "suppress-unsubscribe", 606), LEAVE),
    ("mailgun", mailgun("permanent", "espblock", 550, "no"), FAULT),
    ("mailgun", mailgun("permanent", "old", 602, "Too old"), SOFT),
    ("mailgun", mailgun("temporary", code=550, said="5.1.1 user unknown"), SOFT),
    ("mailgun", mailgun("temporary", "greylisted", 450, "Greylisted"), SOFT),
    ("mailgun", {"event": "failed"}, SOFT),
    ("mailgun", {"event": "complained"}, COMPLAINT),
    ("mailgun", {"event": "shredded"}, NoticeKind.UNKNOWN),
    ("sendgrid", sendgrid("bounce", type="bounce", reason=DEAD), HARD),
    ("sendgrid", sendgrid("bounce", type="bounce", reason=DEAD, bounce_classification="Invalid Address"), HARD),
    ("sendgrid", sendgrid("bounce", type="bounce", bounce_classification="Reputation"), FAULT),
    ("sendgrid", sendgrid("bounce", type="bounce", bounce_classification="Mailbox Unavailable"), SOFT),
    ("sendgrid", sendgrid("bounce", type="bounce", reason=FULL), SOFT),
    ("sendgrid", sendgrid("bounce", type="bounce", status="5.7.1"), FAULT),
    ("sendgrid", sendgrid("bounce", type="bounce", status="5.1.1"), HARD),
    ("sendgrid", sendgrid("bounce", type="blocked", reason=DEAD), SOFT),
    ("sendgrid", sendgrid("bounce", type="blocked", reason=POLICY), FAULT),
    ("sendgrid", sendgrid("dropped", reason="Bounced Address"), SOFT),
    ("sendgrid", sendgrid("dropped", reason="Spam Reporting Address"), COMPLAINT),
    ("sendgrid", sendgrid("dropped", reason="Spam Content"), FAULT),
    ("sendgrid", sendgrid("deferred", response=GREY), SOFT),
    ("sendgrid", sendgrid("spamreport"), COMPLAINT),
    ("sendgrid", sendgrid("group_unsubscribe"), LEAVE),
    ("sendgrid", sendgrid("account_status_change"), NoticeKind.UNKNOWN),
    ("postmark", postmark("HardBounce", f"smtp;{DEAD}"), HARD),
    ("postmark", postmark("HardBounce", f"smtp;{FULL}"), SOFT),
    ("postmark", postmark("BadEmailAddress"), HARD),
    ("postmark", postmark("Transient", GREY), SOFT),
    ("postmark", postmark("DnsError"), SOFT),
    ("postmark", postmark("SpamNotification"), FAULT),
    ("postmark", postmark("Blocked"), FAULT),
    ("postmark", postmark("DMARCPolicy"), FAULT),
    ("postmark", postmark("Mystery"), NoticeKind.UNKNOWN),
    ("postmark", {"RecordType": "SpamComplaint"}, COMPLAINT),
    ("postmark", postmark_choice("ManualSuppression"), LEAVE),
    ("postmark", postmark_choice("SpamComplaint"), COMPLAINT),
    ("postmark", postmark_choice("HardBounce"), SOFT),
    ("brevo", brevo("hard_bounce", DEAD), HARD),
    ("brevo", brevo("hard_bounce", POLICY), FAULT),
    ("brevo", brevo("soft_bounce", DEAD), SOFT),
    ("brevo", brevo("blocked"), SOFT),
    ("brevo", brevo("unsubscribed"), LEAVE),
    ("brevo", brevo("listAddition"), NoticeKind.UNKNOWN),
    ("mailjet", mailjet("bounce", "user unknown"), HARD),
    ("mailjet", mailjet("bounce", "user unknown", said=FULL), SOFT),
    ("mailjet", mailjet("bounce", "user unknown", hard=False), SOFT),
    ("mailjet", mailjet("bounce", "quota exceeded"), SOFT),
    ("mailjet", mailjet("bounce", "mailbox inactive"), SOFT),
    ("mailjet", mailjet("bounce", "policy issue", "spam"), FAULT),
    ("mailjet", mailjet("blocked", "user unknown"), SOFT),
    ("mailjet", mailjet("blocked", "preblocked", "mailjet"), SOFT),
    ("mailjet", {"event": "unsub"}, LEAVE),
]  # fmt: skip

SILENT = [
    *[("ses", {"eventType": event}) for event in ("Send", "Open", "Click")],
    *[("mailgun", {"event": event}) for event in ("accepted", "opened", "clicked")],
    *[("sendgrid", sendgrid(event)) for event in ("processed", "open", "click", "group_resubscribe")],
    *[("postmark", {"RecordType": record}) for record in ("Open", "Click", "Inbound")],
    *[("postmark", postmark(type_)) for type_ in ("AutoResponder", "Subscribe", "ChallengeVerification")],
    ("postmark", postmark_choice("ManualSuppression", "Customer")),
    ("postmark", postmark_choice("ManualSuppression", suppress=False)),
    *[("brevo", brevo(event)) for event in ("request", "click", "opened", "unique_proxy_open")],
    *[("mailjet", {"event": event}) for event in ("open", "click")],
]


@pytest.mark.parametrize(("name", "report", "kind"), KINDS)
def test_an_event_is_what_it_proves(
    providers: Mapping[str, Provider], name: str, report: object, kind: NoticeKind
) -> None:
    [notice] = hear(providers[name], signed(name, report), now=NOW)
    assert notice.kind is kind


@pytest.mark.parametrize(("name", "report"), SILENT)
def test_what_readers_do_with_a_letter_is_not_kept(
    providers: Mapping[str, Provider], name: str, report: object
) -> None:
    assert hear(providers[name], signed(name, report), now=NOW) == []


def test_what_is_unknown_concerns_nobody(providers: Mapping[str, Provider]) -> None:
    for name, report in (("mailgun", {"event": "shredded", "recipient": "a@reader.example"}), ("brevo", brevo("new"))):
        [notice] = hear(providers[name], signed(name, report), now=NOW)
        assert (notice.kind, notice.recipient, notice.delivery_id) == (NoticeKind.UNKNOWN, None, None)


def test_the_words_of_the_server_are_kept(providers: Mapping[str, Provider]) -> None:
    [notice] = hear(providers["ses"], signed("ses", ses_bounce("Permanent", said=DEAD)), now=NOW)
    assert (notice.status, notice.diagnostic) == ("5.1.1", f"smtp; {DEAD}")
    [notice] = hear(providers["brevo"], signed("brevo", brevo("hard_bounce", "550 \x00\ud800" + "x" * 900)), now=NOW)
    assert len(notice.diagnostic) == 500
    assert notice.diagnostic.startswith("550 \\x00\\ud800xxx")
