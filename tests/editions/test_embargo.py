"""An article with a time before which it may not leave is nowhere outside the desk before it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app import clock
from app.admins.models import Role
from app.admins.signin import create_admin
from app.articles.models import Article
from app.delivery.endings import Withheld
from app.digests.schedule import run_due_schedules
from app.editions.archive import past_edition, past_editions
from app.editions.audience import send_test, start_edition
from app.editions.compose import preview, read_manuscript, set_letter
from app.editions.copies import compose_test
from app.editions.draft import set_texts
from app.editions.embargo import set_embargo
from app.editions.history import restore, revisions_of, save_state, undo
from app.editions.lines import Compilation
from app.editions.models import AlsoIn, Edition, EditionStatus
from app.errors import DraftConflict, EditionChanged, InputRefused, NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.make import copies, make_article, make_subscription

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def titles(session: Session, compilation: Compilation) -> list[str]:
    if compilation.edition_id is None:
        return []
    return [item.article.title for item in session.get_one(Edition, compilation.edition_id).items]


def keep_back(session: Session, article: Article, until: datetime | None = NOW + DAY) -> list[int]:
    return list(set_embargo(session, article_id=article.id, until=until, actor="ada@desk.example", now=NOW))


def test_no_digest_takes_it_before_its_time_and_the_next_one_does(product: Product) -> None:
    with product.database.transaction() as session:
        kept = make_article(session, title="kept")
        make_article(session, title="free")
        assert keep_back(session, kept) == []
        assert titles(session, compile_now(session)) == ["free"]
        make_article(session, title="later", added_at=NOW + HOUR)
        assert titles(session, compile_now(session, now=NOW + 12 * HOUR)) == ["later"]
        assert titles(session, compile_now(session, now=NOW + 2 * DAY)) == ["kept"]
        assert titles(session, compile_now(session, now=NOW + 3 * DAY)) == []


def test_an_embargo_that_is_ended_early_makes_the_article_new_to_the_next_digest(product: Product) -> None:
    with product.database.transaction() as session:
        kept = make_article(session, title="kept", added_at=NOW - 2 * HOUR)
        keep_back(session, kept)
        compile_now(session)
        set_embargo(session, article_id=kept.id, until=None, actor="ada@desk.example", now=NOW + HOUR)
        assert kept.embargo_until == NOW + HOUR
        assert titles(session, compile_now(session, now=NOW + 2 * HOUR)) == ["kept"]


def test_a_draft_that_holds_it_goes_on_without_it(product: Product) -> None:
    """Article, headlines and numbering: nothing of it is left, and the schedule's digest is not held up."""
    with product.database.transaction() as session:
        draft = make_draft(session)
        kept = draft.items[0].article
        assert keep_back(session, kept) == [draft.id]
        assert [item.position for item in draft.items] == [1, 2]
        assert kept.title not in draft.subject + draft.preheader
        assert draft.subject == draft.items[0].article.title
        letter = set_letter(
            read_manuscript(session, edition_id=draft.id, now=NOW), config=product.config, links=product.links, now=NOW
        )
        assert kept.title not in letter.parts.html + letter.parts.text
        make_subscription(session)
        assert start_edition(session, letter=letter, actor="a@desk.example", now=NOW) == 1


def test_an_embargo_is_in_the_history_of_a_draft_and_no_page_from_before_brings_it_back(product: Product) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        kept, told = draft.items[0].article, draft.subject
        assert kept.title in told
        keep_back(session, kept)
        made = revisions_of(session, draft.id)[0]
        assert (made.actor, made.parts) == ("ada@desk.example", ["subject", "preheader", f"out:{kept.id}"])
        old = {"subject": f"{told} !"}
        with pytest.raises(DraftConflict):
            save_state(session, edition_id=draft.id, seen=0, changes=old, actor="bea@desk.example", now=NOW)


@pytest.mark.parametrize("way", ["undo", "restore"])
def test_what_is_brought_back_of_a_draft_tells_nothing_of_it(product: Product, way: str) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        kept = draft.items[0].article
        keep_back(session, kept)
        if way == "undo":
            undo(session, edition_id=draft.id, seen=draft.revision, actor="bea@desk.example", now=NOW)
        else:
            restore(session, edition_id=draft.id, number=0, seen=draft.revision, actor="bea@desk.example", now=NOW)
        assert kept.id not in {item.article_id for item in draft.items}
        assert kept.title not in draft.subject + draft.preheader


