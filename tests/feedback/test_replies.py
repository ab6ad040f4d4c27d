"""Leaving by mail, and what readers write back."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from app.delivery.claims import claim
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.feedback import replies
from app.feedback.intake import Intake, Taken, make_intake
from app.feedback.models import Reply
from app.feedback.passing_on import reply_letters
from app.feedback.replies import REPLY, purge_replies, says_leave
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.address_change import ADDRESS_CHANGE, AddressChange, request_address_change
from app.subscriptions.rights.data_link import DATA_LINK, request_own_data_link
from tests import make
from tests.conftest import NOW
from tests.feedback.house import reader_with_copy, subscription_of
from tests.feedback.mails import reply

QUOTED = "Désabonner\n\n-- \nAlice Martin\n06 00 00 00 00\n"
ANSWERED = "STOP, merci.\n\nLe mar. 17 mars 2026 à 10:00, Vigie <lettre@newsletter.example> a écrit :\n> La lettre\n"
OUTLOOK = "Remove me please!\n\n________________________________\nFrom: Vigie\nSubject: La lettre\n"


@pytest.fixture
def intake(product: Product) -> Intake:
    return make_intake(product)


def take(intake: Intake, data: bytes) -> Taken:
    return intake.take(data, at=NOW, now=NOW)


def status(product: Product) -> SubscriptionStatus:
    with product.database.reading() as session:
        return subscription_of(session).status


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("unsubscribe", ""), ("Désinscription", "Bonne continuation, et merci."), ("Re: La lettre", QUOTED),
        ("Re: La lettre", ANSWERED), ("RE : La lettre", OUTLOOK), ("Re: La lettre", "Merci de me désabonner, svp"),
    ],
)  # fmt: skip
def test_a_mail_that_says_only_that_ends_the_subscription_of_its_address(
    product: Product, intake: Intake, subject: str, body: str
) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    mail = reply(to=to, subject=subject, body=body, sender="someone.else@reader.example", more="Content-Type: text/plain; charset=utf-8\n")  # fmt: skip  # noqa: E501
    assert take(intake, mail) is Taken.LEFT
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED
    assert take(intake, mail) is Taken.REPEATED
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent.method)).one() is ConsentMethod.MAIL


def letter(product: Product, kind: str) -> int:
    """The one letter of a kind about the reader's data, which concerns no newsletter alone."""
    with product.database.reading() as session:
        of_kind = select(Delivery.id).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == kind)
        return session.scalars(of_kind).one()


def test_the_leave_address_of_a_data_link_ends_what_its_leave_link_would(product: Product, intake: Intake) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, at=NOW)
        request_own_data_link(session, subscription_public_id=subscription.public_id, language="fr", now=NOW)
    to = intake.envelope.leave_address(letter(product, DATA_LINK))
    assert take(intake, reply(to=to, subject="unsubscribe", body="")) is Taken.LEFT
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


def test_the_leave_address_of_the_letter_to_a_new_address_ends_the_change_alone(
    product: Product, intake: Intake
) -> None:
    with product.database.transaction() as session:
        request_address_change(
            session, subscriber_id=make.make_subscription(session, at=NOW).subscriber_id,
            address=parse_address("alice@elsewhere.example"), method=ConsentMethod.DATA_PAGE, now=NOW,
        )  # fmt: skip
    to = intake.envelope.leave_address(letter(product, ADDRESS_CHANGE))
    mail = reply(to=to, subject="unsubscribe", body="")
    assert [take(intake, mail), take(intake, mail)] == [Taken.LEFT, Taken.REPEATED]
    with product.database.reading() as session:
        assert not session.scalars(select(AddressChange)).one().is_open
    assert status(product) is SubscriptionStatus.CONFIRMED


@pytest.mark.parametrize("subject", ["Re: Stop", "RE : Désabonnement", "Rép : stop", "AW: Re: Stop", "Re[2]: Stop"])
@pytest.mark.parametrize(
    ("more", "body", "taken"),
    [
        ("", "Bravo pour cette enquête !", Taken.PASSED_ON), ("", "stop", Taken.LEFT),
        ("Auto-Submitted: auto-replied\n", "stop", Taken.NO_REPORT),
    ],
)  # fmt: skip
def test_an_answer_to_a_letter_about_leaving_says_so_itself_or_not_at_all(
    product: Product, intake: Intake, subject: str, more: str, body: str, taken: Taken
) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    more += "Content-Type: text/plain; charset=utf-8\n"
    assert take(intake, reply(to=to, subject=subject, body=body, more=more)) is taken


