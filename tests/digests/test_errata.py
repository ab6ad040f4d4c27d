"""Errata: to exactly those whose letters brought them an earlier text, once, in the language of their letters."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from app.articles.extract import Extracted
from app.articles.models import Article
from app.articles.own import revise_own_article
from app.choices.choices import Interests, Timing
from app.choices.models import Cadence
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.errata import count_misled, set_erratum, start_erratum
from app.digests.models import Erratum
from app.digests.schedule import install_schedules
from app.editions.archive import is_listed
from app.editions.embargo import set_embargo
from app.editions.models import Edition, EditionContent, EditionItem, EditionKind
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber
from tests.digests.readers import DAY, HOUR, file, letters, make_reader, run
from tests.make import add_second, make_article, make_source, newsletter
from tests.statements import statements

NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 18, 8, 0, tzinfo=UTC)
NOON = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
DAILY = Timing(Cadence.DAILY, 8, 0, "UTC")
NOTES = {"fr": "Le câble est **danois**, et non suédois.", "en": "The cable is **Danish**, not Swedish."}


@pytest.fixture(autouse=True)
def _schedules(product: Product) -> None:
    with product.database.transaction() as session:
        newsletter(session).timezone = "UTC"
        session.flush()
        install_schedules(session, product.config, NOW)


def revise(product: Product, article_id: int, revision: int) -> None:
    """What a feed does that brings an article with another text."""
    with product.database.transaction() as session:
        article = session.get_one(Article, article_id)
        article.revision, article.title = revision, f"Le câble, texte {revision}"


def correct(product: Product, article_id: int, *, now: datetime = NOON, notes: dict[str, str] = NOTES) -> int:
    """Tell readers as an editor does."""
    with product.database.reading() as session:
        ready = set_erratum(session, article_id, notes=notes, config=product.config, links=product.links, now=now)
    with product.database.transaction() as session:
        return start_erratum(session, ready, actor="ada", now=now)


def told(product: Product) -> list[str]:
    """Who has a copy of an erratum, once for each."""
    with product.database.reading() as session:
        rows = session.scalars(
            select(Subscriber.email)
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .join(Edition, Edition.id == Delivery.edition_id)
            .where(Edition.kind == EditionKind.ERRATUM)
            .order_by(Delivery.id)
        )
        return [email.partition("@")[0] for email in rows]


@pytest.fixture
def article_id(product: Product) -> int:
    """An article of which the first text went to some of the daily readers; those of a variant, and in English."""
    with product.database.transaction() as session:
        make_reader(session, "plain", now=NOW, timing=DAILY)
        make_reader(session, "cables", now=NOW, timing=DAILY, interests=Interests(
            followed=frozenset({"theme:infrastructure"})))  # fmt: skip
        make_reader(session, "both", now=NOW, timing=DAILY, language="en", interests=Interests(also_reads=("fr",)))
        make_reader(session, "baku", now=NOW, timing=DAILY, interests=Interests(followed=frozenset({"place:AZ"})))
        article = file(session, "Le câble", topics="theme:infrastructure", at=NOW + HOUR)
        file(session, "Bakou", topics="place:AZ", at=NOW + HOUR)
    run(product, MORNING)
    return article.id


def test_it_goes_to_exactly_those_who_got_an_earlier_text(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    with product.database.transaction() as session:
        make_reader(session, "late", now=NOON, timing=DAILY)
    assert correct(product, article_id) == 3
    assert sorted(told(product)) == ["both", "cables", "plain"]
    run(product, MORNING + DAY)
    with product.database.reading() as session:
        assert letters(session, "baku") == [["Bakou"]]
        sent = session.scalars(select(EditionItem.revision).where(EditionItem.article_id == article_id)).all()
        assert sorted(sent) == [1, 1, 1, 1, 2, 2, 2], "an edition, its variants, two errata, a newcomer's digest"


def test_an_article_that_was_put_in_by_hand_is_corrected_too(product: Product, article_id: int) -> None:
    text = Extracted(title=None, text="Le câble est danois.", summary="Le câble est danois.")
    by = {"article_id": article_id, "title": None, "extracted": text, "now": NOON}
    with product.database.transaction() as session:
        article = revise_own_article(session, **by)
        assert (article.revision, article.title, article.classified_at) == (2, "Le câble", None)
    with product.database.transaction() as session, pytest.raises(TransitionRefused, match="the text that"):
        revise_own_article(session, **by)
    assert correct(product, article_id) == 3
    assert sorted(told(product)) == ["both", "cables", "plain"]


def test_a_feeds_article_is_not_given_another_text_by_hand(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(TransitionRefused, match="a feed's"):
        revise_own_article(
            session, article_id=make_article(session, source=make_source(session)).id, title="Un autre",
            extracted=Extracted(title=None, text="Un autre.", summary=""), now=NOON,
        )  # fmt: skip


def test_it_says_what_was_corrected_in_the_language_of_the_letters(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    correct(product, article_id)
    with product.database.reading() as session:
        said = {
            edition.language: (edition.subject, content)
            for edition, content in session.execute(
                select(Edition, EditionContent)
                .join(EditionContent, EditionContent.edition_id == Edition.id)
                .where(Edition.kind == EditionKind.ERRATUM)
            )
        }
        assert {language: subject for language, (subject, _) in said.items()} == {
            "fr": "Rectificatif\u00a0: Le câble, texte 2",
            "en": "Correction: Le câble, texte 2",
        }
        for language, words in {"fr": "<strong>danois</strong>", "en": "<strong>Danish</strong>"}.items():
            assert words in said[language][1].html
            assert "https://wire.example/fr/Le câble" in said[language][1].text
        extras = select(Edition.kind).where(is_listed(MORNING), Edition.kind != EditionKind.NUMBER)
        assert session.scalars(extras).all() == []


@pytest.mark.parametrize(
    ("state", "is_told"),
    [
        (DeliveryState.ACCEPTED, True),
        (DeliveryState.QUEUED, True),
        (DeliveryState.DEFERRED, True),
        (DeliveryState.UNCERTAIN, True),
        (DeliveryState.CANCELLED, False),
        (DeliveryState.EXPIRED, False),
        (DeliveryState.REJECTED, False),
    ],
)
def test_what_became_of_the_copy_decides(
    product: Product, article_id: int, state: DeliveryState, is_told: bool
) -> None:
    revise(product, article_id, 2)
    with product.database.transaction() as session:
        plain = select(Subscriber.id).where(Subscriber.email == "plain@reader.example").scalar_subquery()
        session.execute(update(Delivery).where(Delivery.subscriber_id == plain).values(state=state))
    correct(product, article_id)
    assert ("plain" in told(product)) is is_told


def test_nobody_is_told_twice_of_one_text_and_everybody_of_the_next(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    correct(product, article_id)
    with product.database.reading() as session:
        assert count_misled(session, article_id, now=NOON).readers == {}
    with pytest.raises(TransitionRefused, match="2026-03-18 at 12:00 UTC, by ada"):
        correct(product, article_id)
    revise(product, article_id, 3)
    assert correct(product, article_id, now=NOON + HOUR) == 3
    assert sorted(told(product)) == ["both", "both", "cables", "cables", "plain", "plain"]
    with product.database.reading() as session:
        assert session.scalars(select(Erratum.revision).order_by(Erratum.revision)).all() == [2, 3]


def test_who_left_meanwhile_hears_nothing(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    with product.database.transaction() as session:
        subscriber = session.scalars(select(Subscriber).where(Subscriber.email == "plain@reader.example")).one()
        unsubscribe(
            session, public_id=subscriber.subscriptions[0].public_id, method=ConsentMethod.PREFERENCES, now=NOON
        )
    with product.database.reading() as session:
        assert count_misled(session, article_id, now=NOON).languages == {"fr": 1, "en": 1}
    assert correct(product, article_id) == 2


def test_no_letter_is_set_for_a_newsletter_that_misled_nobody(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    with product.database.transaction() as session:
        first, second = newsletter(session).id, add_second(session, product.config).id
    with product.database.reading() as session:
        ready = set_erratum(session, article_id, notes=NOTES, config=product.config, links=product.links, now=NOON)
    assert {letter.newsletter_id for letter in ready.letters} == {first} != {second}


def test_no_more_are_counted_than_asked_for_and_no_language_is_missed(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    with product.database.reading() as session, statements(product.database) as asked:
        some = count_misled(session, article_id, limit=1, now=NOON)
    assert (some.is_more, sum(some.languages.values()), set(some.languages)) == (True, 1, {"fr", "en"})
    assert len([each for each in asked if "deliveries" in each]) == 1
    with product.database.reading() as session:
        everyone = count_misled(session, article_id, limit=4, now=NOON)
    assert (everyone.is_more, everyone.languages) == (False, {"fr": 2, "en": 1})


def test_where_nobody_was_misled_there_is_nothing_to_tell(product: Product, article_id: int) -> None:
    with pytest.raises(TransitionRefused, match="no reader"):
        correct(product, article_id)


def test_each_language_of_readers_needs_its_note(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    for notes in ({"fr": "Faux."}, {"fr": "Faux.", "en": "  "}):
        with pytest.raises(InputRefused, match="English"):
            correct(product, article_id, notes=notes)
    with pytest.raises(InputRefused, match="more than"):
        correct(product, article_id, notes={"fr": "x" * 5_001, "en": "x"})


def test_another_text_that_came_meanwhile_is_not_sent_unseen(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    with product.database.reading() as session:
        ready = set_erratum(session, article_id, notes=NOTES, config=product.config, links=product.links, now=NOON)
    revise(product, article_id, 3)
    with pytest.raises(EditionChanged), product.database.transaction() as session:
        start_erratum(session, ready, actor="ada", now=NOON)
    assert told(product) == []


def test_it_waits_behind_the_copies_that_it_corrects(product: Product, article_id: int) -> None:
    revise(product, article_id, 2)
    correct(product, article_id)
    with product.database.reading() as session:
        assert len(set(session.scalars(select(Chunk.priority)))) == 1


def test_what_is_kept_back_is_not_spoken_of(product: Product) -> None:
    with product.database.transaction() as session:
        article = file(session, "Plus tard", at=NOW)
        set_embargo(session, article_id=article.id, until=NOON + DAY, actor="ada@desk.example", now=NOW)
    with pytest.raises(InputRefused, match="may not leave"):
        correct(product, article.id)