def test_a_draft_that_names_it_beside_another_article_goes_on_without_it(product: Product) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        kept = make_article(session, title="À côté", link="https://beside.example/")
        draft.items[1].also = [AlsoIn(article=kept, position=1)]
        session.flush()
        assert keep_back(session, kept) == [draft.id]
        manuscript = read_manuscript(session, edition_id=draft.id, now=NOW)
        letter = set_letter(manuscript, config=product.config, links=product.links, now=NOW)
        assert "beside.example" not in letter.parts.html + letter.parts.text
        draft.items[1].also = [AlsoIn(article=kept, position=1)]
        session.flush()
        with pytest.raises(InputRefused, match="may not leave yet"):
            read_manuscript(session, edition_id=draft.id, now=NOW)


@pytest.mark.parametrize("own", [None, "Un câble, dit le bureau"])
def test_an_editors_own_headlines_stay_unless_they_name_it(product: Product, own: str | None) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        kept, preheader = draft.items[0].article, "Ce que la semaine a changé en mer Baltique"
        draft.items[0].title = own
        named = draft.items[0].shown_title
        set_texts(session, edition_id=draft.id, subject=f"Vu : {named}", preheader=preheader, introduction="")
        keep_back(session, kept)
        assert named not in draft.subject
        assert draft.preheader == preheader


def test_what_was_looked_at_before_the_embargo_is_not_what_leaves(product: Product) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        letter = set_letter(
            read_manuscript(session, edition_id=draft.id, now=NOW), config=product.config, links=product.links, now=NOW
        )
        keep_back(session, draft.items[0].article)
        with pytest.raises(EditionChanged):
            start_edition(session, letter=letter, actor="a@desk.example", now=NOW)


def test_after_an_edition_left_with_it_an_embargo_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        make_subscription(session)
        draft = make_draft(session)
        start(session, product, draft)
        article = draft.items[0].article
        with pytest.raises(TransitionRefused, match="too late"):
            keep_back(session, article)
        assert article.embargo_until is None


def test_an_article_that_got_into_a_draft_all_the_same_leaves_by_no_way(product: Product) -> None:
    """The second bolt: letter, start, preview link, test letter and archive ask for themselves."""
    with product.database.transaction() as session:
        make_subscription(session)
        draft = make_draft(session)
        wired = {"config": product.config, "links": product.links}
        letter = set_letter(read_manuscript(session, edition_id=draft.id, now=NOW), now=NOW, **wired)
        draft.items[0].article.embargo_until = NOW + DAY
        session.flush()
        with pytest.raises(InputRefused, match="may not leave yet"):
            set_letter(read_manuscript(session, edition_id=draft.id, now=NOW), now=NOW, **wired)
        with pytest.raises(InputRefused, match="may not leave yet"):
            preview(session, edition=draft, now=NOW, **wired)
        with pytest.raises(InputRefused, match="may not leave yet"), session.begin_nested():
            start_edition(session, letter=letter, actor="a@desk.example", now=NOW)
        assert copies(session) == []
        session.refresh(draft)
        assert start_edition(session, letter=letter, actor="a@desk.example", now=NOW + DAY) == 1


def test_the_archive_hides_an_edition_until_all_it_holds_may_be_seen(product: Product) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        start(session, product, draft)
        draft.finished_at = NOW
        draft.items[0].article.embargo_until = NOW + DAY
        session.flush()
        assert past_editions(session, newsletter_id=1, language="fr", length=9, now=NOW) == []
        with pytest.raises(NotFound):
            past_edition(session, public_id=draft.public_id, now=NOW)
        assert past_edition(session, public_id=draft.public_id, now=NOW + DAY) is draft


def test_the_schedules_digest_leaves_without_it(product: Product) -> None:
    """An embargo that comes between the compiling and the start holds nothing else back."""
    with product.database.transaction() as session:
        make_subscription(session)
        edition = make_draft(session)
        edition.is_automatic = True
        kept = edition.items[0].article
        keep_back(session, kept)
    run_due_schedules(product.database, now=NOW, config=product.config, links=product.links)
    with product.database.reading() as session:
        left = session.get_one(Edition, edition.id)
        assert left.status is EditionStatus.SENDING
        assert left.content is not None
        assert kept.title not in left.content.html + left.content.text + left.content.subject


def test_a_test_letter_is_withheld(product: Product) -> None:
    with product.database.transaction() as session:
        draft = make_draft(session)
        create_admin(session, email="ada@desk.example", language="fr", role=Role.ADMIN, now=NOW)
        send_test(session, edition_id=draft.id, address="ada@desk.example", now=NOW)
        draft.items[0].article.embargo_until = clock.now() + DAY
        session.flush()
        [copy] = copies(session)
        withheld = compose_test(session, copy, config=product.config, links=product.links)
        assert isinstance(withheld, Withheld)
        assert "may not leave yet" in withheld.reason


def test_an_article_that_is_not_there_is_said_so(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(NotFound):
        set_embargo(session, article_id=999, until=NOW + DAY, actor="ada@desk.example", now=NOW)
