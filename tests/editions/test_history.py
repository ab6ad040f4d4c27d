"""Who changed what in a draft, undone and done again; and that no editor overwrites another unseen."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.editions import history
from app.editions.draft import bring_back, move_entry, remove_item, start_section
from app.editions.history import read_history, recorded, redo, restore, revisions_of, save_state, undo
from app.editions.models import Edition
from app.editions.states import state_of, taken_out
from app.errors import ChangedMeanwhile, DraftConflict, InputRefused, NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start

ADA, BEA = "ada@desk.example", "bea@desk.example"
PREHEADER = "De quoi il sera question cette semaine, en quelques mots."
LATER = NOW + timedelta(minutes=5)


def save(session: Session, edition: Edition, *, actor: str = ADA, seen: int, at: int = 0, **changes: str) -> Edition:
    now = NOW + timedelta(seconds=at)
    return save_state(session, edition_id=edition.id, seen=seen, changes=changes, actor=actor, now=now)


def ids(edition: Edition) -> list[int]:
    return [item.article_id for item in edition.items]


def test_two_editors_of_different_parts_both_keep_theirs(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        old = {"subject": edition.subject, "preheader": edition.preheader}
        save(session, edition, seen=0, introduction="De Bea", actor=BEA)
        save(session, edition, seen=0, **{**old, "subject": "D’Ada", "introduction": ""})
        assert (edition.subject, edition.introduction, edition.revision) == ("D’Ada", "De Bea", 2)


def test_two_editors_of_one_part_are_told(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="De Bea", actor=BEA)
        with pytest.raises(DraftConflict) as conflict:
            save(session, edition, seen=0, subject="D’Ada", introduction="Bonjour")
        assert (conflict.value.parts, conflict.value.actor) == (["subject"], BEA)
        assert (conflict.value.mine["subject"], conflict.value.theirs["subject"]) == ("D’Ada", "De Bea")
        assert (edition.subject, edition.introduction, edition.revision) == ("De Bea", "", 1)


def test_headlines_as_proposed_follow_an_order_that_is_saved_and_come_back_with_it(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = ids(edition)
        was, second_title = (edition.subject, edition.preheader), edition.items[1].article.title
        save(session, edition, seen=0, layout=f"{second}\n{first}\n{third}")
        assert edition.subject == second_title
        assert was[0] in edition.preheader
        undo(session, edition_id=edition.id, seen=1, actor=ADA, now=NOW)
        assert (edition.subject, edition.preheader) == was
        redo(session, edition_id=edition.id, seen=2, actor=ADA, now=NOW)
        assert edition.subject == second_title


def test_headlines_as_proposed_say_what_editors_made_of_titles(product: Product) -> None:
    """A title that was wrong in the feed would stand in the inbox, above the letter that says it right."""
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, _ = ids(edition)
        was = edition.subject, edition.preheader
        save(session, edition, seen=0, **{f"title:{first}": "À moi", f"title:{second}": "À moi aussi"})
        assert edition.subject == "À moi"
        assert "À moi aussi" in edition.preheader
        undo(session, edition_id=edition.id, seen=1, actor=ADA, now=NOW)
        assert (edition.subject, edition.preheader) == was
        redo(session, edition_id=edition.id, seen=2, actor=ADA, now=NOW)
        save(session, edition, seen=3, **{f"title:{first}": ""})
        assert edition.subject == was[0]


def test_an_own_subject_comes_back_as_it_was_though_it_is_the_proposed_one_meanwhile(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = ids(edition)
        own = edition.items[1].article.title
        save(session, edition, seen=0, subject=own)
        save(session, edition, seen=1, layout=f"{second}\n{first}\n{third}")
        undo(session, edition_id=edition.id, seen=2, actor=ADA, now=NOW)
        assert (ids(edition), edition.subject) == ([first, second, third], own)


def test_what_comes_back_without_an_article_does_not_announce_it(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = ids(edition)
        titles = [item.article.title for item in edition.items]
        save(session, edition, seen=0, layout=f"{second}\n{third}")
        other = compile_now(session, since=edition.since)
        assert ids(session.get_one(Edition, other.edition_id)) == [first]
        undo(session, edition_id=edition.id, seen=1, actor=ADA, now=NOW)
        assert (ids(edition), edition.subject) == ([second, third], titles[1])
        assert titles[0] not in edition.preheader


def test_to_choose_between_two_versions_overwrites_nothing_else(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="De Bea", introduction="De Bea", actor=BEA)
        with pytest.raises(DraftConflict) as conflict:
            save(session, edition, seen=0, subject="D’Ada", introduction="", preheader=PREHEADER)
        save(session, edition, seen=edition.revision, **conflict.value.mine)
        assert (edition.subject, edition.preheader, edition.introduction) == ("D’Ada", PREHEADER, "De Bea")


def test_a_base_that_joined_a_later_save_hides_no_conflict(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="De Bea", actor=BEA)
        save(session, edition, seen=1, subject="De Bea encore", actor=BEA, at=5)
        assert [each.number for each in revisions_of(session, edition.id)] == [2, 0]
        save(session, edition, seen=1, introduction="D’Ada", at=6)
        with pytest.raises(DraftConflict):
            save(session, edition, seen=1, subject="D’Ada", at=7)


def test_a_revision_that_is_no_longer_kept_hides_no_conflict(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "REVISIONS_MAX", 3)
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="De Bea", actor=BEA)
        for number in range(1, 6):
            save(session, edition, seen=number, introduction=f"Tour {number}", actor=(ADA, BEA)[number % 2])
        assert [each.number for each in revisions_of(session, edition.id)] == [6, 5, 4]
        with pytest.raises(DraftConflict):
            save(session, edition, seen=0, subject="D’Ada")


def test_a_new_order_does_not_overwrite_another(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = ids(edition)
        with recorded(session, edition_id=edition.id, actor=BEA, now=NOW):
            remove_item(session, edition_id=edition.id, article_id=third)
        with pytest.raises(DraftConflict):
            save(session, edition, seen=0, layout=f"{third}\n{second}\n{first}")
        assert ids(edition) == [first, second]


def test_nobody_takes_back_what_they_have_not_seen(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="D’Ada")
        save(session, edition, seen=1, introduction="De Bea", actor=BEA)
        steps = (undo, redo, partial(restore, number=0))
        for seen in (0, 1, 3):
            for step in steps:
                with pytest.raises(ChangedMeanwhile):
                    step(session, edition_id=edition.id, seen=seen, actor=ADA, now=NOW)
        assert (edition.revision, edition.introduction) == (2, "De Bea")
        undo(session, edition_id=edition.id, seen=2, actor=ADA, now=NOW)
        assert (edition.subject, edition.introduction) == ("D’Ada", "")


def test_what_was_undone_is_done_again_step_by_step(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        subjects = [edition.subject, "Un", "Deux", "Trois"]
        for number, subject in enumerate(subjects[1:]):
            save(session, edition, seen=number, subject=subject, at=100 * number)
        for expected in reversed(subjects[:-1]):
            undo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)
            assert edition.subject == expected
        with pytest.raises(TransitionRefused):
            undo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)
        for expected in subjects[1:]:
            redo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)
            assert edition.subject == expected
        with pytest.raises(TransitionRefused):
            redo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)


def can(session: Session, edition: Edition) -> tuple[bool, bool]:
    history = read_history(session, edition.id)
    return history.can_undo, history.can_redo


def test_a_change_after_an_undoing_ends_what_could_be_done_again(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="Un")
        undo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)
        assert can(session, edition) == (False, True)
        save(session, edition, seen=2, subject="Deux")
        assert can(session, edition) == (True, False)
        undo(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=LATER)
        assert edition.subject != "Un"


def test_an_earlier_revision_comes_back_whole_and_that_can_be_undone(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        before = state_of(edition, before={})
        first, second, third = ids(edition)
        with recorded(session, edition_id=edition.id, actor=ADA, now=NOW):
            start_section(session, edition_id=edition.id, article_id=second, heading="La mer")
            remove_item(session, edition_id=edition.id, article_id=third)
        save(session, edition, seen=1, **{f"title:{first}": "À moi", f"teaser:{first}": "Mes mots"})
        after = state_of(edition, before=before)
        restore(session, edition_id=edition.id, number=0, seen=edition.revision, actor=BEA, now=NOW)
        assert state_of(edition, before={}) == before
        undo(session, edition_id=edition.id, seen=edition.revision, actor=BEA, now=NOW)
        assert state_of(edition, before=before) == after
        with pytest.raises(NotFound):
            restore(session, edition_id=edition.id, number=99, seen=edition.revision, actor=BEA, now=NOW)


def test_an_article_that_was_taken_out_is_brought_back_with_its_words(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, *_ = ids(edition)
        save(session, edition, seen=0, **{f"title:{first}": "À moi"})
        with recorded(session, edition_id=edition.id, actor=ADA, now=NOW):
            remove_item(session, edition_id=edition.id, article_id=first)
        with recorded(session, edition_id=edition.id, actor=ADA, now=NOW) as (_, state):
            assert taken_out(state) == [first]
            bring_back(session, edition_id=edition.id, article_id=first, state=state, now=NOW)
        assert (ids(edition)[-1], edition.items[-1].title) == (first, "À moi")
        assert [each.parts for each in revisions_of(session, edition.id)] == [
            ["preheader", f"back:{first}"], ["subject", "preheader", f"out:{first}"], ["subject", f"title:{first}"], [],
        ]  # fmt: skip


def test_what_another_edition_has_meanwhile_or_may_not_leave_stays_out(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first, second, third = ids(edition)
        for article_id in (first, second):
            with recorded(session, edition_id=edition.id, actor=ADA, now=NOW):
                remove_item(session, edition_id=edition.id, article_id=article_id)
        session.get_one(Article, second).embargo_until = NOW + timedelta(days=1)
        session.flush()
        compile_now(session, since=edition.since)
        state = state_of(edition, before=revisions_of(session, edition.id)[0].state)
        for article_id in (first, second):
            with pytest.raises(TransitionRefused):
                bring_back(session, edition_id=edition.id, article_id=article_id, state=state, now=NOW)
        restore(session, edition_id=edition.id, number=0, seen=edition.revision, actor=ADA, now=NOW)
        assert ids(edition) == [third]


def test_what_is_written_in_one_field_within_a_minute_is_one_revision_and_each_move_is_another(
    product: Product,
) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        for seconds in (0, 20, 59, 61):
            save(session, edition, seen=edition.revision, subject=f"À {seconds} s", at=seconds)
        assert [(each.number, each.parts) for each in revisions_of(session, edition.id)] == [
            (4, ["subject"]), (3, ["subject"]), (0, []),
        ]  # fmt: skip
        for seconds in (62, 63):
            with recorded(session, edition_id=edition.id, actor=ADA, now=NOW + timedelta(seconds=seconds)):
                move_entry(session, edition_id=edition.id, entry=str(ids(edition)[0]), by=1)
        assert len(revisions_of(session, edition.id)) == 5


def test_what_changes_nothing_leaves_no_revision(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject=edition.subject)
        assert (edition.revision, revisions_of(session, edition.id)) == (0, [])


def test_a_sent_edition_has_no_undoing(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        save(session, edition, seen=0, subject="Un")
        start(session, product, edition)
        for act in (undo, redo):
            with pytest.raises(TransitionRefused):
                act(session, edition_id=edition.id, seen=edition.revision, actor=ADA, now=NOW)
        with pytest.raises(TransitionRefused):
            restore(session, edition_id=edition.id, number=0, seen=edition.revision, actor=ADA, now=NOW)


def test_words_of_the_editors_own_stand_in_for_the_articles(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        first = edition.items[0]
        save(session, edition, seen=0, **{f"title:{first.article_id}": " La mer "})
        assert (first.shown_title, first.shown_summary) == ("La mer", first.article.summary)
        save(session, edition, seen=1, **{f"title:{first.article_id}": "", f"teaser:{first.article_id}": "Vu"})
        assert (first.shown_title, first.shown_summary) == (first.article.title, "Vu")
        for name, words in (("title", "x" * 301), ("title", "a\nb"), ("teaser", "x" * 1_001)):
            with pytest.raises(InputRefused):
                save(session, edition, seen=2, **{f"{name}:{first.article_id}": words})
