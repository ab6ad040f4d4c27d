"""An edition shows a story once, and names the others that tell it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.editions.audience import cancel_edition
from app.editions.compile import also_of
from app.editions.compose import preview
from app.editions.draft import fingerprint
from app.editions.embargo import set_embargo
from app.editions.lines import Compilation, CompileOutcome
from app.editions.models import Edition
from app.editions.pieces import pieces_of
from app.errors import InputRefused, TransitionRefused
from app.product import Product
from app.stories.editing import mute_story, pin_story
from app.stories.grouping import group_batch
from app.topics.taxonomy import load
from tests.conftest import NOW
from tests.editions.press import compile_now, start
from tests.make import make_subscription
from tests.statements import statements
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, STORM, file_article

HOUR = timedelta(hours=1)
BY = {"actor": "desk@example.org", "now": NOW}


def file_breach(session: Session) -> None:
    """One event told in two English papers and a French one, and another event, the newest."""
    file_article(session, BREACH, "a", at=NOW - 4 * HOUR)
    file_article(session, BREACH_TOLD_ANEW, "b", at=NOW - 3 * HOUR, body=BREACH_TOLD_ANEW[1] + " All that is known.")
    file_article(session, BREACH_FR, "c", at=NOW - 2 * HOUR, language="fr")
    file_article(session, STORM, "d", at=NOW - HOUR)
    group_batch(session, load(), now=NOW)


def compiled(session: Session, **options: object) -> Edition:
    compilation: Compilation = compile_now(session, language="en", **options)  # type: ignore[arg-type]
    return session.get_one(Edition, compilation.edition_id)


def shown(edition: Edition) -> dict[str, list[str]]:
    """The titles of the items, in order, and of those named beside each."""
    return {item.article.title: [other.article.title for other in item.also] for item in edition.items}


def test_a_story_is_shown_once_and_the_others_are_named_beside_it(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        assert shown(compiled(session)) == {BREACH_TOLD_ANEW[0]: [BREACH[0], BREACH_FR[0]], STORM[0]: []}


def test_the_letter_links_the_others_in_both_parts(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        parts = preview(session, edition=compiled(session), config=product.config, links=product.links, now=NOW)

    assert parts.html.count("Also in:") == parts.text.count("Also in:") == 1
    for link in ("https://a.example/en/0", "https://c.example/fr/2"):
        assert f'href="{link}"' in parts.html
        assert f"\n{link}\n" in parts.text
    assert "(fr)" in parts.text
    assert "(en)" not in parts.text


def test_others_that_one_feed_brought_of_several_sites_are_named_by_their_sites(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        edition = compiled(session)
        for article in (edition.items[0].article, *(other.article for other in edition.items[0].also)):
            assert article.source is not None
            article.source.name = "All the Papers"
        [piece, _] = pieces_of(edition, zone="UTC", publication="Vigie")
    assert piece.source == "All the Papers"
    assert [other.source for other in piece.also] == ["a.example", "c.example"]


def test_an_article_that_is_kept_back_is_not_named_beside_another(product: Product) -> None:
    wired = {"config": product.config, "links": product.links}
    with product.database.transaction() as session:
        file_breach(session)
        draft = compiled(session)
        (named, also_named) = (other.article for other in draft.items[0].also)
        assert set_embargo(session, article_id=named.id, until=NOW + HOUR, actor="ada@desk.example", now=NOW) == [
            draft.id
        ]
        assert shown(draft) == {BREACH_TOLD_ANEW[0]: [BREACH_FR[0]], STORM[0]: []}
        assert "https://a.example" not in preview(session, edition=draft, now=NOW, **wired).html

        also_named.embargo_until = NOW + HOUR  # the second bolt
        session.flush()
        with pytest.raises(InputRefused, match="may not leave yet"):
            preview(session, edition=draft, now=NOW, **wired)


def test_an_embargo_comes_too_late_for_an_article_that_a_letter_has_named(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        make_subscription(session, language="en")
        draft = compiled(session)
        start(session, product, draft)
        with pytest.raises(TransitionRefused, match="too late"):
            set_embargo(
                session,
                article_id=draft.items[0].also[0].article_id,
                until=NOW + HOUR,
                actor="ada@desk.example",
                now=NOW,
            )


def test_a_story_that_was_carried_does_not_come_again(product: Product) -> None:
    with product.database.transaction() as session:
        file_article(session, BREACH, "a", at=NOW - HOUR)
        group_batch(session, load(), now=NOW)
        first = compiled(session)
        file_article(session, BREACH_TOLD_ANEW, "b", at=NOW + HOUR)
        group_batch(session, load(), now=NOW + HOUR)
        assert compile_now(session, language="en", now=NOW + 2 * HOUR).outcome is CompileOutcome.NOTHING_NEW

        cancel_edition(session, edition_id=first.id, actor="desk@example.org", now=NOW + 2 * HOUR)
        again = compiled(session, since=NOW - 3 * HOUR, now=NOW + 3 * HOUR)
        assert len(again.items) == 1


def test_a_muted_story_is_left_out(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        first = compiled(session)
        breach = first.items[0].article.story_id
        cancel_edition(session, edition_id=first.id, actor="desk@example.org", now=NOW)
        mute_story(session, story_id=breach, **BY)
        assert shown(compiled(session, since=NOW - 9 * HOUR)) == {STORM[0]: []}


def test_a_pinned_story_stands_before_one_with_more_sources(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        first = compiled(session)
        storm = next(item.article.story_id for item in first.items if item.article.title == STORM[0])
        cancel_edition(session, edition_id=first.id, actor="desk@example.org", now=NOW)
        pin_story(session, story_id=storm, **BY)
        assert list(shown(compiled(session, since=NOW - 9 * HOUR))) == [STORM[0], BREACH_TOLD_ANEW[0]]


def test_an_edition_whose_named_others_changed_is_not_the_one_that_was_looked_at(product: Product) -> None:
    with product.database.transaction() as session:
        file_breach(session)
        edition = compiled(session)
        seen = fingerprint(edition)
        edition.items[0].also.pop()
        assert fingerprint(edition) != seen


def test_the_others_of_all_stories_are_looked_up_at_once(product: Product) -> None:
    """A digest with its variants carries hundreds of stories."""
    with product.database.transaction() as session:
        file_breach(session)
        two = [item.article for item in compiled(session).items]
    with product.database.reading() as session, statements(product.database) as asked:
        others = also_of(session, two, language="en", until=NOW)
    assert [len(others[article.id]) for article in two] == [2, 0]
    assert len(asked) == 1
