"""The letters of signing up, in both languages: what they say, what they must not hold, and when they may not go."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as policy

import pytest
import time_machine
from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Composed
from app.delivery.endings import Withheld
from app.delivery.queue import enqueue
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus, SuppressionReason
from app.subscriptions.letters import signup_letters
from app.subscriptions.models import Subscription
from app.subscriptions.signup import ALREADY_SUBSCRIBED, CONFIRMATION, WELCOME, add_subscriber
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW

KINDS = (CONFIRMATION, WELCOME, ALREADY_SUBSCRIBED)
LANGUAGES = ("fr", "en")


def status_for(kind: str) -> SubscriptionStatus:
    return SubscriptionStatus.PENDING if kind == CONFIRMATION else SubscriptionStatus.CONFIRMED


def queue(session: Session, kind: str, language: str = "fr", newsletter_id: int = 1) -> tuple[Subscription, Copy]:
    status = status_for(kind)
    subscription = make.make_subscription(
        session, language=language, status=status, at=NOW, newsletter_id=newsletter_id
    )
    make.make_request(session, subscription)
    enqueue(
        session, kind=kind, language=language, now=NOW, newsletter_id=subscription.newsletter_id,
        subscriber_id=subscription.subscriber_id, reference=subscription.confirmation_id,
    )  # fmt: skip
    [copy] = make.copies(session)
    return subscription, copy


def compose(product: Product, session: Session, copy: Copy) -> Composed | Withheld:
    [made] = signup_letters(product.config, product.links)[copy.chunk.kind](session, [copy])
    assert isinstance(made, Composed | Withheld)
    return made


def composed(product: Product, session: Session, copy: Copy) -> Composed:
    result = compose(product, session, copy)
    assert isinstance(result, Composed)
    return result


def hrefs(html: str) -> set[str]:
    return {href for href in re.findall(r'href="([^"]+)"', html) if href.startswith("http")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_letter_can_be_left_and_both_parts_hold_the_same_links(
    product: Product, kind: str, language: str
) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, kind, language)
        letter = composed(product, session, copy).letter
    assert letter.unsubscribe_url == product.links.unsubscribe(language, subscription.public_id)
    assert letter.unsubscribe_url in letter.text
    assert letter.unsubscribe_url in hrefs(letter.html)
    assert hrefs(letter.html) == set(re.findall(r"https?://\S+", letter.text))
    assert letter.language == language
    assert letter.is_automatic
    assert letter.list_id == f"{language}.vigie.newsletter.example"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_letter_holds_an_image_markup_in_its_text_or_a_word_of_the_other_language(
    product: Product, kind: str, language: str
) -> None:
    with product.database.transaction() as session:
        _, copy = queue(session, kind, language)
        letter = composed(product, session, copy).letter
    assert "<img" not in letter.html
    assert not re.search(r"&[a-z]+;|<[a-z]", letter.text)
    foreign = {"fr": r"\b(you|your|the letter|press)\b", "en": r"\b(vous|votre|abonnement|lettre)\b"}[language]
    words = re.sub(r"https?://\S+", "", letter.subject + letter.text).replace(
        product.config.identity.postal_address, ""
    )
    assert not re.search(foreign, words.replace("La lettre qui", "").lower())


@pytest.mark.parametrize(
    ("language", "asked", "until"),
    [
        (
            "fr",
            "17\u00a0mars\u00a02026 à\u00a010:00 (Europe/Paris)",
            "20\u00a0mars\u00a02026 à\u00a010:00 (Europe/Paris)",
        ),
        (
            "en",
            "17\u00a0March\u00a02026 at\u00a010:00 (Europe/Paris)",
            "20\u00a0March\u00a02026 at\u00a010:00 (Europe/Paris)",
        ),
    ],
)
def test_the_confirmation_letter_names_list_sender_time_and_life(
    product: Product, language: str, asked: str, until: str
) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, CONFIRMATION, language)
        assert subscription.confirmation_id
        text = " ".join(composed(product, session, copy).letter.text.split(" "))
        url = product.links.confirm(language, subscription.confirmation_id, requested_at=NOW)
    flowed = text.replace("\n", " ")
    for point in (asked, until, product.config.identity.publisher, product.config.identity.publication, url):
        assert point in flowed
    assert ("ignorez cette lettre" if language == "fr" else "ignore this letter") in flowed


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_comes_from_its_newsletters_own_addresses(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        its_own = make.newsletter(session)
        its_own.sender, its_own.reply_to = "north@newsletter.example", "desk@elsewhere.example"
        _, copy = queue(session, kind)
        letter = composed(product, session, copy).letter
    assert (letter.from_address, letter.reply_to) == ("north@newsletter.example", "desk@elsewhere.example")
    assert "desk@elsewhere.example" in letter.text
    assert "desk@elsewhere.example" in letter.html
    assert letter.owner == product.config.identity.contact


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "D’après nos registres, vous souhaitez"), ("en", "Our records say that you wish")]
)
def test_a_reader_of_our_records_is_not_told_of_a_form(product: Product, language: str, words: str) -> None:
    with product.database.transaction() as session:
        address = parse_address("alice@reader.example")
        add_subscriber(
            session, address=address, language=language, newsletter_id=make.newsletter(session).id, actor="desk",
            suppression_key=product.config.suppression_key, now=NOW,
        )  # fmt: skip
        [copy] = make.copies(session)
        letter = composed(product, session, copy).letter
    for part in (letter.text, letter.html):
        flowed = " ".join(part.split())
        assert words in flowed
        assert "formulaire" not in flowed
        assert "subscription form" not in flowed


def test_composing_again_later_gives_the_same_letter_and_the_link_ages_from_the_request(product: Product) -> None:
    with product.database.transaction() as session:
        _, copy = queue(session, CONFIRMATION)
        letters = []
        for hours in (0, 5):
            with time_machine.travel(NOW + timedelta(hours=hours), tick=False):
                letters.append(composed(product, session, copy).letter)
    assert letters[0] == letters[1]
    match = re.search(r"/fr/confirm/(\S+)", letters[0].text)
    assert match
    with time_machine.travel(NOW + timedelta(hours=72, seconds=-1), tick=False):
        product.link_tokens.read("confirm", match.group(1), max_age_s=72 * 3600)


def test_a_name_that_looks_like_a_template_stays_text(product: Product) -> None:
    with product.database.transaction() as session:
        make.newsletter(session).in_language("fr").name = "{{7*7}} <b>&"
        _, copy = queue(session, WELCOME)
        letter = composed(product, session, copy).letter
    assert "{{7*7}} &lt;b&gt;&amp;" in letter.html
    assert "49" not in letter.subject


@pytest.mark.parametrize(
    ("language", "paused", "coming"),
    [("fr", "aucune ne vient avant le 25 mars 2026", "continuent d’arriver"),
     ("en", "none comes before 25 March 2026", "your letters keep coming")],
)  # fmt: skip
def test_a_reader_who_paused_is_told_until_when_and_not_that_letters_come(
    product: Product, language: str, paused: str, coming: str
) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, ALREADY_SUBSCRIBED, language)
        for until, is_paused in [(None, False), (NOW, False), (datetime(2026, 3, 24, 23, tzinfo=UTC), True)]:
            subscription.paused_until = until
            session.flush()
            letter = composed(product, session, copy).letter
            text = " ".join(letter.text.replace("\u00a0", " ").split())
            assert (paused in text, coming in letter.html) == (is_paused, not is_paused)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_withheld_when_consent_or_the_reader_is_gone(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, kind)
        subscription.unsubscribe(NOW)
        session.flush()
        assert isinstance(compose(product, session, copy), Withheld)
        assert isinstance(compose(product, session, copy._replace(subscriber_id=None)), Withheld)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_withheld_from_a_suppressed_address(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, kind)
        suppress(
            session, email_key=subscription.subscriber.email_key, suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="test", now=NOW,
        )  # fmt: skip
        assert isinstance(compose(product, session, copy), Withheld)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_withheld_from_whose_data_may_not_be_used(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, kind)
        subscription.subscriber.restricted_at = NOW
        session.flush()
        assert isinstance(compose(product, session, copy), Withheld)


@pytest.mark.parametrize("kind", [WELCOME, ALREADY_SUBSCRIBED])
def test_the_letters_of_a_newsletter_in_one_language_promise_no_other(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        north = make.add_french(session, product.config)
        _, copy = queue(session, kind, newsletter_id=north.id)
        letter = composed(product, session, copy).letter
    assert "Cap Nord" in letter.text
    for part in (letter.text, letter.html):
        assert "langue" not in part
        assert "ce que vous lisez" in part.lower()


def test_a_confirmation_of_an_older_request_is_withheld(product: Product) -> None:
    with product.database.transaction() as session:
        subscription, copy = queue(session, CONFIRMATION)
        subscription.request(NOW + timedelta(hours=1), "fr")
        session.flush()
        assert isinstance(compose(product, session, copy), Withheld)


@pytest.mark.parametrize("kind", KINDS)
def test_the_wire_form_carries_the_fields_of_the_list(product: Product, kind: str) -> None:
    with product.database.transaction() as session:
        _, copy = queue(session, kind)
        result = composed(product, session, copy)
    message = message_from_bytes(make.write(result, message_id="<a@newsletter.example>"), policy=policy)
    assert message["Message-ID"].strip() == "<a@newsletter.example>"
    assert message["Date"].datetime == NOW
    assert str(message["To"]) == "alice@reader.example"
    assert message["List-Unsubscribe"].strip() == f"<{result.letter.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "fr.vigie.newsletter.example" in message["List-Id"]
