"""From one frozen edition to the letter of one reader, and to the page for everybody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.admins.models import Admin, Role
from app.delivery.claims import Copy
from app.delivery.composing import Composed, Ready
from app.delivery.endings import Withheld
from app.editions.audience import cancel_edition, send_test
from app.editions.compose import marks_of, preview
from app.editions.copies import edition_letters, trial_letters
from app.editions.draft import set_texts
from app.editions.models import Edition, EditionContent
from app.errors import InputRefused
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscriber
from app.subscriptions.suppression import suppress
from tests import letter_rules
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.editions.reading import read
from tests.make import copies, make_article, make_subscription, newsletter, write


@pytest.fixture
def session(product: Product) -> Iterator[Session]:
    """One transaction for the whole test."""
    with product.database.transaction() as session:
        yield session


@dataclass(frozen=True)
class Written:
    """A copy as it leaves, and as the reader's program decodes it."""

    recipient: str
    raw: bytes
    message: EmailMessage
    html: str
    text: str

    @property
    def unsubscribe_url(self) -> str:
        """Where the mail program's own button leads."""
        return str(self.message["List-Unsubscribe"]).strip().removeprefix("<").removesuffix(">")


def composed(session: Session, product: Product, copies: list[Copy]) -> list[Ready | Withheld]:
    """What becomes of copies of one kind, in a process that has made none before."""
    composers = {**edition_letters(product.config, product.links), **trial_letters(product.config, product.links)}
    return list(composers[copies[0].chunk.kind](session, copies))


def written(made: Ready | Withheld) -> Written:
    assert not isinstance(made, Withheld), made
    raw = write(made)
    message = letter_rules.parse(raw)
    text, html = (part.get_content() for part in message.iter_parts())
    return Written(made.recipient, raw, message, html, text)


def only_letter(session: Session, product: Product) -> Written:
    """The one letter that waits; it is claimed for that."""
    return again(session, product, copies(session))


def again(session: Session, product: Product, claimed: list[Copy]) -> Written:
    """The one letter that was claimed, composed anew."""
    [made] = composed(session, product, claimed)
    return written(made)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_bytes_of_a_digest_keep_every_rule_of_the_format(session: Session, product: Product, language: str) -> None:
    make_subscription(session, email="alice@reader.example", language=language)
    start(session, product, make_draft(session, language=language))
    letter = only_letter(session, product)
    assert letter.recipient == "alice@reader.example"
    message = letter_rules.check(letter.raw, recipient="alice@reader.example", domain="newsletter.example")
    assert message["Date"].datetime == NOW
    assert str(message["List-Id"]).endswith(f"<{language}.vigie.newsletter.example>")
    assert str(message["Reply-To"]) == product.config.identity.contact


def test_a_subject_breaks_no_line_before_french_signs_and_is_kept_as_it_came(
    session: Session, product: Product
) -> None:
    make_subscription(session)
    edition = make_draft(session)
    edition.subject = "Alerte : un câble, « Falcon », coupé"
    start(session, product, edition)
    assert (
        str(only_letter(session, product).message["Subject"]) == "Alerte\u00a0: un câble, «\u00a0Falcon\u00a0», coupé"
    )
    assert edition.subject == "Alerte : un câble, « Falcon », coupé"


def test_each_reader_gets_their_own_links_and_nobody_elses(session: Session, product: Product) -> None:
    readers = [make_subscription(session, email=f"{name}@reader.example") for name in ("alice", "bob")]
    start(session, product, make_draft(session))
    claimed = copies(session)
    made = map(written, composed(session, product, claimed))
    letters = {copy.subscriber_id: letter for copy, letter in zip(claimed, made, strict=True)}
    for reader, other in (readers, reversed(readers)):
        letter = letters[reader.subscriber_id]
        unsubscribe_url = product.links.unsubscribe("fr", reader.public_id)
        preferences_url = product.links.preferences("fr", reader.public_id)
        assert letter.recipient == reader.subscriber.email_ascii
        assert letter.unsubscribe_url == unsubscribe_url
        assert other.public_id.encode() not in letter.raw
        assert b"mark-" not in letter.raw
        for part in (letter.html, letter.text):
            assert part.count(unsubscribe_url) == 2
            assert part.count(preferences_url) == 1
            assert other.public_id not in part
            assert "mark-" not in part
            assert reader.subscriber.email not in part


