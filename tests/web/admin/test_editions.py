from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.clock import now
from app.editions.lines import Compilation, CompileOutcome
from app.editions.models import Edition, EditionStatus
from app.product import Product
from app.stories.merging import begin_story
from tests import make
from tests.web import desk

TEXTS = {
    "subject": "Une semaine sous la mer",
    "preheader": "Trois enquêtes, deux réparations et un traité discret",
    "introduction": "Bonjour,\n\n*bonne* lecture.",
}


def titles(product: Product, edition_id: int) -> list[str]:
    return [item.article.title for item in desk.edition(product, edition_id).items]


def test_compiling_leads_to_a_draft_that_nobody_has_got(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_article(session, added_at=now())
    answer = admin.post("/admin/editions", data={"language": "fr", "window": "week"})
    assert answer.location == "/admin/editions/1?note=compiled"
    assert "Un câble coupé en mer Baltique" in admin.get(answer.location).text
    assert desk.edition(product, 1).status is EditionStatus.DRAFT


def test_nothing_new_is_said_and_recorded(admin: FlaskClient, product: Product) -> None:
    answer = admin.post("/admin/editions", data={"language": "en"})
    assert "Nothing new" in admin.get(answer.location).text
    with product.database.reading() as session:
        assert session.scalars(sa.select(Compilation.outcome)).all() == [CompileOutcome.NOTHING_NEW]
        assert session.scalars(sa.select(Edition)).all() == []


@pytest.mark.parametrize("data", [{}, {"language": "xx"}, {"language": "\0"}, {"language": "fr'; --"}])
def test_an_edition_is_in_one_of_our_languages(admin: FlaskClient, product: Product, data: dict[str, str]) -> None:
    assert admin.post("/admin/editions", data=data).status_code == 422
    with product.database.reading() as session:
        assert session.scalars(sa.select(Compilation)).all() == []


def test_texts_are_saved(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    answer = admin.post(f"/admin/editions/{edition_id}/texts", data=TEXTS)
    assert answer.location == f"/admin/editions/{edition_id}?note=texts"
    saved = desk.edition(product, edition_id)
    assert {name: getattr(saved, name) for name in TEXTS} == TEXTS


def test_a_form_sets_the_fields_it_names_and_no_other(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    extra = {"status": "sent", "is_automatic": "1", "public_id": "chosen", "newsletter_id": "9", "language": "en"}
    before = desk.edition(product, edition_id)
    admin.post(f"/admin/editions/{edition_id}/texts", data={**TEXTS, **extra})
    after = desk.edition(product, edition_id)
    for name in extra:
        assert getattr(after, name) == getattr(before, name)


def test_a_preheader_of_several_lines_is_saved_as_one(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    whole = f"{TEXTS['preheader']}\N{NO-BREAK SPACE}: la suite"
    admin.post(f"/admin/editions/{edition_id}/texts", data={**TEXTS, "preheader": whole.replace(", ", ",\r\n", 1)})
    assert desk.edition(product, edition_id).preheader == whole


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": ""},
        {"subject": "x" * 201},
        {"subject": "Bonjour\r\nBcc: eve@reader.example"},
        {"preheader": "short"},
        {"introduction": "x" * 5001},
    ],
)
def test_texts_that_cannot_be_sent_are_shown_again_unsaved(
    admin: FlaskClient, product: Product, changed: dict[str, str]
) -> None:
    edition_id = desk.make_draft(product)
    before = desk.edition(product, edition_id).subject
    page = admin.post(f"/admin/editions/{edition_id}/texts", data={**TEXTS, **changed})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert TEXTS["introduction"] in page.text or "introduction" in changed
    assert desk.edition(product, edition_id).subject == before


@pytest.mark.parametrize(
    ("which", "order"),
    [
        (lambda ids: {"down": ids[0]}, [1, 0, 2]),
        (lambda ids: {"up": ids[2]}, [0, 2, 1]),
        (lambda ids: {"up": ids[0]}, [0, 1, 2]),
        (lambda ids: {"down": ids[2]}, [0, 1, 2]),
    ],
)
def test_articles_move_by_one_place(
    admin: FlaskClient, product: Product, which: Callable[[list[int]], dict[str, int]], order: list[int]
) -> None:
    edition_id = desk.make_draft(product)
    before = titles(product, edition_id)
    ids = [item.article_id for item in desk.edition(product, edition_id).items]
    answer = admin.post(f"/admin/editions/{edition_id}/order", data=which(ids))
    assert answer.status_code == 303
    assert titles(product, edition_id) == [before[place] for place in order]


def test_an_article_is_taken_out_and_free_for_the_next_edition(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    first = desk.edition(product, edition_id).items[0]
    admin.post(f"/admin/editions/{edition_id}/removal", data={"item": first.article_id})
    assert len(titles(product, edition_id)) == 2
    admin.post("/admin/editions", data={"language": "fr", "window": "day"})
    assert titles(product, edition_id + 1) == [first.article.title]


@pytest.mark.parametrize(("path", "field"), [("order", "up"), ("order", "down"), ("removal", "item")])
@pytest.mark.parametrize("item", ["", "x", "0", "-1", "9" * 30, "1; DROP TABLE editions"])
def test_an_article_that_is_not_there_cannot_be_moved(
    admin: FlaskClient, product: Product, path: str, field: str, item: str
) -> None:
    edition_id = desk.make_draft(product)
    assert admin.post(f"/admin/editions/{edition_id}/{path}", data={field: item}).status_code == 404
    assert len(titles(product, edition_id)) == 3


def test_articles_of_another_edition_cannot_be_moved(admin: FlaskClient, product: Product) -> None:
    mine, other = desk.make_draft(product, tag="a"), desk.make_draft(product, tag="b")
    item = desk.edition(product, other).items[0].article_id
    assert admin.post(f"/admin/editions/{mine}/removal", data={"item": item}).status_code == 404
    assert len(titles(product, other)) == 3


def test_a_started_edition_can_no_longer_be_edited(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    item = desk.edition(product, edition_id).items[0].article_id
    with product.database.transaction() as session:
        session.execute(sa.update(Edition).values(status=EditionStatus.SENDING))
    for path, data in (("texts", TEXTS), ("order", {"down": item}), ("removal", {"item": item})):
        assert admin.post(f"/admin/editions/{edition_id}/{path}", data=data).status_code == 409
    assert len(titles(product, edition_id)) == 3


@pytest.mark.parametrize("path", ["", "/preview", "/letter", "/send", "/cancel", "/progress"])
@pytest.mark.parametrize("edition_id", ["77", "9999999999999999999999"])
def test_an_edition_that_is_not_there_is_not_found(admin: FlaskClient, path: str, edition_id: str) -> None:
    assert admin.get(f"/admin/editions/{edition_id}{path}").status_code == 404


def test_the_preview_shows_the_letter_at_three_widths_and_as_text(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product)
    page = admin.get(f"/admin/editions/{edition_id}/preview").text
    assert page.count("<iframe") == 3
    for width in (375, 768, 1280):
        assert f'width="{width}"' in page
    for frame in page.split("<iframe")[1:]:
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame.split(">")[0]
    assert "Article 0" in page.split("<pre")[1]


def test_the_framed_letter_can_run_nothing(admin: FlaskClient, product: Product) -> None:
    answer = admin.get(f"/admin/editions/{desk.make_draft(product)}/letter")
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split(";")}
    assert policy["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert "script-src" not in policy
    assert answer.text.count('<base target="_blank">') == 1


def test_what_articles_carry_is_shown_as_text(admin: FlaskClient, product: Product) -> None:
    hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7 * 7 }}'
    with product.database.transaction() as session:
        make.make_article(session, title=hostile, summary=hostile, link="javascript:alert(3)", added_at=now())
    admin.post("/admin/editions", data={"language": "fr", "window": "week"})
    admin.post("/admin/editions/1/texts", data={**TEXTS, "subject": hostile, "introduction": hostile})
    for path in ("", "/preview", "/letter", "/send", "/cancel"):
        page = admin.get(f"/admin/editions/1{path}").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript:' not in page
    assert "<script>alert" not in admin.get("/admin/articles").text + admin.get("/admin/").text
    assert "{{ 7 * 7 }}" in admin.get("/admin/articles").text


def test_long_lists_come_a_page_at_a_time(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(120):
            article = make.make_article(session, title=f"Title-{number:03}.", link=f"https://wire.example/{number}")
            article.story_id = begin_story(session, article.published_at).id
            article.grouped_at = now()
    seen, path = [], "/admin/articles"
    for expected in (50, 50, 20):
        page = admin.get(path).text
        seen += [number for number in range(120) if f"Title-{number:03}." in page]
        assert page.count("data-story") == expected
        path = page.partition('class="older"')[2].partition("/admin/articles?before=")[2].partition('"')[0]
        path = f"/admin/articles?before={path}"
    assert sorted(seen) == list(range(120))
    assert path.endswith("=")


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "1 OR 1=1", "\0"])
def test_an_odd_place_in_a_list_is_its_beginning(admin: FlaskClient, product: Product, before: str) -> None:
    desk.make_draft(product)
    for path in ("articles", "editions", "readers"):
        assert admin.get(f"/admin/{path}", query_string={"before": before}).status_code == 200
