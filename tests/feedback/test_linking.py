"""From the bytes of a mail to what follows: linked by a seal of ours, by nothing else."""

import pytest
from sqlalchemy import select

from app.feedback.intake import Intake, Taken, make_intake
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.mail.envelope import Envelope
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus, SuppressionReason
from tests.conftest import NOW
from tests.feedback.house import reader_with_copy, subscription_of, suppression_of
from tests.feedback.mails import arf, dsn, reply


@pytest.fixture
def intake(product: Product) -> Intake:
    return make_intake(product)


def take(intake: Intake, data: bytes, *recipients: str) -> Taken:
    return intake.take(data, recipients=recipients, at=NOW, now=NOW)


def reason(product: Product) -> SuppressionReason | None:
    with product.database.reading() as session:
        found = suppression_of(session)
        return found.reason if found else None


@pytest.mark.parametrize("way", ["rcpt", "to", "envid", "return-path", "message-id"])
def test_each_seal_links_a_report_to_its_copy(product: Product, intake: Intake, way: str) -> None:
    copy = reader_with_copy(product)
    bounce, message_id = intake.envelope.bounce_address(copy), intake.envelope.message_id(copy)
    mails = {
        "rcpt": (dsn(), bounce), "to": (dsn(to=bounce.upper()),), "envid": (dsn(envid=message_id),),
        "return-path": (dsn(return_path=bounce),), "message-id": (dsn(message_id=message_id),),
    }  # fmt: skip
    assert take(intake, *mails[way]) is Taken.NEW
    assert take(intake, *mails[way]) is Taken.REPEATED
    assert reason(product) is SuppressionReason.HARD_BOUNCE


@pytest.mark.parametrize("seal", ["none", "of a message", "of another key", "cut short"])
def test_a_forged_report_changes_nothing(product: Product, intake: Intake, seal: str) -> None:
    copy = reader_with_copy(product)
    ours = intake.envelope
    stranger = Envelope(("z" * 40,), ours.sender_domain, ours.bounce_domain)
    in_place = ours.message_id(copy).strip("<>").partition("@")[0]
    forged = {
        "none": "alice@reader.example",
        "of a message": f"b-{in_place}@{ours.bounce_domain}",
        "of another key": stranger.bounce_address(copy),
        "cut short": ours.bounce_address(copy).replace("@", "0@"),
    }[seal]
    for data in (dsn(to=forged), arf(mail_from=forged)):
        assert take(intake, data, forged) is Taken.UNLINKED
    assert reason(product) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (dsn(action="delayed", status="4.4.1"), Taken.NO_REPORT),
        (dsn(status="5.7.1", said="550 5.7.1 Blocked, see https://postmaster.example"), Taken.NEW),
        (dsn(status="5.2.2", said="552 5.2.2 Mailbox full"), Taken.NEW),
        (arf(kind="not-spam"), Taken.NEW),
        (reply(to="lettre@newsletter.example"), Taken.NO_REPORT),
    ],
)
def test_a_delay_a_block_or_a_full_mailbox_costs_no_subscription(
    product: Product, intake: Intake, data: bytes, expected: Taken
) -> None:
    copy = reader_with_copy(product)
    assert take(intake, data, intake.envelope.bounce_address(copy)) is expected
    assert reason(product) is None


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        ("5.0.0", "550 Requested action not taken", NoticeKind.SOFT),
        ("4.4.2", "421 4.4.2 Service not available, closing", NoticeKind.SOFT),
        ("4.4.1", "connect: Connection timed out", NoticeKind.SOFT),
        ("5.2.2", "552 5.2.2 Mailbox full", NoticeKind.SOFT),
        ("5.7.1", "550 5.7.1 Blocked by policy", NoticeKind.SENDER_FAULT),
        ("5.7.1", "554 5.7.1 Message rejected as spam", NoticeKind.SENDER_FAULT),
        ("5.7.1", "554 5.7.1 Relay access denied", NoticeKind.SENDER_FAULT),
    ],
)
def test_what_is_unclear_or_out_of_reach_is_soft_and_only_what_is_ours_is_not(
    product: Product, intake: Intake, status: str, said: str, kind: NoticeKind
) -> None:
    copy = reader_with_copy(product)
    take(intake, dsn(status=status, said=said), intake.envelope.bounce_address(copy))
    with product.database.reading() as session:
        assert session.scalars(select(FeedbackEvent.kind)).all() == [kind]


def test_a_complaint_is_known_by_the_mail_it_returns(product: Product, intake: Intake) -> None:
    copy = reader_with_copy(product)
    assert take(intake, arf(message_id=intake.envelope.message_id(copy)), "fbl@newsletter.example") is Taken.NEW
    assert reason(product) is SuppressionReason.COMPLAINT
    with product.database.reading() as session:
        assert subscription_of(session).status is SubscriptionStatus.UNSUBSCRIBED