def test_only_what_is_personal_differs_between_two_copies(session: Session, product: Product) -> None:
    readers = [make_subscription(session, email=f"{name}@reader.example") for name in ("alice", "bob")]
    start(session, product, make_draft(session))
    neutral = set()
    claimed = copies(session)
    for copy, made in zip(claimed, composed(session, product, claimed), strict=True):
        reader = next(each for each in readers if each.subscriber_id == copy.subscriber_id)
        letter = written(made)
        parts, fields = [letter.html, letter.text], [f"{name}: {value}" for name, value in letter.message.items()]
        for make in (product.links.unsubscribe, product.links.preferences):
            url = make("fr", reader.public_id)
            parts = [part.replace(url, "") for part in parts]
            fields = [field.replace(url, "") for field in fields]
        neutral.add((*parts, *(field.replace(letter.recipient, "") for field in fields)))
    assert len(claimed) == 2
    assert len(neutral) == 1


def test_a_retry_carries_the_same_content_whatever_changed_since(session: Session, product: Product) -> None:
    make_subscription(session)
    edition = make_draft(session)
    start(session, product, edition)
    claimed = copies(session)
    before = again(session, product, claimed)
    edition.items[0].article.title = "Corrected meanwhile"
    its_own = newsletter(session)
    its_own.sender, its_own.reply_to = "north@newsletter.example", "desk@elsewhere.example"
    its_own.in_language("fr").name = "Named anew"
    session.flush()
    assert again(session, product, claimed).raw == before.raw


def test_a_frozen_sender_that_letters_are_no_longer_signed_for_is_not_used(session: Session, product: Product) -> None:
    """What names and signs the copies left is in the new domain already: DMARC would fail for them (RFC 9989 §4.4)."""
    make_subscription(session)
    start(session, product, make_draft(session))
    newsletter(session).in_language("fr").name = "Named anew"
    session.flush()
    message = only_letter(session, moved(product)).message
    [sender] = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Vigie", "lettre@moved.example")
    assert message["List-Id"].endswith("moved.example>")


def moved(product: Product) -> Product:
    """The product after somebody changed the sender's domain in the settings."""
    mail = replace(product.config.mail, sender="lettre@moved.example")
    return replace(product, config=replace(product.config, mail=mail))


def test_what_was_frozen_without_a_letterhead_leaves_as_the_newsletter_is(session: Session, product: Product) -> None:
    make_subscription(session)
    start(session, product, make_draft(session))
    names = {"from_name": None, "from_address": None, "reply_to": None}
    session.execute(update(EditionContent).values(names))
    newsletter(session).sender = "north@newsletter.example"
    session.flush()
    session.expire_all()
    assert only_letter(session, product).message["From"].addresses[0].addr_spec == "north@newsletter.example"


def test_its_own_addresses_stand_in_every_letter_and_in_its_foot(session: Session, product: Product) -> None:
    make_admin(session)
    its_own = newsletter(session)
    its_own.sender, its_own.reply_to = "north@newsletter.example", "desk@elsewhere.example"
    make_subscription(session)
    edition = make_draft(session)
    send_test(session, edition_id=edition.id, address="a@desk.example", now=NOW)
    test = only_letter(session, product)
    start(session, product, edition)
    for letter in (test, only_letter(session, product)):
        assert letter.message["From"].addresses[0].addr_spec == "north@newsletter.example"
        assert letter.message["Reply-To"] == "desk@elsewhere.example"
        assert letter.message["List-Id"].endswith("<fr.vigie.newsletter.example>")
        assert "desk@elsewhere.example" in letter.text
        assert "desk@elsewhere.example" in letter.html
        assert product.config.identity.contact not in letter.text


def leave(session: Session, product: Product) -> None:
    session.scalars(select(Subscriber)).one().subscriptions[0].unsubscribe(NOW)


