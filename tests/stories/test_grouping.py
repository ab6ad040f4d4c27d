"""New articles join the stories they belong to."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import event, func, select

from app.articles.models import Article
from app.product import Product
from app.stories.editing import mute_story, split_story
from app.stories.grouping import BATCH, group_batch, group_new
from app.stories.index import KEPT, MEMBERS, WINDOW, stories_near
from app.stories.models import ALL_ARTICLES, ArticleTrace, KeyCount, Story, StoryAct, StoryEvent
from app.topics.taxonomy import load
from tests.conftest import NOW
from tests.refusing import refusing
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, RESULTS, STORM, file_article, group

DAY = timedelta(days=1)
ANCHOR_FR = (
    "Un deuxième câble sous-marin endommagé dans le golfe",
    "L’opérateur parle d’une ancre traînée sur deux milles, les garde-côtes n’excluent rien. Le trafic a été dérouté "
    "par la terre en moins de quatre minutes ; les banques de l’archipel ont suspendu leurs virements pendant une "
    "heure. Un navire réparateur est attendu jeudi.",
)
ANCHOR = (
    "Second undersea cable damaged within ten days in the gulf",
    "The operator speaks of an anchor dragged for two miles; the coast guard rules nothing out. Traffic was moved to "
    "land routes in under four minutes, yet the islands’ banks suspended transfers for an hour. A repair ship is due.",
)
LATER = NOW + timedelta(hours=1)


def test_reports_on_one_event_are_one_story_across_sources_and_languages(product: Product) -> None:
    with product.database.transaction() as session:
        one = file_article(session, BREACH, "a")
        two = file_article(session, BREACH_TOLD_ANEW, "b", at=NOW + DAY)
        three = file_article(session, BREACH_FR, "c", language="fr", at=NOW + DAY)
        others = [file_article(session, texts, "d") for texts in (RESULTS, STORM)]

        story, *same = group(session, one, two, three)

        assert same == [story, story]
        assert len({story, *group(session, *others)}) == 3
        kept = session.get_one(Story, story)
        assert (kept.first_at, kept.last_at, kept.sources, kept.languages) == (NOW, NOW + DAY, 3, {"en": 2, "fr": 1})


def test_an_article_joins_a_story_of_an_earlier_batch(product: Product) -> None:
    with product.database.transaction() as session:
        (story,) = group(session, file_article(session, BREACH, "a"))
        assert group(session, file_article(session, BREACH_TOLD_ANEW, "b", at=NOW + DAY)) == [story]
        assert session.get_one(Story, story).sources == 2


def test_reports_that_have_many_words_of_their_own_find_one_another(product: Product) -> None:
    """What one article alone has is rarer than all that it shares with another, and finds nothing."""
    with product.database.transaction() as session:
        one = file_article(session, ANCHOR_FR, "a", language="fr")
        two = file_article(session, ANCHOR, "b")
        story, same = group(session, one, two)
        assert same == story


def test_the_same_words_weeks_later_are_another_event(product: Product) -> None:
    with product.database.transaction() as session:
        (story,) = group(session, file_article(session, BREACH, "a"))
        assert group(session, file_article(session, BREACH_TOLD_ANEW, "b", at=NOW + WINDOW + DAY)) != [story]


def test_an_article_that_comes_late_joins_the_story_of_its_days(product: Product) -> None:
    with product.database.transaction() as session:
        (story,) = group(session, file_article(session, BREACH, "a"))
        assert group(session, file_article(session, BREACH_TOLD_ANEW, "b", at=NOW - DAY)) == [story]
        assert session.get_one(Story, story).first_at == NOW - DAY


def test_grouping_twice_changes_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        articles = [file_article(session, texts, "a") for texts in (BREACH, STORM)]
        before = group(session, *articles)
        counts = session.scalar(select(func.sum(KeyCount.articles)))

        assert group_batch(session, load(), now=LATER) == 0
        assert group(session, *articles) == before
        assert session.scalar(select(func.sum(KeyCount.articles))) == counts


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_order_of_arrival_within_a_batch_does_not_matter(product: Product, order: tuple[int, ...]) -> None:
    told = [(BREACH, "a"), (BREACH_TOLD_ANEW, "b"), (STORM, "c"), (RESULTS, "d")]
    with product.database.transaction() as session:
        filed = {place: file_article(session, *told[place], at=NOW + place * timedelta(minutes=1)) for place in order}
        stories = group(session, *(filed[place] for place in range(4)))
        assert stories[0] == stories[1]
        assert len(set(stories)) == 3


def test_a_copy_and_a_twin_are_marked_and_count_as_no_source(product: Product) -> None:
    text = BREACH[1] + " Police in Tallinn opened an inquiry, and 3,200 customers were told by letter on 5 May."
    french = (
        "Des intrus ont copié lundi des sauvegardes d’Orvane en Estonie. La police de Tallinn a ouvert une enquête, "
    )
    french += "et 3\u00a0200 clients ont été prévenus par courrier le 5 mai."
    with product.database.transaction() as session:
        original = file_article(session, BREACH, "a", body=text)
        copied = file_article(session, BREACH, "b", body=text, at=NOW + timedelta(minutes=5))
        twin = file_article(session, BREACH_FR, "a", language="fr", body=french, at=NOW + timedelta(minutes=9))

        (story, *same) = group(session, original, copied, twin)

        assert same == [story, story]
        assert (copied.copy_of_id, twin.twin_of_id) == (original.id, original.id)
        assert session.get_one(Story, story).sources == 1


CABLE = ("Ferrolink reports a break near Hanko", "Repairs of the line may take weeks.")
SHIP = ("Police board the cargo ship Lady Irena", "Its anchor is missing, and the line of Ferrolink lies there.")
BOTH = (
    "Lady Irena boarded after Ferrolink break near Hanko",
    "The cargo ship lost its anchor; repairs may take weeks.",
)


def test_an_article_that_belongs_to_two_stories_merges_them_and_it_is_recorded(product: Product) -> None:
    with product.database.transaction() as session:
        cable, ship = file_article(session, CABLE, "a"), file_article(session, SHIP, "b")
        old, young = group(session, cable, ship)
        assert old != young

        assert group(session, file_article(session, BOTH, "c", at=NOW + DAY), cable, ship) == [old, old, old]
        (event,) = session.scalars(select(StoryEvent))
        assert (event.act, event.story_id, event.other_id, event.actor) == (StoryAct.MERGED, old, young, None)
        assert young is not None
        assert session.get_one(Story, young).merged_into_id == old


def test_stories_that_an_editor_keeps_apart_are_never_merged(product: Product) -> None:
    with product.database.transaction() as session:
        cable, ship = file_article(session, CABLE, "a"), file_article(session, SHIP, "b")
        old, young = group(session, cable, ship)
        assert old is not None
        mute_story(session, story_id=old, actor="desk@example.org", now=LATER)

        group(session, file_article(session, BOTH, "c", at=NOW + DAY))

        assert group(session, cable, ship) == [old, young]


def test_what_an_editor_split_is_not_grouped_together_again(product: Product) -> None:
    with product.database.transaction() as session:
        one, two = file_article(session, BREACH, "a"), file_article(session, BREACH_TOLD_ANEW, "b")
        (story, _) = group(session, one, two)
        assert story is not None
        event = split_story(session, story_id=story, article_ids=[two.id], actor="desk@example.org", now=LATER)

        (third,) = group(session, file_article(session, (BREACH[0], BREACH_TOLD_ANEW[1]), "c"))

        assert [one.story_id, two.story_id] == [story, event.other_id]
        assert third in (story, event.other_id)
        assert session.scalars(select(StoryEvent.act)).all() == [StoryAct.SPLIT]


def test_all_that_waits_is_grouped_in_batches_and_old_traces_are_forgotten(product: Product) -> None:
    with product.database.transaction() as session:
        old = file_article(session, STORM, "a", at=NOW - KEPT - DAY)
        for number in range(BATCH):
            file_article(session, (f"Item {number} of {number}{number}", f"Nothing but {number * 7919}."), "b")
    assert group_new(product.database, load(), now=NOW) == BATCH + 1
    with product.database.reading() as session:
        assert session.get(ArticleTrace, old.id) is None
        assert session.get_one(KeyCount, ALL_ARTICLES).articles == BATCH
        assert session.get(KeyCount, "ingrid") is None
        assert session.scalar(select(func.count()).where(Article.grouped_at.is_(None))) == 0


def test_an_article_that_cannot_be_grouped_keeps_no_other_waiting(product: Product) -> None:
    with product.database.transaction() as session:
        one = file_article(session, BREACH, "a")
        poison = file_article(session, STORM, "b", at=NOW + DAY)
        two = file_article(session, BREACH_TOLD_ANEW, "c", at=NOW + 2 * DAY)
    with refusing(product, "article_traces", f"NEW.article_id = {poison.id}"):
        assert group_new(product.database, load(), now=LATER) == 3
        assert group_new(product.database, load(), now=LATER) == 0
    with product.database.reading() as session:
        stories = {article.id: article.story_id for article in session.scalars(select(Article))}
    assert stories[one.id] == stories[two.id]
    assert stories[poison.id] is None


def test_a_story_of_hundreds_costs_no_more_than_its_newest_articles(product: Product) -> None:
    """Whatever a feed repeats each hour, a batch is not to read it all, bodies and all, for each new article."""
    with product.database.transaction() as session:
        first = file_article(session, BREACH, "a")
        (story_id,) = group(session, first)
        source_id = first.source_id
        session.add_all(
            Article(
                source_id=source_id, guid=str(number), title=BREACH[0], summary=BREACH[1], body=BREACH[1],
                language="en", published_at=NOW, added_at=NOW, grouped_at=NOW, story_id=story_id,
            )
            for number in range(MEMBERS + 20)
        )  # fmt: skip
    read: list[int] = []
    note = lambda article, _: read.append(article.id)  # noqa: E731 - to be removed again
    event.listen(Article, "load", note)
    with product.database.reading() as session:
        near = stories_near(session, keys=["orvane", "tallin"], at=NOW, language="en")
    event.remove(Article, "load", note)
    assert [len(members) for members in near.values()] == [MEMBERS]
    assert len(read) == MEMBERS
