"""What the gate sees of an edition: whom it goes to, what it carries, and how it differs from the last one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import ArticleRevision
from app.editions.draft import set_texts
from app.editions.models import Edition, EditionItem, EditionStatus
from app.gate.audience import Place
from app.gate.findings import Check, Finding, Level, What
from app.gate.probing import ProbeKind, edition_subject, keep_probe
from app.gate.starting import start_looked_at
from app.mail.dkim import Algorithm, create_keys
from app.product import Product
from app.stories.models import Story
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription
from tests.conftest import NOW
from tests.editions.press import compile_now, fill_newsroom
from tests.gate.house import ADA, look, make_edition
from tests.make import add_french, make_subscription, newsletter

#: What any draft of a trial in one language is told.
USUAL = {What.LINK_TRIAL, What.UNSIGNED, What.TWIN_MISSING}


def found(product: Product, edition_id: int) -> set[What]:
    return {finding.what for finding in look(product, edition_id).findings}


def test_an_edition_in_order_passes(product: Product) -> None:
    seen = look(product, make_edition(product))
    assert {finding.what for finding in seen.findings} == USUAL
    assert not seen.failures
    assert seen.level(Check.SIZE) is Level.OK
    assert seen.skipped == {Check.SPAM}


def test_who_gets_it_and_who_does_not_is_counted(product: Product) -> None:
    edition_id = make_edition(product, readers=2)
    with product.database.transaction() as session:
        for status in (SubscriptionStatus.PENDING, SubscriptionStatus.UNSUBSCRIBED):
            make_subscription(session, email=f"{status}@reader.example", status=status)
        make_subscription(session, email="pause@reader.example").paused_until = NOW + timedelta(days=3)
        make_subscription(session, email="over@reader.example").paused_until = NOW - timedelta(days=3)
        make_subscription(session, email="withheld@reader.example").is_withheld = True
        make_subscription(session, email="english@reader.example", language="en")
    assert look(product, edition_id).places == {
        Place.GETS: 3, Place.PENDING: 1, Place.LEFT: 1, Place.PAUSED: 1, Place.WITHHELD: 1,
    }  # fmt: skip


Spoil = Callable[[Session, Edition], object]


def revise(session: Session, edition: Edition) -> None:
    article = edition.items[0].article
    session.add(ArticleRevision(article_id=article.id, revision=1, title="x", text_hash="x", at=NOW + timedelta(1)))


def link_twice(_: Session, edition: Edition) -> None:
    edition.items[1].article.link = edition.items[0].article.link


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        (What.EMPTY, lambda _, edition: edition.items.clear()),
        (What.NOBODY, lambda session, _: [session.delete(each) for each in session.scalars(select(Subscription))]),
        (What.EMBARGO, lambda _, edition: setattr(edition.items[0].article, "embargo_until", NOW + timedelta(1))),
        (What.UNSETTABLE, lambda _, edition: setattr(edition, "introduction", f"mark-unsubscribe-{edition.public_id}")),
        (What.REVISED, revise),
        (What.LINK_TWICE, link_twice),
        (What.LINK_PLACEHOLDER, lambda _, edition: setattr(edition, "introduction", "[x](https://example.com/)")),
    ],
)
def test_each_fault_of_an_edition_is_found(product: Product, what: What, spoil: Spoil) -> None:
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        spoil(session, session.get_one(Edition, edition_id))
    assert what in found(product, edition_id)


def test_the_twin_wants_a_subject_of_its_own(product: Product) -> None:
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        fill_newsroom(session, language="en")
        twin = session.get_one(Edition, compile_now(session, language="en").edition_id)
        twin.subject = session.get_one(Edition, edition_id).subject
    assert What.TWIN_SUBJECT in found(product, edition_id)
    with product.database.transaction() as session:
        session.get_one(Edition, twin.id).subject = "Undersea cables"
    assert found(product, edition_id) == USUAL - {What.TWIN_MISSING}


def test_a_newsletter_of_one_language_has_no_twin_to_miss(product: Product) -> None:
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        session.get_one(Edition, edition_id).newsletter_id = add_french(session, product.config).id
    assert found(product, edition_id) & {What.TWIN_MISSING, What.TWIN_SUBJECT} == set()


def start(product: Product, edition_id: int) -> None:
    with product.database.transaction() as session:
        start_looked_at(session, look(product, edition_id), actor=ADA, config=product.config, now=NOW)


def follow_up(product: Product, first: int, *, subject: str = "Autre chose") -> int:
    """The next draft of the line, with the first's first article once more."""
    with product.database.transaction() as session:
        last = session.get_one(Edition, first)
        item = EditionItem(article=last.items[0].article, position=1)
        next_one = Edition(
            newsletter_id=last.newsletter_id, language="fr", status=EditionStatus.DRAFT, since=NOW, until=NOW,
            subject=subject, preheader="Aussi\u00a0: tout ce qui reste à lire de cette semaine", created_at=NOW,
        )  # fmt: skip
        next_one.items = [item]
        session.add(next_one)
        session.flush()
        return next_one.id