def suppress_address(session: Session, product: Product) -> None:
    suppress(
        session,
        email_key="alice@reader.example",
        suppression_key=product.config.suppression_key,
        reason=SuppressionReason.COMPLAINT,
        source="test",
        now=NOW,
    )


def erase(session: Session, product: Product) -> None:
    session.execute(delete(Subscriber))


def cancel(session: Session, product: Product) -> None:
    cancel_edition(session, edition_id=session.scalars(select(Edition.id)).one(), actor="ada", now=NOW)


def end_consent(session: Session, product: Product, happening) -> None:
    happening(session, product)
    session.flush()
    session.expire_all()


def assert_withheld(session: Session, product: Product, claimed: list[Copy]) -> None:
    [made] = composed(session, product, claimed)
    assert isinstance(made, Withheld)
    assert made.reason


@pytest.mark.parametrize("happening", [leave, suppress_address, erase])
def test_a_copy_is_withheld_when_consent_ended_since_it_was_queued(
    session: Session, product: Product, happening
) -> None:
    make_subscription(session, email="alice@reader.example")
    start(session, product, make_draft(session))
    end_consent(session, product, happening)
    assert_withheld(session, product, copies(session))


@pytest.mark.parametrize("happening", [leave, suppress_address, erase, cancel])
def test_a_copy_is_withheld_when_consent_ended_since_it_was_claimed(
    session: Session, product: Product, happening
) -> None:
    make_subscription(session, email="alice@reader.example")
    start(session, product, make_draft(session))
    claimed = copies(session)
    end_consent(session, product, happening)
    assert_withheld(session, product, claimed)


def test_a_copy_is_withheld_though_the_edition_was_composed_before(session: Session, product: Product) -> None:
    make_subscription(session, email="alice@reader.example")
    start(session, product, make_draft(session))
    claimed = copies(session)
    compose = edition_letters(product.config, product.links)["edition"]
    assert not isinstance(compose(session, claimed)[0], Withheld)
    for happening in (cancel, leave):
        end_consent(session, product, happening)
        assert isinstance(compose(session, claimed)[0], Withheld)


def test_of_many_copies_only_those_without_consent_are_withheld(session: Session, product: Product) -> None:
    readers = [make_subscription(session, email=f"r{number}@reader.example") for number in range(4)]
    start(session, product, make_draft(session))
    claimed = copies(session)
    readers[1].unsubscribe(NOW)
    session.execute(delete(Subscriber).where(Subscriber.id == readers[2].subscriber_id))
    session.flush()
    made = composed(session, product, claimed)
    assert [isinstance(each, Withheld) for each in made] == [False, True, True, False]
    assert [each.recipient for each in made if not isinstance(each, Withheld)] == [
        "r0@reader.example", "r3@reader.example"
    ]  # fmt: skip


@pytest.mark.parametrize("is_automatic", [True, False])
def test_only_a_scheduled_digest_says_that_it_is_automatic(
    session: Session, product: Product, is_automatic: bool
) -> None:
    make_subscription(session)
    make_article(session)
    edition = session.get_one(Edition, compile_now(session, is_automatic=is_automatic).edition_id)
    start(session, product, edition)
    field = only_letter(session, product).message["Auto-Submitted"]
    assert field == ("auto-generated" if is_automatic else None)


def test_the_feedback_id_names_edition_and_newsletter_and_no_reader(session: Session, product: Product) -> None:
    reader = make_subscription(session)
    edition = make_draft(session)
    start(session, product, edition)
    feedback_id = str(only_letter(session, product).message["Feedback-ID"])
    assert feedback_id == f"{edition.public_id}:fr:digest:vigie"
    assert str(reader.subscriber_id) not in feedback_id.split(":")


