"""What an editor may change, and until when."""

import pytest

from app.editions.draft import move_entry, remove_item, set_layout, set_lead, set_texts, start_section
from app.editions.models import Edition
from app.errors import AppError, HeaderInvalid, InputRefused, NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.make import make_article

PREHEADER = "De quoi il sera question cette semaine, en quelques mots."


def order(edition: Edition) -> list[int]:
    return [item.article_id for item in edition.items]


def layout(*lines: object) -> str:
    return "\n".join(map(str, lines))


def test_texts_are_trimmed_and_kept(product: Product) -> None:
    with product.database.transaction() as session:
        edition_id = make_draft(session).id
        set_texts(
            session,
            edition_id=edition_id,
            subject=" La mer ",
            preheader=f" {PREHEADER} ",
            introduction="Un\r\n\r\n*deux* \n",
        )
    with product.database.reading() as session:
        edition = session.get_one(Edition, edition_id)
        assert (edition.subject, edition.preheader, edition.introduction) == ("La mer", PREHEADER, "Un\n\n*deux*")


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\v", "\f", "\u0085", "\u2028", "\u2029"])
def test_a_control_character_is_refused_and_not_stripped(product: Product, character: str) -> None:
    with product.database.transaction() as session:
        edition_id = make_draft(session).id
        for subject, preheader in (
            (f"La{character}mer", PREHEADER),
            ("La mer", PREHEADER[:30] + character + PREHEADER),
        ):
            with pytest.raises(HeaderInvalid):
                set_texts(session, edition_id=edition_id, subject=subject, preheader=preheader, introduction="")


@pytest.mark.parametrize(
    ("subject", "preheader", "introduction"),
    [
        ("", PREHEADER, ""),
        ("x" * 201, PREHEADER, ""),
        ("Re: La mer", PREHEADER, ""),
        ("La mer", "trop court", ""),
        ("La mer", "long " * 30, ""),
        (PREHEADER, PREHEADER.upper(), ""),
        ("La mer", PREHEADER, "x" * 5_001),
    ],
)
def test_texts_that_no_inbox_shows_well_are_refused(
    product: Product, subject: str, preheader: str, introduction: str
) -> None:
    with product.database.transaction() as session:
        edition_id = make_draft(session).id
        with pytest.raises(InputRefused):
            set_texts(session, edition_id=edition_id, subject=subject, preheader=preheader, introduction=introduction)


def test_a_new_order_names_each_article_once(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = order(edition)
        changed = set_layout(session, edition_id=edition.id, layout=layout(third, first, second))
        assert order(changed) == [third, first, second]
        for wrong in ([first, second], [first, first, second, third], [first, second, 99], [first, second, "x"]):
            with pytest.raises(InputRefused):
                set_layout(session, edition_id=edition.id, layout=layout(*wrong))
    with product.database.reading() as session:
        assert order(session.get_one(Edition, edition.id)) == [third, first, second]


def test_an_article_moves_up_and_down_and_stops_at_the_ends(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = order(edition)
        assert order(move_entry(session, edition_id=edition.id, entry=str(first), by=1)) == [second, first, third]
        assert order(move_entry(session, edition_id=edition.id, entry=str(first), by=9)) == [second, third, first]
        assert order(move_entry(session, edition_id=edition.id, entry=str(second), by=-1)) == [second, third, first]


def test_an_article_that_passes_a_heading_changes_its_section(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        _, second, third = order(edition)
        start_section(session, edition_id=edition.id, article_id=third, heading=" La mer ")
        assert [item.section for item in edition.items] == [None, None, "La mer"]
        move_entry(session, edition_id=edition.id, entry=str(second), by=1)
        assert [item.section for item in edition.items] == [None, "La mer", "La mer"]
        move_entry(session, edition_id=edition.id, entry="# La mer", by=-1)
        assert [item.section for item in edition.items] == ["La mer"] * 3
        start_section(session, edition_id=edition.id, article_id=edition.items[0].article_id, heading="")
        assert [item.section for item in edition.items] == [None] * 3


@pytest.mark.parametrize("heading", ["x" * 81, "a\nb", "a\0b", "a\u2028b"])
def test_a_heading_is_one_short_line(product: Product, heading: str) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        with pytest.raises(InputRefused):
            start_section(session, edition_id=edition.id, article_id=order(edition)[0], heading=heading)


@pytest.mark.parametrize("change", ["move", "out"])
def test_headlines_as_proposed_follow_the_articles_and_an_editors_own_stay(product: Product, change: str) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first = order(edition)[0]
        old, new = (item.article.title for item in edition.items[:2])

        def go(article_id: int) -> None:
            if change == "move":
                move_entry(session, edition_id=edition.id, entry=str(article_id), by=1)
            else:
                remove_item(session, edition_id=edition.id, article_id=article_id)

        go(first)
        assert edition.subject == new
        assert (old in edition.preheader) == (change != "out")
        set_texts(session, edition_id=edition.id, subject="La mer", preheader=PREHEADER, introduction="")
        go(order(edition)[0])
        assert (edition.subject, edition.preheader) == ("La mer", PREHEADER)


def test_two_sections_have_two_headings(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, _, third = order(edition)
        start_section(session, edition_id=edition.id, article_id=first, heading="La mer")
        with pytest.raises(InputRefused):
            start_section(session, edition_id=edition.id, article_id=third, heading="La mer")


def test_only_an_article_of_the_same_story_leads_in_the_place_of_another(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, _ = order(edition)
        with pytest.raises(NotFound):
            set_lead(session, edition_id=edition.id, article_id=first, lead_id=second)


def test_an_article_taken_out_may_be_carried_by_another_edition(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        removed = edition.items[0]
        remove_item(session, edition_id=edition.id, article_id=removed.article_id)
        assert [item.position for item in edition.items] == [1, 2]
        later = compile_now(session, since=edition.since)
        assert [item.article_id for item in session.get_one(Edition, later.edition_id).items] == [removed.article_id]


def test_a_started_edition_can_no_longer_be_changed(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        start(session, product, edition)
        article_id = edition.items[0].article_id
        changes = (
            lambda: set_texts(session, edition_id=edition.id, subject="a", preheader=PREHEADER, introduction=""),
            lambda: set_layout(session, edition_id=edition.id, layout=layout(*order(edition))),
            lambda: move_entry(session, edition_id=edition.id, entry=str(article_id), by=1),
            lambda: remove_item(session, edition_id=edition.id, article_id=article_id),
        )
        for change in changes:
            with pytest.raises(TransitionRefused):
                change()


def test_what_does_not_exist_is_not_found(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session)
        edition = make_draft(session, now=NOW)
        for edition_id, article_id in ((99, 1), (edition.id, 999)):
            with pytest.raises(NotFound) as refusal:
                remove_item(session, edition_id=edition_id, article_id=article_id)
            assert isinstance(refusal.value, AppError)