def test_an_edition_is_compared_with_the_last_one(product: Product) -> None:
    first = make_edition(product, readers=10)
    with product.database.transaction() as session:
        story = Story(first_at=NOW, last_at=NOW, ranks_at=NOW)
        session.add(story)
        session.flush()
        session.get_one(Edition, first).items[0].article.story_id = story.id
    start(product, first)
    second = follow_up(product, first, subject=look_subject(product, first))
    with product.database.transaction() as session:
        for subscription in session.scalars(select(Subscription).limit(3)):
            subscription.unsubscribe(NOW)
    assert {What.SUBJECT_REPEATED, What.READERS_FEWER, What.CARRIED_OVER} <= found(product, second)


def look_subject(product: Product, edition_id: int) -> str:
    with product.database.reading() as session:
        return session.get_one(Edition, edition_id).subject


@pytest.mark.parametrize("what", [What.ADDRESS_CHANGED, What.DOMAIN_CHANGED, What.KEYS_CHANGED])
def test_a_sender_that_changed_since_the_last_edition_stops_it(product: Product, what: What) -> None:
    first = make_edition(product)
    start(product, first)
    second = follow_up(product, first)
    assert not look(product, second).failures
    config = product.config
    if what is What.ADDRESS_CHANGED:
        config = replace(config, public_url="http://127.0.0.1:9999")
    elif what is What.DOMAIN_CHANGED:
        config = replace(config, mail=replace(config.mail, sender="lettre@other.example"))
    else:
        create_keys(config.dkim_dir, {Algorithm.RSA: "2026-11"})
    assert what in look(replace(product, config=config), second).failures


def test_a_sender_address_that_changed_or_is_not_used_is_said(product: Product) -> None:
    first = make_edition(product)
    start(product, first)
    second = follow_up(product, first)
    with product.database.transaction() as session:
        newsletter(session).sender = "north@newsletter.example"
    changed = next(each for each in look(product, second).findings if each.what is What.SENDER_CHANGED)
    assert (changed.where, changed.names) == ("north@newsletter.example", (product.config.mail.sender,))
    assert not look(product, second).failures
    moved = replace(product.config, mail=replace(product.config.mail, sender="lettre@moved.example"))
    told = {each.what: each for each in look(replace(product, config=moved), second).findings}
    assert told[What.SENDER_IDLE].names == ("lettre@moved.example",)
    assert What.SENDER_CHANGED not in told, "the domain is said already"


def test_what_was_asked_of_the_network_counts_for_the_edition_as_it_stood(product: Product) -> None:
    product = replace(product, config=replace(product.config, gate=replace(product.config.gate, checks_links=True)))
    edition_id = make_edition(product)
    seen = look(product, edition_id)
    assert What.LINKS_PENDING in {finding.what for finding in seen.findings}
    dead = Finding(What.LINK_DEAD, "https://strait.example/fr/0?a=1&b=2", "404", ("ü", "\u2028"))
    with product.database.transaction() as session:
        keep_probe(session, ProbeKind.LINKS, edition_subject(edition_id, seen.fingerprint), [dead], now=NOW)
    again = look(product, edition_id)
    assert dead in again.findings
    assert again.blocking == {What.LINK_DEAD}
    with product.database.transaction() as session:
        set_texts(session, edition_id=edition_id, subject="Neuf", preheader="x" * 50, introduction="")
    assert What.LINKS_PENDING in found(product, edition_id)


def test_a_look_takes_few_queries(product: Product) -> None:
    edition_id = make_edition(product)
    statements: list[str] = []
    sa.event.listen(product.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    look(product, edition_id)
    assert len([each for each in statements if not each.startswith("BEGIN")]) <= 13
