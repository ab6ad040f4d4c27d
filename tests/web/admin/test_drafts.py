"""The editor of a draft: order, words, history, comments, two editors at once."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admins.models import AuditAct, AuditEntry, Role
from app.articles.models import Article
from app.clock import now
from app.db import Database
from app.editions.history import save_state
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionStatus
from app.editions.records import EditionComment, EditionRevision
from app.product import Product
from app.stories.models import Story
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from tests import make
from tests.statements import statements
from tests.web import desk

BEA = "bea@desk.example"
QUERIES_MAX = 12
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7 * 7 }}'


@pytest.fixture
def other(app: Flask, product: Product, admin: FlaskClient) -> FlaskClient:
    """A second editor, elsewhere."""
    client = app.test_client()
    desk.make_admin(product, email=BEA)
    desk.sign_in(client, email=BEA)
    return client


@pytest.fixture
def draft(admin: FlaskClient, product: Product) -> str:
    """The address of a draft of three articles."""
    return f"/admin/editions/{desk.make_draft(product)}"


def ids(product: Product) -> list[int]:
    return [item.article_id for item in desk.edition(product, 1).items]


def test_two_editors_see_both_versions_and_one_chooses(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str
) -> None:
    other.post(f"{draft}/texts", data={"revision": 0, "subject": "De Bea"})
    page = admin.post(f"{draft}/texts", data={"revision": 0, "subject": "D’Ada", "introduction": "Bonjour"})
    assert page.status_code == 409
    for said in ("bea@desk.example has changed the same", "De Bea", "D’Ada", "Bonjour"):
        assert said in page.text
    assert desk.edition(product, 1).subject == "De Bea"
    chosen = {"revision": 1, "subject": "D’Ada", "introduction": "Bonjour"}
    assert admin.post(f"{draft}/texts", data=chosen).status_code == 303
    assert desk.edition(product, 1).subject == "D’Ada"


def test_a_script_is_told_of_the_revision_and_of_what_is_in_the_way(
    admin: FlaskClient, other: FlaskClient, draft: str
) -> None:
    script = {"HX-Request": "true"}
    saved = admin.post(f"{draft}/texts", data={"revision": 0, "subject": "Un"}, headers=script)
    assert (saved.status_code, 'data-revision="1" data-undo="1" data-redo="0"' in saved.text) == (200, True)
    short = admin.post(f"{draft}/texts", data={"revision": 1, "preheader": "court"}, headers=script)
    assert (short.status_code, "Not saved yet" in short.text) == (422, True)
    crossed = other.post(f"{draft}/texts", data={"revision": 0, "subject": "Deux"}, headers=script)
    assert (crossed.status_code, "See both versions" in crossed.text) == (409, True)


def test_a_script_has_read_no_text_that_it_did_not_send(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str
) -> None:
    script, subject = {"HX-Request": "true"}, desk.edition(product, 1).subject
    other.post(f"{draft}/texts", data={"revision": 0, "subject": "De Bea"})
    typed = {"revision": 0, "subject": f"{subject} ", "introduction": "Bonjour"}
    saved = admin.post(f"{draft}/texts", data=typed, headers=script).text
    assert 'data-revision="2"' in saved
    assert 'data-before="1" data-taken="introduction"' in saved
    nothing = admin.post(f"{draft}/texts", data={"revision": 0, "subject": f"{subject}  "}, headers=script).text
    assert 'data-before="2" data-taken=""' in nothing
    assert desk.edition(product, 1).subject == "De Bea"


def test_a_dragged_order_overwrites_no_other(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str
) -> None:
    first, second, third = ids(product)
    layout = f"{third}\n# La mer\n{first}\n{second}"
    assert other.post(f"{draft}/order", data={"revision": 0, "layout": layout}).status_code == 303
    assert [item.section for item in desk.edition(product, 1).items] == [None, "La mer", "La mer"]
    page = admin.post(f"{draft}/order", data={"revision": 0, "layout": f"{second}\n{first}\n{third}"})
    assert page.status_code == 409
    assert '<li class="version-heading">La mer</li>' in page.text
    assert ids(product) == [third, first, second]


@pytest.mark.parametrize("layout", ["1\n1\n2", "99", "1; DROP TABLE editions", "# \n1", "\0"])
def test_an_odd_order_is_refused(admin: FlaskClient, product: Product, draft: str, layout: str) -> None:
    before = ids(product)
    assert admin.post(f"{draft}/order", data={"revision": 0, "layout": layout}).status_code in {303, 422}
    assert set(ids(product)) <= set(before)


def test_what_was_taken_out_comes_back(admin: FlaskClient, product: Product, draft: str) -> None:
    first, second, third = ids(product)
    admin.post(f"{draft}/removal", data={"item": first})
    assert "Bring back" in admin.get(draft).text
    assert admin.post(f"{draft}/return", data={"item": first}).status_code == 303
    assert ids(product) == [second, third, first]
    for strange, status in ((first, 409), (99, 404), (-1, 404), ("x", 404)):
        assert admin.post(f"{draft}/return", data={"item": strange}).status_code == status


@pytest.mark.parametrize(
    ("path", "field"), [("removal", "item"), ("order", "up"), ("section", "item"), ("lead", "item"), ("words", "item")]
)
def test_what_somebody_else_has_taken_out_is_said_to_be_out(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str, path: str, field: str
) -> None:
    first, *rest = ids(product)
    other.post(f"{draft}/removal", data={"item": first})
    refused = admin.post(f"{draft}/{path}", data={field: first, "heading": "La mer", f"title:{first}": "La mer"})
    assert (refused.status_code, "Somebody, perhaps you, was here before" in refused.text) == (409, True)
    assert ids(product) == rest


def test_what_another_edition_has_meanwhile_is_not_offered_to_come_back(
    admin: FlaskClient, product: Product, draft: str
) -> None:
    first, *rest = ids(product)
    admin.post(f"{draft}/removal", data={"item": first})
    admin.post("/admin/editions", data={"language": "fr", "window": "month"})
    assert [item.article_id for item in desk.edition(product, 2).items] == [first]
    page = admin.get(draft).text
    assert ("Bring back" in page, "Kept back, or in another edition" in page) == (False, True)
    refused = admin.post(f"{draft}/return", data={"item": first})
    assert (refused.status_code, "Somebody, perhaps you, was here before" in refused.text) == (409, True)
    assert ids(product) == rest


def test_a_story_has_words_of_its_own_and_another_article_leads(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        story = Story(first_at=now(), last_at=now(), ranks_at=now(), languages={"fr": 2})
        session.add(story)
        session.flush()
        for name in ("Un", "Deux"):
            source = make.make_source(session, location=f"https://{name.lower()}.example/feed")
            source.name = name
            article = make.make_article(
                session, title=f"Vu par {name}", link=f"https://{name}.example/", source=source, added_at=now()
            )
            article.story_id = story.id
    admin.post("/admin/editions", data={"language": "fr", "window": "week"})
    [item] = desk.edition(product, 1).items
    words = {"revision": 0, "item": item.article_id, f"title:{item.article_id}": "À nous"}
    admin.post("/admin/editions/1/words", data=words)
    lead = item.also[0].article_id
    admin.post("/admin/editions/1/lead", data={"item": item.article_id, "lead": lead})
    [led] = desk.edition(product, 1).items
    assert (led.article_id, led.title) == (lead, "À nous")
    with product.database.reading() as session:
        told = session.scalars(sa.select(AuditEntry.detail).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert told == f"article {lead} for {item.article_id}"
    history = admin.get("/admin/editions/1/history").text
    assert "Leads now" in history
    assert "Own title" in history


def test_undoing_redoing_and_restoring(admin: FlaskClient, product: Product, draft: str) -> None:
    was = desk.edition(product, 1).subject
    admin.post(f"{draft}/texts", data={"revision": 0, "subject": "Un"})
    steps = (("undo", {}, was), ("redo", {}, "Un"), ("history", {"number": 0}, was), ("undo", {}, "Un"))
    for seen, (path, data, subject) in enumerate(steps, start=1):
        assert admin.post(f"{draft}/{path}", data={"revision": seen, **data}).status_code == 303
        assert desk.edition(product, 1).subject == subject
    for number in ("", "x", "-1", "9" * 30):
        assert admin.post(f"{draft}/history", data={"number": number, "revision": 5}).status_code == 404
    assert admin.post(f"{draft}/undo", data={"revision": 5}).status_code == 303
    page = admin.get(f"{draft}/history").text
    for said in (
        "As it was compiled",
        "Subject",
        "By undoing:",
        "By doing again:",
        "An earlier version brought back",
        desk.EMAIL,
    ):
        assert said in page


def test_nobody_undoes_the_work_of_another_unseen(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str
) -> None:
    admin.post(f"{draft}/texts", data={"revision": 0, "subject": "D’Ada"})
    assert (
        '<input type="hidden" name="revision" value="1">' in admin.get(draft).text.split("/undo")[1].split("</form>")[0]
    )
    other.post(f"{draft}/texts", data={"revision": 1, "introduction": "De Bea"})
    for path, data in (("undo", {}), ("redo", {}), ("history", {"number": 0})):
        page = admin.post(f"{draft}/{path}", data={"revision": 1, **data})
        assert page.status_code == 409
        for said in (f"{BEA} has changed the draft", "what has changed: Introduction.", "De Bea"):
            assert said in page.text
    assert (desk.edition(product, 1).subject, desk.edition(product, 1).introduction) == ("D’Ada", "De Bea")
    assert '<input type="hidden" name="revision" value="2">' in page.text.split("/undo")[1].split("</form>")[0]
    assert admin.post(f"{draft}/undo", data={"revision": 2}).status_code == 303
    assert desk.edition(product, 1).introduction == ""


def test_both_versions_and_their_revision_are_of_one_moment(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: str
) -> None:
    other.post(f"{draft}/texts", data={"revision": 0, "subject": "De Bea"})
    with saved_by_bea_once_looked_at(product, subject="De Bea encore"):
        page = admin.post(f"{draft}/texts", data={"revision": 0, "subject": "D’Ada"})
    assert desk.edition(product, 1).subject == "De Bea encore"
    shown = re.search(r'name="revision" value="(\d+)"', page.text)
    assert shown is not None
    assert "De Bea encore" not in page.text
    assert admin.post(f"{draft}/texts", data={"revision": shown[1], "subject": "D’Ada"}).status_code == 409


@contextmanager
def saved_by_bea_once_looked_at(product: Product, **texts: str) -> Iterator[None]:
    """Bea saves what she sees as soon as a transaction within the block that read the history of a draft has ended."""
    engine, read = product.database.engine, list[str]()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        read.extend(["looked"] if "FROM edition_revisions" in statement else [])

    def save(*_: Any) -> None:
        if "looked" not in read or "done" in read:
            return
        read.append("done")
        elsewhere = Database(engine.url.render_as_string(hide_password=False))
        with elsewhere.transaction() as session:
            seen = session.get_one(Edition, 1).revision
            save_state(session, edition_id=1, seen=seen, changes=texts, actor=BEA, now=now())
        elsewhere.dispose()

    sa.event.listen(engine, "before_cursor_execute", note)
    sa.event.listen(engine, "checkin", save)
    yield
    sa.event.remove(engine, "checkin", save)
    sa.event.remove(engine, "before_cursor_execute", note)


def test_every_change_is_in_the_audit_log(admin: FlaskClient, product: Product, draft: str) -> None:
    first, *_ = ids(product)
    with product.database.transaction() as session:
        late = make.make_article(session, title="Après coup", link="https://wire.example/late", added_at=now()).id
    posts = (
        ("texts", {"subject": "Un"}), ("order", {"down": first}), ("removal", {"item": first}),
        ("return", {"item": first}), ("addition", {"item": late}), ("section", {"item": first, "heading": "La mer"}),
        ("words", {"item": first, f"title:{first}": "À nous", "revision": 6}), ("undo", {"revision": 7}),
        ("redo", {"revision": 8}), ("history", {"revision": 9, "number": 0}),
        ("comments", {"text": "Bien"}), ("comments/resolution", {"comment": 1}),
    )  # fmt: skip
    for path, data in posts:
        assert admin.post(f"{draft}/{path}", data=data).status_code == 303, path
    with product.database.reading() as session:
        acts = session.scalars(sa.select(AuditEntry.act).where(AuditEntry.target == "edition:1")).all()
    assert acts.count(AuditAct.EDITION_CHANGED) == len(posts) - 2
    assert {AuditAct.EDITION_COMMENTED, AuditAct.COMMENT_RESOLVED} <= set(acts)


def test_a_button_that_changes_nothing_is_no_change(admin: FlaskClient, product: Product, draft: str) -> None:
    first, *_ = ids(product)
    shown = desk.edition(product, 1)
    posts = (
        ("texts", {}), ("texts", {"subject": shown.subject, "preheader": shown.preheader}), ("order", {"up": first}),
        ("words", {"item": first, f"title:{first}": ""}), ("section", {"item": first, "heading": ""}),
    )  # fmt: skip
    for path, data in posts:
        assert admin.post(f"{draft}/{path}", data={"revision": 0, **data}).status_code == 303, path
    with product.database.reading() as session:
        assert AuditAct.EDITION_CHANGED not in session.scalars(sa.select(AuditEntry.act)).all()
    assert desk.edition(product, 1).revision == 0


def test_a_started_edition_has_a_history_and_no_changes(admin: FlaskClient, product: Product, draft: str) -> None:
    admin.post(f"{draft}/texts", data={"revision": 0, "subject": "Un"})
    with product.database.transaction() as session:
        session.execute(sa.update(Edition).values(status=EditionStatus.SENT))
    item = ids(product)[0]
    for path, data in (
        ("undo", {}), ("history", {"number": 0}), ("section", {"item": item, "heading": "x"}),
        ("words", {"item": item, f"title:{item}": "x"}), ("order", {"layout": str(item)}), ("return", {"item": item}),
    ):  # fmt: skip
        assert admin.post(f"{draft}/{path}", data=data).status_code == 409, path
    assert "Bring this version back" not in admin.get(f"{draft}/history").text


def test_editors_comment_and_resolve(admin: FlaskClient, other: FlaskClient, product: Product, draft: str) -> None:
    article_id = ids(product)[0]
    admin.post(f"{draft}/comments", data={"text": HOSTILE, "article": article_id})
    page = other.get(draft).text
    assert "1 comment<" in page
    assert "<script>alert" not in page
    other.post(f"{draft}/comments/resolution", data={"comment": 1})
    assert f"Resolved by {BEA}" in admin.get(draft).text
    for data, status in (({"text": " "}, 422), ({"text": "x" * 2001}, 422), ({"text": "x", "article": 99}, 404)):
        assert admin.post(f"{draft}/comments", data=data).status_code == status
    assert admin.post(f"{draft}/comments/resolution", data={"comment": "9" * 30}).status_code == 404
    with product.database.reading() as session:
        assert len(session.scalars(sa.select(EditionComment)).all()) == 1


def test_an_introduction_is_shown_clean_before_it_is_saved(admin: FlaskClient, product: Product, draft: str) -> None:
    shown = admin.post(
        f"{draft}/introduction", data={"introduction": f"*Bien* [x](javascript:alert(1)) {HOSTILE}"}
    ).text
    assert "<em>Bien</em>" in shown
    assert "<script" not in shown
    assert "href=" not in shown
    with product.database.reading() as session:
        assert session.scalars(sa.select(EditionRevision)).all() == []


def test_sections_and_words_stand_in_both_parts_of_the_letter(admin: FlaskClient, product: Product, draft: str) -> None:
    first, second, _ = ids(product)
    admin.post(f"{draft}/section", data={"item": second, "heading": "La mer & <b>les câbles</b>"})
    admin.post(
        f"{draft}/words", data={"revision": 1, "item": first, f"title:{first}": HOSTILE, f"teaser:{first}": "Nos mots"}
    )
    html = admin.get(f"{draft}/letter").text
    assert "La mer &amp; &lt;b&gt;les câbles&lt;/b&gt;</h2>" in html
    assert html.index("Nos mots") < html.index("La mer") < html.rindex("</h3>")
    assert "<script" not in html
    text = admin.get(f"{draft}/preview").text.split("<pre")[1]
    assert "LA MER &amp; &lt;B&gt;LES CÂBLES&lt;/B&gt;" in text
    assert "Nos mots" in text
    assert "In brief" not in html


def test_without_a_twin_one_is_compiled_from_the_page(admin: FlaskClient, product: Product) -> None:
    desk.make_draft(product, language="fr", articles=2, readers=0)
    page = admin.get("/admin/editions/1/twin").text
    assert "No edition in another language" in page
    assert 'name="language" value="en">Compile the edition in English' in page
    desk.make_draft(product, language="en", articles=1, readers=0)
    assert "Beside the edition in English" in admin.get("/admin/editions/1").text


@pytest.fixture
def twins(admin: FlaskClient, product: Product) -> tuple[str, str]:
    """The addresses of two drafts: of their stories the first is in both, and the second in French alone, so far."""
    french, english = (
        f"/admin/editions/{desk.make_draft(product, language=language, articles=2, readers=0)}"
        for language in ("fr", "en")
    )
    with product.database.transaction() as session:
        for number in range(2):
            story = Story(first_at=now(), last_at=now(), ranks_at=now(), languages={"fr": 1, "en": 1})
            session.add(story)
            session.flush()
            for edition_id in (1, 2):
                session.get_one(Edition, edition_id).items[number].article.story_id = story.id
    admin.post(f"{english}/removal", data={"item": desk.edition(product, 2).items[1].article_id})
    return french, english


def cells(page: str) -> list[list[str]]:
    """What each row says of the story, French first."""
    rows = page.split('class="twins twin-row"')[1:]
    return [[unescape(cell) for cell in row.split('<div class="twin twin-cell')[1:]] for row in rows]


def test_two_drafts_are_edited_side_by_side_each_with_its_own_revision(
    admin: FlaskClient, product: Product, twins: tuple[str, str]
) -> None:
    french, english = twins
    page = admin.get(f"{french}/twin").text
    for address, revision in ((french, 0), (english, 1)):
        for form in ("texts", "words", "undo"):
            opened = page.split(f'action="{address}/{form}"')[1].split("</form>")[0]
            assert f'name="revision" value="{revision}"' in opened, (address, form)
            assert 'name="beside" value="1"' in opened
    saved = admin.post(f"{english}/texts", data={"revision": 1, "subject": "Cables", "beside": 1})
    assert saved.location == "/admin/editions/1/twin?show=2&note=texts"
    assert (desk.edition(product, 2).subject, desk.edition(product, 1).revision) == ("Cables", 0)
    other = admin.post(f"{english}/texts", data={"revision": 0, "subject": "Wires", "beside": 1})
    assert (other.status_code, 'name="beside" value="1"' in other.text) == (409, True)
    for odd in ("0", "x", "9" * 30, "-1"):
        undone = admin.post(f"{english}/undo", data={"revision": desk.edition(product, 2).revision, "beside": odd})
        assert (undone.status_code, "/twin" in undone.location) == (303, False)
        admin.post(f"{english}/redo", data={"revision": desk.edition(product, 2).revision})


def test_what_a_twin_lacks_is_put_in_from_the_page(
    admin: FlaskClient, product: Product, twins: tuple[str, str]
) -> None:
    french, english = twins
    shared, lacking = cells(admin.get(f"{french}/twin").text)
    assert [("No twin" in cell, "Own words" in cell) for cell in shared] == [(False, True)] * 2
    assert "No twin" in lacking[1]
    assert "of “Article 0”" in lacking[1]
    item = re.search(r'name="item" value="(\d+)">Put it in', lacking[1])
    assert item is not None
    done = admin.post(f"{english}/addition", data={"item": item[1], "beside": 1})
    assert done.location == f"/admin/editions/1/twin?show=2&note=put-in#item-{item[1]}"
    assert "No twin" not in admin.get(done.location).text
    assert [str(each.article_id) for each in desk.edition(product, 2).items].index(item[1]) == 1
    admin.post(f"{english}/removal", data={"item": item[1]})
    admin.post(f"{french}/order", data={"up": desk.edition(product, 1).items[1].article_id})
    for beside in (1, 2, 99):
        admin.post(f"{english}/addition", data={"item": item[1], "beside": beside})
        assert str(desk.edition(product, 2).items[0].article_id) == item[1]
        admin.post(f"{english}/removal", data={"item": item[1]})
    admin.post(f"{english}/addition", data={"item": item[1]})
    for strange in (item[1], desk.edition(product, 1).items[0].article_id, 99, "9" * 30, "x"):
        assert admin.post(f"{english}/addition", data={"item": strange}).status_code in {404, 409}
    assert len(desk.edition(product, 2).items) == 2


def test_where_no_article_tells_a_story_one_is_written(
    admin: FlaskClient, product: Product, twins: tuple[str, str]
) -> None:
    with product.database.transaction() as session:
        session.execute(sa.update(Article).where(Article.language == "en").values(story_id=None))
    english_only = cells(admin.get(f"{twins[0]}/twin").text)[0]
    assert 'href="/admin/articles/new?language=fr"' in english_only[0]
    assert '<option value="fr" selected' in admin.get("/admin/articles/new?language=fr").text
    assert '<option value="en" selected' in admin.get("/admin/articles/new?language=xx").text


def test_who_may_not_write_reads_both_sides(app: Flask, product: Product, twins: tuple[str, str]) -> None:
    desk.make_admin(product, email=BEA, role=Role.VIEWER)
    client = app.test_client()
    desk.sign_in(client, email=BEA)
    page = client.get(f"{twins[0]}/twin").text
    assert "No twin" in page
    assert "<textarea" not in page
    assert "Put it in" not in page


def test_pages_of_a_draft_ask_few_questions(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product, articles=25, readers=0)
    for language in ("fr", "en"):
        desk.make_schedule(product, language=language)
    desk.make_draft(product, articles=25, readers=0, language="en")
    draft = f"/admin/editions/{edition_id}"
    for number in range(12):
        item = desk.edition(product, edition_id).items[0].article_id
        admin.post(f"{draft}/{('removal', 'return')[number % 2]}", data={"item": item})
        admin.post(f"{draft}/comments", data={"text": f"Commentaire {number}"})
    with product.database.transaction() as session:  # each has stories that the other lacks and may take, and a line
        for number, article in enumerate(session.scalars(sa.select(Article))):
            story = Story(first_at=now(), last_at=now(), ranks_at=now(), languages={"fr": 1})
            session.add(story)
            session.flush()
            article.story_id = story.id
            language = ("fr", "en")[number % 2]
            make.make_article(session, language=language, link=f"https://x.example/{number}").story_id = story.id
        schedules = {each.language: each.id for each in session.scalars(sa.select(Schedule))}
        for each in session.scalars(sa.select(Edition)):
            each.schedule_id = schedules.get(each.language)
    assert admin.get(f"{draft}/twin").text.count("Put it in") > 20
    for path in ("", "/history", "/twin", "/preview", "/letter", "/preview?mute=place:EE"):
        with statements(product.database) as asked:
            assert admin.get(f"{draft}{path}").status_code == 200
        assert len(asked) <= QUERIES_MAX, (path, len(asked), asked)


def test_a_letter_is_shown_light_and_dark_whatever_the_editor_has(admin: FlaskClient, draft: str) -> None:
    as_sent, light, dark = (admin.get(f"{draft}/letter{query}").text for query in ("", "?scheme=light", "?scheme=dark"))
    assert "(prefers-color-scheme: dark)" in as_sent
    for html, query, scheme in ((light, "@media not all", "light"), (dark, "@media all", "dark")):
        assert query in html
        assert "prefers-color-scheme" not in html
        assert f":root {{ color-scheme: {scheme};" in html
        assert f'name="color-scheme" content="{scheme}"' in html
    assert admin.get(f"{draft}/letter?scheme=x").text == as_sent


def test_a_letter_is_shown_without_its_pictures_beside_itself_with_them(
    admin: FlaskClient, product: Product, draft: str
) -> None:
    assert "The letter carries no pictures" in admin.get(f"{draft}/preview").text
    desk.put_template_in_force(product, desk.with_logo(product))
    both = admin.get(f"{draft}/preview").text
    assert "carries no pictures" not in both
    for asked, frames in (("", {"on": 3, "off": 3}), ("on", {"on": 3, "off": 0}), ("off", {"on": 0, "off": 3})):
        page = admin.get(f"{draft}/preview?pictures={asked}&scheme=dark").text
        assert {way: page.count(f"scheme=dark&amp;pictures={way}") for way in frames} == frames
    for asked, fetched in (
        ("on", "img-src 'self' https:;"),
        ("off", "img-src 'none';"),
        ("x", "img-src 'self' https:;"),
    ):
        letter = admin.get(f"{draft}/letter?pictures={asked}")
        assert fetched in letter.headers["Content-Security-Policy"]
        assert f'alt="{desk.LOGO}"' in letter.text


def test_a_letter_is_shown_as_a_reader_gets_it_who_chose_so(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number, topic in enumerate(("place:EE", "place:FR")):
            link = f"https://wire.example/topic/{number}"
            article = make.make_article(session, title=f"Vu {topic}", link=link, added_at=now())
            session.add(
                ArticleTopic(
                    article_id=article.id, topic=topic, weight=0.9, rank=Rank.PRIMARY, words=[], is_by_editor=True
                )
            )
    admin.post("/admin/editions", data={"language": "fr", "window": "week"})
    shown = admin.get("/admin/editions/1/preview?mute=place:EE").text
    frame = shown.split("<iframe")[1].split(">")[0]
    assert "mute=place:EE" in frame.replace("%3A", ":")
    letter = admin.get("/admin/editions/1/letter?mute=place:EE").text
    assert ("Vu place:FR" in letter, "Vu place:EE" in letter) == (True, False)
    assert "Such a reader gets no letter" in admin.get("/admin/editions/1/preview?follow=place:JP").text
    assert admin.get("/admin/editions/1/letter?follow=place:JP").status_code == 404
    for odd in ("follow=place:XX", "also=xx", "mute=%00"):
        assert admin.get(f"/admin/editions/1/preview?{odd}").status_code == 422
