"""Every letter, in each language, as the file that it was last seen and approved as.

`GOLDEN=write pytest tests/golden` writes the files anew; look at the difference before you keep it.
"""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.composing import Compose
from app.delivery.endings import Withheld
from app.delivery.models import Delivery
from app.delivery.queue import enqueue
from app.editions.audience import start_edition
from app.editions.compose import read_manuscript, set_letter
from app.editions.copies import edition_letters
from app.editions.models import AlsoIn, Edition, EditionItem
from app.links import Links
from app.newsletters.defaults import install_defaults
from app.newsletters.wordings import texts_in_force
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.letters import signup_letters
from app.subscriptions.models import Subscriber
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.letters import question_letters
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.rights.address_change import ADDRESS_CHANGE, ADDRESS_NOTICE, AddressChange
from app.subscriptions.rights.data_link import DATA_LINK
from app.subscriptions.rights.letters import rights_letters
from app.tokens import Tokens
from config import Config
from tests import letter_rules
from tests.conftest import NOW, create_tables
from tests.editions.press import make_draft, make_feed
from tests.make import copies, make_article, make_request, make_subscription, newsletter, write

FOLDER = Path(__file__).parent
LANGUAGES = ("fr", "en")
RECIPIENT = "alice@reader.example"
INTRODUCTION = {
    "fr": "Cette semaine, la mer\u00a0: *qui surveille ce qui relie\u00a0?* [Dossier](https://news.example/mer).",
    "en": "This week, the sea: *who watches what connects?* [Dossier](https://news.example/sea).",
}
SIGNUP = {
    "confirmation": SubscriptionStatus.PENDING,
    "welcome": SubscriptionStatus.CONFIRMED,
    "already-subscribed": SubscriptionStatus.CONFIRMED,
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of a publication, always the same."""
    return Config.from_env(
        {
            "VIGIE_DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'vigie.db'}",
            "PUBLIC_URL": "https://lettre.newsletter.example",
            "MAIL_SERVER": "127.0.0.1",
            "PUBLICATION_NAME": "Vigie",
            "PUBLISHER_NAME": "Éditions de l’Exemple",
            "PUBLISHER_ADDRESS": "1 rue de l’Exemple, 75000 Paris, France",
            "PUBLISHER_CONTACT": "redaction@newsletter.example",
            "PUBLICATION_DIRECTOR": "A. Exemple",
            "HOSTING_PROVIDER": "Exemple Hébergement",
            "LINK_KEYS": "golden-" * 8,
            "SECRET_KEY": "golden-" * 8,
            "SUPPRESSION_KEY": "golden-" * 8,
            "PROOF_KEYS": "golden-" * 8,
        }
    )


@pytest.fixture
def session(config: Config) -> Iterator[Session]:
    """A fresh database; what a letter is does not depend on its kind."""
    create_tables(config.database_url)
    database = Database(config.database_url)
    with database.transaction() as session:
        install_defaults(session, config, NOW)
        yield session
    database.dispose()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_digest_is_as_approved(session: Session, config: Config, language: str) -> None:
    links = make_links(config)
    subscription = make_subscription(session, email=RECIPIENT, language=language)
    subscription.public_id = "reader" + "A" * 16
    edition = make_draft(session, language=language)
    edition.public_id = "edition" + "A" * 15
    edition.introduction = INTRODUCTION[language]
    edition.is_automatic = True
    name_others(session, edition.items[0], language)
    session.flush()
    start_as_scheduled(session, config, links, edition)
    compare(f"digest.{language}", session, edition_letters(config, links)["edition"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SIGNUP)
def test_the_letters_of_signing_up_are_as_approved(session: Session, config: Config, kind: str, language: str) -> None:
    subscription = make_subscription(session, email=RECIPIENT, language=language, status=SIGNUP[kind], at=NOW)
    make_request(session, subscription)
    subscription.public_id = "reader" + "A" * 16
    subscription.confirmation_id = "request" + "A" * 15
    enqueue(
        session,
        kind=kind,
        language=language,
        newsletter_id=newsletter(session).id,
        subscriber_id=subscription.subscriber_id,
        reference=subscription.confirmation_id,
        now=NOW,
    )
    compare(f"{kind}.{language}", session, signup_letters(config, make_links(config))[kind])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", QuestionKind)
def test_the_letters_that_ask_are_as_approved(
    session: Session, config: Config, kind: QuestionKind, language: str
) -> None:
    subscription = make_subscription(session, email=RECIPIENT, language=language, at=NOW)
    subscription.public_id = "reader" + "A" * 16
    question = ask(
        session,
        subscription,
        kind=kind,
        answer_until=NOW + timedelta(days=30),
        now=NOW,
        shown=texts_in_force(session, 1, language),
    )
    question.public_id = "question" + "A" * 14
    session.execute(update(Delivery).values(reference=question.public_id))
    compare(f"{kind.value}.{language}", session, question_letters(config, make_links(config))[kind.value])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [DATA_LINK, ADDRESS_CHANGE, ADDRESS_NOTICE, "address-taken"])
def test_the_letters_of_rights_are_as_approved(session: Session, config: Config, kind: str, language: str) -> None:
    subscription = make_subscription(session, email=RECIPIENT, language=language, at=NOW)
    subscription.public_id = "reader" + "A" * 16
    subscription.subscriber.data_id = "data" + "A" * 18
    change = make_change(session, subscription.subscriber, kind)
    letter = ADDRESS_CHANGE if kind == "address-taken" else kind
    enqueue(
        session,
        kind=letter,
        language=language,
        subscriber_id=change.subscriber_id,
        reference=subscription.subscriber.data_id if kind == DATA_LINK else change.public_id,
        now=NOW,
    )
    with time_machine.travel(NOW, tick=False):
        compare(f"{kind}.{language}", session, rights_letters(config, make_links(config))[letter])


def make_change(session: Session, subscriber: Subscriber, kind: str) -> AddressChange:
    """A change of address whose letter of `kind` goes to RECIPIENT: as former, new or taken address."""
    others = {"email": "alice@elsewhere.example", "former_email": "alice@elsewhere.example"}
    mine = "former_email" if kind == ADDRESS_NOTICE else "email"
    addresses = {**others, mine: RECIPIENT}
    if kind == ADDRESS_CHANGE:
        subscriber.email = subscriber.email_ascii = subscriber.email_key = others["email"]
    asking = (
        make_subscription(session, email="bob@reader.example").subscriber if kind == "address-taken" else subscriber
    )
    change = AddressChange(public_id="change" + "A" * 16, subscriber_id=asking.id, requested_at=NOW)
    for name, email in addresses.items():
        for form in ("", "_ascii", "_key"):
            setattr(change, name + form, email)
    session.add(change)
    session.flush()
    return change


def name_others(session: Session, item: EditionItem, language: str) -> None:
    """Name two other articles on the item's story, one in each language."""
    for position, (name, written_in) in enumerate({"La Vigie des mers": "fr", "Harbour Watch": "en"}.items(), start=1):
        link = f"https://{name.lower().replace(' ', '-')}.example/{language}"
        other = make_article(session, link=link, language=written_in, source=make_feed(session, name))
        item.also.append(AlsoIn(article=other, position=position))


def make_links(config: Config) -> Links:
    return Links(config.public_url, Tokens(config.link_keys))


def start_as_scheduled(session: Session, config: Config, links: Links, edition: Edition) -> None:
    letter = set_letter(read_manuscript(session, edition_id=edition.id, now=NOW), config=config, links=links, now=NOW)
    start_edition(session, letter=letter, actor="schedule", now=NOW)


def compare(name: str, session: Session, compose: Compose) -> None:
    """Hold the bytes of the one letter that waits against its file, and against the rules of the format."""
    [made] = compose(session, copies(session))
    assert not isinstance(made, Withheld), made
    raw = write(made, message_id="<golden@newsletter.example>")
    letter_rules.check(raw, recipient=RECIPIENT, domain="newsletter.example")
    path = FOLDER / f"{name}.eml"
    if os.environ.get("GOLDEN") == "write":
        path.write_bytes(normalised(raw))
    assert path.exists(), f"no {path.name} yet: run GOLDEN=write pytest tests/golden"
    # A check-out may have rewritten the line ends of the file; those of the letter are checked above.
    assert normalised(raw).splitlines() == path.read_bytes().splitlines()


def normalised(raw: bytes) -> bytes:
    """Put fixed values where each copy has its own."""
    boundary = re.search(rb'boundary="([^"]+)"', raw)
    assert boundary
    raw = raw.replace(boundary[1], b"=_boundary")
    raw = re.sub(rb"(?m)^Date: .*\r$", b"Date: Tue, 17 Mar 2026 09:00:00 +0000\r", raw)
    return re.sub(rb"(?m)^Message-ID: .*\r$", b"Message-ID: <golden@newsletter.example>\r", raw)