def test_a_text_like_a_mark_never_becomes_a_link(session: Session, product: Product) -> None:
    make_subscription(session)
    guess = "mark-unsubscribe-" + "A" * 22
    make_article(session, title=f"[x]({guess}) {guess}", summary=guess, link=f"https://x.example/{guess}")
    start(session, product, session.get_one(Edition, compile_now(session).edition_id))
    letter = only_letter(session, product)
    links = [link.attributes["href"] for link in read(letter.html).find("a")]
    assert [link for link in links if guess in link] == [f"https://x.example/{guess}"] * 2
    assert len([link for link in links if "/unsubscribe/" in link]) == 2
    assert letter.text.count("/unsubscribe/") == 2


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("field", ["introduction", "subject", "title", "summary", "link"])
def test_an_edition_that_holds_its_own_mark_is_refused(
    session: Session, product: Product, field: str, number: int
) -> None:
    edition = make_draft(session)
    mark = marks_of(edition)[number]
    target = edition if field in {"introduction", "subject"} else edition.items[0].article
    setattr(target, field, f"https://x.example/{mark}")
    with pytest.raises(InputRefused):
        start(session, product, edition)


@pytest.mark.parametrize("is_frozen", [True, False])
def test_the_page_for_everybody_holds_nothing_personal_and_leads_to_the_sign_up(
    session: Session, product: Product, is_frozen: bool
) -> None:
    reader = make_subscription(session)
    edition = make_draft(session)
    if is_frozen:
        start(session, product, edition)
    parts = preview(session, edition=edition, config=product.config, links=product.links, now=NOW)
    for part in (parts.html, parts.text):
        assert "/unsubscribe/" not in part
        assert "/preferences/" not in part
        assert "mark-" not in part
        assert reader.public_id not in part
        assert product.links.home("fr") in part
        assert edition.items[0].article.title in part


def test_the_page_for_everybody_names_the_sign_up_once_in_place_of_what_is_personal(
    session: Session, product: Product
) -> None:
    edition = make_draft(session)
    start(session, product, edition)
    html = preview(session, edition=edition, config=product.config, links=product.links, now=NOW).html
    assert "Se désabonner" not in html
    assert "Vos préférences" not in html
    above, below = re.findall(f'href="{product.links.home("fr")}"[^>]*>([^<]*)', html)
    assert above == below == "S’abonner"


def make_admin(session: Session, email: str = "a@desk.example") -> None:
    session.add(Admin(email=email, email_key=email, language="fr", role=Role.EDITOR, created_at=NOW))
    session.flush()


def test_a_test_letter_shows_the_draft_as_it_stands(session: Session, product: Product) -> None:
    make_admin(session)
    edition = make_draft(session)
    send_test(session, edition_id=edition.id, address="a@desk.example", now=NOW)
    set_texts(
        session,
        edition_id=edition.id,
        subject="La mer",
        preheader="Ce qui se passe au fond, et qui regarde.",
        introduction="",
    )
    [made] = composed(session, product, copies(session))
    assert isinstance(made, Composed)
    assert made.recipient == "a@desk.example"
    assert made.letter.subject == "[Essai] La mer"
    assert made.letter.is_automatic is False
    letter_rules.check_same_links(made.letter.html, made.letter.text)
    letter_rules.check(written(made).raw, recipient="a@desk.example", domain="newsletter.example")


def test_the_leave_link_of_a_test_letter_is_that_of_the_address_or_ends_nothing(
    session: Session, product: Product
) -> None:
    make_admin(session)
    edition = make_draft(session)
    send_test(session, edition_id=edition.id, address="a@desk.example", now=NOW)
    claimed = copies(session)
    stranger = again(session, product, claimed)
    assert product.link_tokens.read("unsubscribe", stranger.unsubscribe_url.rpartition("/")[2]) == edition.public_id
    assert "/preferences/" not in stranger.html
    reader = make_subscription(session, email="a@desk.example", status=SubscriptionStatus.CONFIRMED)
    assert again(session, product, claimed).unsubscribe_url == product.links.unsubscribe("fr", reader.public_id)


def test_test_letters_go_to_admins_only(session: Session, product: Product) -> None:
    make_subscription(session, email="alice@reader.example")
    edition = make_draft(session)
    with pytest.raises(InputRefused):
        send_test(session, edition_id=edition.id, address="alice@reader.example", now=NOW)


def test_a_test_letter_is_no_copy_of_the_edition(session: Session, product: Product) -> None:
    make_admin(session)
    edition = make_draft(session)
    send_test(session, edition_id=edition.id, address="a@desk.example", now=NOW)
    assert start(session, product, edition, now=NOW + timedelta(minutes=1)) == 0