def test_the_button_of_a_mail_program_counts_though_its_mail_is_automatic(product: Product, intake: Intake) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    mail = reply(
        to=to, subject="unsubscribe", more="Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n",
        body="Apple Mail sent this email to unsubscribe from the message “unsubscribe”.",
    )  # fmt: skip
    assert take(intake, mail) is Taken.LEFT
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "text", ["Stop the presses!", "How do I unsubscribe?", "Je ne veux pas me désabonner", "", "remove the ad"]
)
def test_whoever_says_more_stays(text: str) -> None:
    assert not says_leave(text)


@pytest.mark.parametrize("address", ["from alone", "another seal", "another key"])
def test_nobody_leaves_by_an_address_that_is_not_theirs(product: Product, intake: Intake, address: str) -> None:
    copy = reader_with_copy(product)
    sealed = intake.envelope.bounce_address(copy).removeprefix("b-")
    to = {
        "from alone": "lettre@newsletter.example",
        "another seal": f"leave-{sealed}",
        "another key": intake.envelope.leave_address(copy).replace("leave-", "leave-0"),
    }[address]
    assert take(intake, reply(to=to, subject="unsubscribe")) is Taken.NO_REPORT
    assert status(product) is SubscriptionStatus.CONFIRMED


def passed_on(product: Product) -> EmailMessage:
    """The one letter that passes a mail on."""
    with product.database.transaction() as session:
        [copy] = claim(session, owner="test", kinds=[REPLY], now=NOW)
        [made] = reply_letters(product.config)[REPLY](session, [copy])
    header, body = made.write("<1@newsletter.example>", None)  # type: ignore[union-attr]
    assert not any(line.startswith(b".") for line in body.splitlines())
    return message_from_bytes(header + b"\r\n" + body, policy=policy.default)  # type: ignore[return-value]


def test_any_other_mail_goes_on_to_the_newsroom_untouched_and_once(product: Product, intake: Intake) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    mail = reply(to=to, subject="Re: =?utf-8?q?La_lettre=C2=A0:_=C3=A9t=C3=A9?=\u202e".encode().decode(), body="Bravo !\n\n> lettre\n")  # fmt: skip  # noqa: E501
    assert [take(intake, mail), take(intake, mail)] == [Taken.PASSED_ON, Taken.REPEATED]
    assert status(product) is SubscriptionStatus.CONFIRMED
    letter = passed_on(product)
    assert (letter["To"], letter["Reply-To"]) == (product.config.identity.contact, "alice@reader.example")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "Re: La lettre : été" in letter["Subject"]
    text, attached = letter.iter_parts()
    assert "Bravo !" in text.get_content()
    assert "> lettre" not in text.get_content()
    assert attached.get_payload(decode=True) == mail


def test_an_address_that_only_some_relays_take_stands_in_the_text_alone(product: Product, intake: Intake) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    assert take(intake, reply(to=to, sender="rené@reader.example")) is Taken.PASSED_ON
    letter = passed_on(product)
    assert letter["Reply-To"] is None
    assert "rené@reader.example" in next(letter.iter_parts()).get_content()


def test_it_goes_on_to_the_reply_address_of_its_own_newsletter(product: Product, intake: Intake) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    with product.database.transaction() as session:
        make.newsletter(session).reply_to = "north@desk.example"
    assert take(intake, reply(to=to)) is Taken.PASSED_ON
    assert passed_on(product)["To"] == "north@desk.example"


@pytest.mark.parametrize(
    "mark",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.example>", "Return-Path: <>", "X-Autoreply: yes"],
)
def test_what_a_program_wrote_is_passed_on_to_nobody(product: Product, intake: Intake, mark: str) -> None:
    to = intake.envelope.leave_address(reader_with_copy(product))
    assert take(intake, reply(to=to, more=f"{mark}\n")) is Taken.NO_REPORT
    with product.database.reading() as session:
        assert session.scalars(select(Reply)).all() == []


def test_no_more_than_some_a_day_are_passed_on(
    product: Product, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "PASSED_ON_A_DAY", 2)
    to = intake.envelope.leave_address(reader_with_copy(product))
    told = [take(intake, reply(to=to, body=f"Mail {number}")) for number in range(3)]
    assert told == [Taken.PASSED_ON, Taken.PASSED_ON, Taken.TOO_MANY]


def test_a_mail_is_forgotten_once_it_was_passed_on(product: Product, intake: Intake) -> None:
    take(intake, reply(to=intake.envelope.leave_address(reader_with_copy(product))))
    with product.database.transaction() as session:
        purge_replies(session, now=NOW)
        kept = session.scalars(select(Reply)).one()
        assert kept.data is not None
        sent = session.get_one(Delivery, kept.delivery_id)
        sent.state, sent.settled_at = DeliveryState.ACCEPTED, NOW
        session.flush()
        purge_replies(session, now=NOW)
        session.refresh(kept)
        assert kept.data is None
