"""What sent editions carried is found by topic and by words; nothing else is, and nothing twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.editions.clippings import clippings, file_editions, topic_counts
from app.editions.models import AlsoIn, Edition, EditionItem, EditionStatus
from app.editions.records import Clipping
from app.product import Product
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from app.topics.word_index import asked_words
from tests.conftest import NOW
from tests.editions.press import make_sent
from tests.make import make_article

LATER = NOW + timedelta(hours=1)
REGIONS = {"region:caucasus": ["place:AM", "place:AZ", "place:GE"], "region:sahel": ["place:ML"]}


def put_on(session: Session, article: Article, *topics: str) -> None:
    session.add_all(
        ArticleTopic(article_id=article.id, topic=topic, weight=0.9, rank=Rank.PRIMARY, words=[], is_by_editor=True)
        for topic in topics
    )
    session.flush()


def titles(session: Session, *, language: str = "fr", now: datetime = LATER, **asked: object) -> list[str]:
    found = clippings(session, language=language, length=50, publication="Vigie", now=now, **asked)  # type: ignore[arg-type]
    return [clip.piece.title for clip in found]


def found(session: Session, text: str, *, language: str = "fr") -> list[str]:
    return titles(session, language=language, words=asked_words(text))


def sent(session: Session, texts: Iterable[str], *, language: str = "fr", summary: str = "") -> Edition:
    articles = [make_article(session, title=text, summary=summary, language=language) for text in texts]
    return make_sent(session, articles, language=language)


def test_the_newest_edition_comes_first_and_within_one_its_first_article(product: Product) -> None:
    with product.database.transaction() as session:
        sent(session, ["un", "deux"])
        sent(session, ["trois", "quatre"])
        assert file_editions(session, now=LATER) == 2
        assert titles(session) == ["trois", "quatre", "un", "deux"]
        assert titles(session, language="en") == []


def test_pages_follow_one_another_without_a_gap(product: Product) -> None:
    with product.database.transaction() as session:
        sent(session, [f"n{number}" for number in range(5)])
        file_editions(session, now=LATER)
        seen, before = [], None
        while page := clippings(session, language="fr", before=before, length=2, publication="Vigie", now=LATER):
            seen += [clip.piece.title for clip in page]
            before = page[-1].number
    assert seen == ["n0", "n1", "n2", "n3", "n4"]


def test_filing_again_adds_nothing_and_an_article_is_filed_once(product: Product) -> None:
    with product.database.transaction() as session:
        article = make_article(session)
        make_sent(session, [article])
        second = make_sent(session, [article, make_article(session, title="neuf")])
        assert file_editions(session, now=LATER) == 2
        assert file_editions(session, now=LATER) == 0
        assert titles(session) == ["neuf", article.title]
        second.filed_at = None
        assert file_editions(session, now=LATER) == 1
        assert len(titles(session)) == 2


@pytest.mark.parametrize("status", [each for each in EditionStatus if each is not EditionStatus.SENT])
def test_what_was_not_sent_is_not_found(product: Product, status: EditionStatus) -> None:
    with product.database.transaction() as session:
        edition = sent(session, ["Un secret"])
        edition.status, edition.finished_at = status, None
        assert file_editions(session, now=LATER) == 0
        edition.status = EditionStatus.SENT
        file_editions(session, now=LATER)
        edition.status = status
        session.flush()
        assert titles(session) == found(session, "secret") == []
        assert topic_counts(session, language="fr", regions=REGIONS, now=LATER) == {"": 0}


@pytest.mark.parametrize("is_named", [False, True])
def test_nothing_of_an_edition_is_found_while_an_article_it_holds_or_names_may_not_be_seen(
    product: Product, is_named: bool
) -> None:
    with product.database.transaction() as session:
        early = make_article(session, title="Sous embargo")
        edition = make_sent(session, [make_article(session, title="Un"), *([] if is_named else [early])])
        if is_named:
            edition.items[0].also = [AlsoIn(article=early, position=1)]
        file_editions(session, now=LATER)
        early.embargo_until = LATER + timedelta(hours=1)
        session.flush()
        assert titles(session) == found(session, "un") == []
        assert titles(session, now=early.embargo_until)[0] == "Un"


def test_an_edition_that_is_tried_once_more_stays_found(product: Product) -> None:
    with product.database.transaction() as session:
        edition = sent(session, ["Un"])
        file_editions(session, now=LATER)
        edition.status = EditionStatus.SENDING
        session.flush()
        assert titles(session) == ["Un"]


def test_topics_select_and_an_article_on_two_of_them_comes_once(product: Product) -> None:
    with product.database.transaction() as session:
        both, one, none = (make_article(session, title=title) for title in ("deux", "un", "rien"))
        put_on(session, both, "place:AM", "place:AZ")
        put_on(session, one, "place:AZ")
        make_sent(session, [both, one, none])
        file_editions(session, now=LATER)
        assert titles(session, topics=["place:AZ"]) == ["deux", "un"]
        assert titles(session, topics=["region:caucasus", "place:AM", "place:AZ"]) == ["deux", "un"]
        assert titles(session, topics=["place:FR"]) == []
        [first, *_] = clippings(session, language="fr", length=5, publication="Vigie", now=LATER)
        assert set(first.topics) == {"place:AM", "place:AZ"}
        assert topic_counts(session, language="fr", regions=REGIONS, now=LATER) == {
            "": 3, "place:AM": 1, "place:AZ": 2, "region:caucasus": 2,
        }  # fmt: skip


def test_an_editors_correction_counts_at_once(product: Product) -> None:
    with product.database.transaction() as session:
        article = make_article(session)
        put_on(session, article, "place:EE")
        make_sent(session, [article])
        file_editions(session, now=LATER)
        session.delete(session.get_one(ArticleTopic, (article.id, "place:EE")))
        session.flush()
        assert titles(session, topics=["place:EE"]) == []


def test_topics_are_counted_over_a_year(product: Product) -> None:
    with product.database.transaction() as session:
        article = make_article(session)
        put_on(session, article, "place:EE")
        make_sent(session, [article])
        file_editions(session, now=LATER)
        assert topic_counts(session, language="fr", regions=REGIONS, now=NOW + timedelta(days=300))["place:EE"] == 1
        assert topic_counts(session, language="fr", regions=REGIONS, now=NOW + timedelta(days=366)) == {"": 0}


TITLE = "L’Iran et l’œil d’Érevan : des câbles sous-marins à 5 000 €"
FOUND = ["iran", "IRAN", "l'Iran", "d’erevan", "Érevan", "oeil", "œil", "cable", "câbles", "CABLES sous marin",
         "sous-marin", "mari", "erevan, iran!", "l'", "5 000", "iran iran"]  # fmt: skip
NOT_FOUND = [
    "iraq",
    "rin",
    "able",
    "iran estonie",
    "ira",
    "500",
    "cables OR estonie",
    "NOT iran",
    '"',
    "*",
    "words:iran",
]


@pytest.mark.parametrize(("texts", "is_found"), [(FOUND, True), (NOT_FOUND, False)])
def test_words_are_found_whatever_their_accents_and_endings(product: Product, texts: list[str], is_found: bool) -> None:
    with product.database.transaction() as session:
        sent(session, [TITLE])
        file_editions(session, now=LATER)
        for text in texts:
            words = asked_words(text)
            assert bool(words and titles(session, words=words)) is is_found, text


def test_english_is_found_in_summaries_too(product: Product) -> None:
    with product.database.transaction() as session:
        sent(session, ["Undersea cable cut"], language="en", summary="Sanctions follow, says Tallinn’s minister.")
        file_editions(session, now=LATER)
        for text in ("cables", "sanction", "Tallinn", "minister tallinn cable"):
            assert found(session, text, language="en") == ["Undersea cable cut"], text
            assert found(session, text) == []


@pytest.mark.parametrize(
    ("title", "texts"),
    [
        ("Les hôpitaux et le journal", ["hôpital", "hôpitaux", "journaux", "journal hôpital", "HOPITAL", "hopita"]),
        ("Agencies warn the embassy", ["agency", "agencies", "embassies", "embassy agency", "agenci"]),
        ("Allies warn a city", ["ally", "cities", "allies city"]),
        ("Réseaux d’Italie", ["réseau", "réseaux", "Italie", "réseau italie"]),
    ],
)
def test_a_plural_is_found_that_has_another_ending(product: Product, title: str, texts: list[str]) -> None:
    with product.database.transaction() as session:
        sent(session, [title])
        file_editions(session, now=LATER)
        assert {text: found(session, text) for text in texts} == {text: [title] for text in texts}
        assert [found(session, text) for text in ("agenda", "hopita estonie", "journalier")] == [[], [], []]


@pytest.mark.parametrize("text", ["' & | ! ( ) : * < > \\", "a:*b", "'); DROP TABLE x; --", "NEAR(a b)", "^x -y +z",
                                  "\x00", "é" * 5_000, "mot " * 5_000, "١٢٣", "🙂", ""])  # fmt: skip
def test_no_text_breaks_the_search(product: Product, text: str) -> None:
    with product.database.transaction() as session:
        sent(session, ["mot"])
        file_editions(session, now=LATER)
        words = asked_words(text)
        assert len(words) <= 8
        if words:
            found(session, text)


def test_the_index_follows_what_is_deleted_and_changed(product: Product) -> None:
    with product.database.transaction() as session:
        edition = sent(session, ["Estonie", "Lettonie"])
        file_editions(session, now=LATER)
        session.execute(update(Clipping).where(Clipping.words == "estonie").values(words="finlande"))
        assert found(session, "estonie") == []
        assert found(session, "finlande") == ["Estonie"]
        session.delete(
            session.scalars(
                select(EditionItem).where(EditionItem.edition_id == edition.id, EditionItem.position == 1)
            ).one()
        )
        session.flush()
        assert found(session, "finlande") == []
        assert found(session, "lettonie") == ["Lettonie"]
