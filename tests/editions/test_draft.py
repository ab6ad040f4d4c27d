"""What an editor may change, and until when."""

import pytest

from app.editions.draft import move_item, remove_item, reorder, set_texts
from app.editions.models import Edition
from app.errors import AppError, HeaderInvalid, InputRefused, NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.make import make_article

PREHEADER = "De quoi il sera question cette semaine, en quelques mots."


def order(edition: Edition) -> list[int]:
    return [item.id for item in edition.items]


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
        assert order(reorder(session, edition_id=edition.id, item_ids=[third, first, second])) == [third, first, second]
        for wrong in ([first, second], [first, first, second, third], [first, second, 99]):
            with pytest.raises(InputRefused):
                reorder(session, edition_id=edition.id, item_ids=wrong)
    with product.database.reading() as session:
        assert order(session.get_one(Edition, edition.id)) == [third, first, second]


def test_an_article_moves_up_and_down_and_stops_at_the_ends(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = order(edition)
        assert order(move_item(session, edition_id=edition.id, item_id=first, by=1)) == [second, first, third]
        assert order(move_item(session, edition_id=edition.id, item_id=first, by=9)) == [second, third, first]
        assert order(move_item(session, edition_id=edition.id, item_id=second, by=-1)) == [second, third, first]


def test_an_article_taken_out_may_be_carried_by_another_edition(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        removed = edition.items[0]
        remove_item(session, edition_id=edition.id, item_id=removed.id)
        assert [item.position for item in edition.items] == [1, 2]
        later = compile_now(session, since=edition.since)
        assert [item.article_id for item in session.get_one(Edition, later.edition_id).items] == [removed.article_id]


def test_a_started_edition_can_no_longer_be_changed(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        start(session, product, edition)
        item_id = edition.items[0].id
        changes = (
            lambda: set_texts(session, edition_id=edition.id, subject="a", preheader=PREHEADER, introduction=""),
            lambda: reorder(session, edition_id=edition.id, item_ids=order(edition)),
            lambda: move_item(session, edition_id=edition.id, item_id=item_id, by=1),
            lambda: remove_item(session, edition_id=edition.id, item_id=item_id),
        )
        for change in changes:
            with pytest.raises(TransitionRefused):
                change()


def test_what_does_not_exist_is_not_found(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session)
        edition = make_draft(session, now=NOW)
        for edition_id, item_id in ((99, 1), (edition.id, 999)):
            with pytest.raises(NotFound) as refusal:
                remove_item(session, edition_id=edition_id, item_id=item_id)
            assert isinstance(refusal.value, AppError)
