"""The editor of a draft in a real browser: order by keys and by pointer, saving while one writes, two editors, and the
letter as its readers see it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from app.clock import now
from app.digests.coverage import call_off
from app.editions.comments import add_comment
from app.editions.history import save_state
from app.editions.models import Edition
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='40'><path d='M0 0h200v40H0z'/></svg>"


@pytest.fixture(params=["en"])
def page(request: pytest.FixtureRequest, open_desk: Callable[..., Page]) -> Page:
    """A signed-in editor's page."""
    return open_desk(language=request.param)


def titles(product: Product, edition_id: int) -> list[str]:
    return [item.shown_title for item in desk.edition(product, edition_id).items]


def test_articles_are_ordered_by_keys_and_by_pointer(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    first, second, third = titles(product, draft)
    page.goto(f"/admin/editions/{draft}")
    page.get_by_role("button", name=f"Move down: {first}").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#moves")).to_have_text(f"{first}: place 2 of 3")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#saved")).to_contain_text("Version 2")
    assert page.evaluate("document.activeElement.closest('[data-entry]').dataset.title") == first
    assert titles(product, draft) == [second, third, first]
    grip, target = page.locator("[data-grip]").nth(2).bounding_box(), page.locator(".item").nth(0).bounding_box()
    assert grip
    assert target
    page.mouse.move(grip["x"] + 10, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + 20, target["y"] + 30, steps=8)
    page.mouse.move(target["x"] + 20, target["y"] + 5, steps=3)
    page.mouse.up()
    expect(page.locator("#saved")).to_contain_text("Version 3")
    assert titles(product, draft) == [first, second, third]
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**note=undone**")
    assert titles(product, draft) == [second, third, first]


def test_what_is_taken_back_by_keyboard_leaves_the_focus_on_its_way(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    for title in titles(product, draft)[:2]:
        with page.expect_response("**/order"):
            page.get_by_role("button", name=f"Move down: {title}").press("Enter")
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(page.locator("#saved")).to_contain_text("Version 2")
    undo.press("Enter")
    expect(page.locator("#saved")).to_contain_text("Version 3")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("Version 4")
    expect(redo).to_be_focused()
    expect(undo).to_be_disabled()


def test_the_page_shows_a_subject_that_follows_an_order_and_takes_words_written_over_it(
    page: Page, product: Product
) -> None:
    draft = desk.make_draft(product, readers=0)
    first, second, _ = titles(product, draft)
    page.goto(f"/admin/editions/{draft}")
    subject = page.get_by_label("Subject")
    expect(subject).to_have_value(first)
    page.get_by_role("button", name=f"Move down: {first}").click()
    expect(subject).to_have_value(second)
    expect(page.locator("[data-shows=subject]")).to_have_text(second)
    subject.fill("Une semaine sous la mer")
    expect(page.locator("#saved")).to_contain_text("Version 2")
    page.get_by_role("button", name=f"Move down: {second}").click()
    expect(page.locator("#saved")).to_contain_text("Version 3")
    expect(subject).to_have_value("Une semaine sous la mer")
    saved = desk.edition(product, draft)
    assert (saved.subject, titles(product, draft)[0]) == ("Une semaine sous la mer", first)


def test_a_subject_made_anew_while_somebody_is_about_to_write_over_it_is_written_over(
    page: Page, product: Product
) -> None:
    draft = desk.make_draft(product, readers=0)
    first, second, _ = titles(product, draft)
    page.goto(f"/admin/editions/{draft}")
    subject = page.get_by_label("Subject")
    held: list[Route] = []
    page.route("**/order", lambda route: held.append(route))
    with page.expect_request("**/order"):
        page.get_by_role("button", name=f"Move down: {first}").click()
    subject.select_text()
    held[0].continue_()
    expect(subject).to_have_value(second)
    page.keyboard.type("Une semaine sous la mer")
    expect(subject).to_have_value("Une semaine sous la mer")


def test_what_waits_to_be_saved_is_what_is_taken_back_first(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    before = desk.edition(product, draft).subject
    page.goto(f"/admin/editions/{draft}")
    page.get_by_label("Introduction", exact=True).fill("Bonjour")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**note=undone**")
    undone = desk.edition(product, draft)
    assert (undone.subject, undone.introduction, undone.revision) == (before, "Bonjour", 3)


def test_a_second_click_while_the_first_is_under_way_sends_nothing(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    change_as_bea(product, draft, subject="By Bea")
    page.goto(f"/admin/editions/{draft}")
    sent = []

    def answer_late(route: Route) -> None:
        sent.append(route.fetch(max_redirects=0).status)  # the browser is told of it later

    page.route("**/undo", answer_late)
    undo = "document.querySelector('[data-way=undo]').click()"
    page.evaluate(f"{{ {undo}; setTimeout(() => {undo}, 500); }}")
    page.wait_for_timeout(1500)
    assert sent == [303]


def test_an_article_shows_the_words_that_are_written_for_it(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    first = desk.edition(product, draft).items[0]
    page.goto(f"/admin/editions/{draft}")
    item = page.locator(f"#item-{first.article_id}")
    item.locator("summary").click()
    item.get_by_label("Own title").fill("Sous la mer")
    item.get_by_label("Own teaser").fill("Ce que l’on sait.")
    expect(item.get_by_role("heading")).to_have_text("Sous la mer")
    expect(item.locator(".item-summary")).to_have_text("Ce que l’on sait.")
    item.get_by_label("Own title").fill(" ")
    item.get_by_label("Own teaser").fill("")
    expect(item.get_by_role("heading")).to_have_text(first.article.title)
    expect(item.locator(".item-summary")).to_have_text(first.article.summary)


def test_a_comment_that_is_being_written_outlives_the_other_buttons(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    first = titles(product, draft)[0]
    page.goto(f"/admin/editions/{draft}")
    comment, on = page.get_by_label("A comment for the other editors"), page.get_by_label("On", exact=True)
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    comment.fill("Is this so?\nI doubt it.")
    on.select_option(label=first)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**note=undone**")
    expect(comment).to_have_value("Is this so?\nI doubt it.")
    expect(on.locator("option:checked")).to_have_text(first)
    page.get_by_role("button", name=f"Take out: {first}").click()
    page.wait_for_url("**note=removed**")
    expect(on.locator("option:checked")).to_have_text("the whole edition")
    page.get_by_role("button", name="Say it").click()
    page.wait_for_url("**note=comment**")
    expect(page.locator(".comment-text")).to_have_text("Is this so? I doubt it.")
    expect(comment).to_have_value("")


def test_no_button_drops_a_text_that_was_not_saved_yet(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    first, *rest = titles(product, draft)
    page.goto(f"/admin/editions/{draft}")
    page.get_by_label("Preheader").fill("Too short")
    page.get_by_role("button", name=f"Take out: {first}").click()
    expect(page.locator("#saved")).to_contain_text("Not saved yet")
    assert titles(product, draft) == [first, *rest]
    page.get_by_label("Preheader").fill("Long enough to stand behind the subject of a letter")
    page.get_by_role("button", name=f"Take out: {first}").click()
    page.wait_for_url("**note=removed**")
    expect(page.get_by_label("Preheader")).to_have_value("Long enough to stand behind the subject of a letter")
    assert titles(product, draft) == rest


def test_a_text_that_is_refused_keeps_back_no_other_and_says_so_in_sight(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, articles=12, readers=0)
    page.goto(f"/admin/editions/{draft}")
    page.get_by_label("Preheader").fill("Too short")
    introduction = page.get_by_label("Introduction", exact=True)
    introduction.fill("*Bonjour*")
    expect(page.locator("#introduction-shown em")).to_have_text("Bonjour")
    refused = page.locator(".saved-not")
    expect(refused).to_contain_text("Not saved yet: subject and preheader")
    with page.expect_response(
        lambda answer: answer.ok and answer.url.endswith("/texts") and "encore" in (answer.request.post_data or "")
    ):
        introduction.press_sequentially(", encore")
    assert desk.edition(product, draft).introduction == "*Bonjour*, encore"
    page.get_by_role("button", name="Say it").scroll_into_view_if_needed()
    expect(refused).to_contain_text("Not saved yet: subject and preheader")
    expect(refused).to_be_in_viewport()
    page.set_viewport_size({"width": 375, "height": 740})
    first = page.locator(".item").first
    first.evaluate("each => each.scrollIntoView()")
    assert first.bounding_box()["y"] >= refused.bounding_box()["y"] + refused.bounding_box()["height"], "not under it"


def test_whoever_leaves_a_text_that_was_refused_is_asked_first(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    preheader = page.get_by_label("Preheader")
    for _ in range(2):
        preheader.clear()
        preheader.press_sequentially("Too short")
        expect(page.locator("#saved")).to_contain_text("Not saved yet")
        page.get_by_role("link", name="History").click()
        page.wait_for_url("**/history")
        page.goto(f"/admin/editions/{draft}")
    assert asked == ["beforeunload"] * 2
    page.get_by_label("Introduction", exact=True).press_sequentially("Bonjour")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history")
    assert len(asked) == 2, "what was saved is left without a word"


def test_what_cannot_be_saved_is_said_and_tried_again(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    page.route("**/texts", lambda route: route.abort("connectionreset"))
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    expect(page.locator("#saved")).to_contain_text("the desk does not answer")
    page.unroute("**/texts")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    assert desk.edition(product, draft).subject == "Une semaine sous la mer"
    with product.database.transaction() as session:
        call_off(session, edition_id=draft, actor="bob@desk.example", now=now())
    page.get_by_label("Subject").fill("Une semaine sur la mer")
    expect(page.locator("#saved")).to_contain_text("the draft is another one by now")


def test_a_long_subject_is_seen_whole_and_stays_one_line(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    subject = page.get_by_label("Subject")
    subject.fill("Une semaine sous la mer " * 8)
    for field in (subject, page.get_by_label("Preheader")):
        assert field.evaluate("each => each.scrollHeight - each.clientHeight") <= 0
        assert field.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
    subject.fill("Une semaine\nsous la mer")
    subject.press("Enter")
    expect(subject).to_have_value("Une semaine sous la mer")


def test_on_a_phone_a_draft_leads_to_its_texts(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, articles=12, readers=0)
    page.goto(f"/admin/editions/{draft}")
    leap = page.get_by_role("navigation", name="On this page")
    expect(leap).to_be_hidden()
    page.set_viewport_size({"width": 375, "height": 740})
    leap.get_by_role("link", name="Texts").press("Enter")
    expect(page.get_by_label("Subject")).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Subject")).to_be_focused()


def test_texts_save_themselves_and_show_what_another_editor_wrote(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    expect(page.locator("#subject-count")).to_have_text("9 characters")
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    expect(page.locator("[data-shows=subject]")).to_have_text("Une semaine sous la mer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Une semaine sous la mer")
    page.get_by_label("Introduction", exact=True).fill("*Bonjour*")
    expect(page.locator("#introduction-shown em")).to_have_text("Bonjour")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    with product.database.transaction() as session:
        theirs = {"subject": "De Bea"}
        save_state(session, edition_id=draft, seen=1, changes=theirs, actor="bea@desk.example", now=now())
    page.get_by_label("Subject").fill("D’Ada")
    page.get_by_role("button", name="See both versions").click()
    expect(page.get_by_label("Yours")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Yours").check()
    page.get_by_role("button", name="Save what I chose").click()
    assert desk.edition(product, draft).subject == "D’Ada"


def change_as_bea(product: Product, draft: int, **theirs: str) -> None:
    """Another editor saves what she sees."""
    with product.database.transaction() as session:
        seen = session.get_one(Edition, draft).revision
        save_state(session, edition_id=draft, seen=seen, changes=theirs, actor="bea@desk.example", now=now())


def test_a_save_of_one_text_overwrites_none_that_another_editor_changed_meanwhile(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    change_as_bea(product, draft, introduction="De Bea")
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    expect(page.locator("#saved")).to_contain_text("Version 2")
    page.get_by_label("Introduction", exact=True).fill("D’Ada")
    page.get_by_role("button", name="See both versions").click()
    expect(page.get_by_label("Yours")).to_be_visible()
    assert desk.edition(product, draft).introduction == "De Bea"


def test_blanks_overwrite_nothing_and_undo_takes_back_nothing_unread(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    subject = desk.edition(product, draft).subject
    page.goto(f"/admin/editions/{draft}")
    change_as_bea(product, draft, subject="De Bea")
    page.get_by_label("Subject").fill(f"{subject} ")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    page.get_by_label("Subject").fill(f"{subject} sous la mer")
    expect(page.get_by_role("button", name="See both versions")).to_be_visible()
    assert desk.edition(product, draft).subject == "De Bea"
    page.get_by_label("Subject").fill(subject)
    expect(page.locator("#saved")).to_contain_text("Version 1")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("bea@desk.example has changed the draft since you opened the page")).to_be_visible()
    assert desk.edition(product, draft).subject == "De Bea"


def test_the_button_sends_no_text_that_was_not_touched(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    change_as_bea(product, draft, introduction="De Bea")
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    expect(page.locator("#saved")).to_contain_text("Version 2")
    page.get_by_label("Subject").fill("Deux semaines sous la mer")
    page.get_by_role("button", name="Save the texts").click()
    page.wait_for_url("**note=texts**")
    saved = desk.edition(product, draft)
    assert (saved.subject, saved.introduction) == ("Deux semaines sous la mer", "De Bea")


def test_an_order_brings_nothing_back_that_another_editor_took_out_meanwhile(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    others = [str(item.article_id) for item in desk.edition(product, draft).items][1:]
    page.goto(f"/admin/editions/{draft}")
    change_as_bea(product, draft, layout="\n".join(others))
    page.get_by_label("Introduction", exact=True).fill("D’Ada")
    expect(page.locator("#saved")).to_contain_text("Version 2")
    page.locator(f"[data-entry='{others[0]}'] [name=down]").click()
    page.get_by_role("button", name="See both versions").click()
    expect(page.get_by_label("Yours")).to_be_visible()
    assert [str(item.article_id) for item in desk.edition(product, draft).items] == others


def test_two_drafts_save_themselves_side_by_side(page: Page, product: Product) -> None:
    french, english = (desk.make_draft(product, readers=0, language=language) for language in ("fr", "en"))
    item = desk.edition(product, english).items[0].article_id
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"/admin/editions/{french}/twin")
    page.locator("#fr-subject").fill("Une semaine sous la mer")
    page.locator("#en-subject").fill("A week under the sea")
    expect(page.locator("#saved-fr")).to_contain_text("Version 1")
    expect(page.locator("#saved-en")).to_contain_text("Version 1")
    page.locator(f"#item-{item} summary").click()
    page.locator(f"#en-title-{item}").fill("In our own words")
    expect(page.locator("#saved-en")).to_contain_text("Version 2")
    page.locator("#fr-introduction").fill("Bonjour")
    expect(page.locator("#fr-introduction-shown")).to_have_text("Bonjour")
    page.locator(f"[data-state='{english}'] [data-way=undo]").click()
    page.wait_for_url(f"**/{french}/twin?show={english}&note=undone")
    expect(page.locator(f"[data-state='{english}'] [data-way=undo]")).to_be_focused()
    saved, undone = desk.edition(product, french), desk.edition(product, english)
    assert (saved.subject, saved.introduction) == ("Une semaine sous la mer", "Bonjour")
    assert (undone.subject, undone.items[0].title, undone.revision) == ("A week under the sea", None, 3)


def test_beside_its_twin_a_draft_shows_a_subject_that_follows_a_title(page: Page, product: Product) -> None:
    french, english = (desk.make_draft(product, readers=0, language=language) for language in ("fr", "en"))
    item = desk.edition(product, english).items[0].article_id
    page.goto(f"/admin/editions/{french}/twin?show={english}")
    page.locator(f"#item-{item} summary").click()
    page.locator(f"#en-title-{item}").fill("In our own words")
    expect(page.locator("#en-subject")).to_have_value("In our own words")
    page.locator("#en-subject").fill("A week under the sea")
    expect(page.locator("#saved-en")).to_contain_text("Version 2")
    assert desk.edition(product, english).subject == "A week under the sea"


def test_what_another_editor_changed_is_compared_on_its_own_side(page: Page, product: Product) -> None:
    french, english = (desk.make_draft(product, readers=0, language=language) for language in ("fr", "en"))
    page.goto(f"/admin/editions/{french}/twin")
    change_as_bea(product, english, subject="By Bea")
    page.locator("#fr-subject").fill("Une semaine sous la mer")
    page.locator("#en-subject").fill("By Ada")
    page.locator(f"[data-state='{english}']").get_by_role("button", name="See both versions").click()
    page.get_by_label("Yours").check()
    page.get_by_role("button", name="Save what I chose").click()
    page.wait_for_url(f"**/{french}/twin?show={english}&note=texts")
    assert (desk.edition(product, french).subject, desk.edition(product, english).subject) == (
        "Une semaine sous la mer", "By Ada",
    )  # fmt: skip


def test_what_was_refused_is_sent_again_with_what_was_mended(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    page.locator("#texts + form").evaluate("form => { form.noValidate = true }")
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    page.get_by_label("Preheader").fill("Trop court")
    page.get_by_role("button", name="Save the texts").click()
    expect(page.get_by_role("alert")).to_contain_text("The texts were not saved")
    page.get_by_label("Preheader").fill("Trois câbles coupés, un navire arraisonné, et des excuses")
    page.get_by_role("button", name="Save the texts").click()
    page.wait_for_url("**note=texts**")
    assert desk.edition(product, draft).subject == "Une semaine sous la mer"


@pytest.mark.parametrize(
    ("page", "paths"), [("en", ("", "/history")), ("fr", ("/twin", "/preview"))], indirect=["page"]
)
def test_every_page_of_a_draft_is_accessible_and_fits(page: Page, product: Product, paths: tuple[str, ...]) -> None:
    draft = desk.make_draft(product, readers=0, articles=4)
    desk.make_draft(product, readers=0, articles=2, language="en")
    first, second, third, _ = [item.article_id for item in desk.edition(product, draft).items]
    with product.database.transaction() as session:
        layout = f"{first}\n# Câbles et satellites\n{second}\n{third}"
        words = {"layout": layout, f"title:{second}": "Un titre de la rédaction", "introduction": "*Bonjour* à toutes"}
        save_state(session, edition_id=draft, seen=0, changes=words, actor="bea@desk.example", now=now())
        for on in (None, second):
            add_comment(session, edition_id=draft, article_id=on, author=desk.EMAIL, text="Relu, c’est bon.", now=now())
    found = []
    for path in paths:
        page.goto(f"/admin/editions/{draft}{path}")
        for more in page.locator(".item-more").all()[1:2]:
            more.locator("summary").click()
        found += faults(page)
    assert found == []


def look_through(page: Page, path: str) -> int:
    """Look at all the frames of a page, each loaded once it comes into view; return how many there are."""
    page.goto(path)
    frames = page.locator("iframe")
    for number in range(frames.count()):
        frames.nth(number).scroll_into_view_if_needed()
        frames.nth(number).content_frame.locator("body").wait_for()
    page.wait_for_load_state("networkidle")
    return frames.count()


def shows_text_of_picture(page: Page) -> bool:
    """Whether a letter paints the alternative text of its logo: without its colour the place looks otherwise."""
    logo = page.get_by_alt_text(desk.LOGO)
    painted = logo.screenshot()
    logo.evaluate("logo => { logo.style.color = 'transparent' }")
    return logo.screenshot() != painted


def let_look_within(route: Route) -> None:
    """Serve a letter as it is, save that axe-core may run in it."""
    answer = route.fetch()
    policy = answer.headers["content-security-policy"].partition(";")
    assert policy[0].startswith("sandbox")
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy[2]})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_letter_without_its_pictures_fetches_none_and_is_read_all_the_same(
    page: Page, product: Product, scheme: str
) -> None:
    draft = desk.make_draft(product, readers=0)
    desk.put_template_in_force(product, desk.with_logo(product))
    fetched: list[str] = []

    def answer(route: Route) -> None:
        fetched.append(route.request.url)
        route.fulfill(body=PICTURE, content_type="image/svg+xml")

    page.route("**/logo.png", answer)
    preview, letter = (f"/admin/editions/{draft}/{name}?scheme={scheme}&pictures=" for name in ("preview", "letter"))
    assert look_through(page, f"{preview}off") == 3
    page.goto(f"{letter}off")
    assert fetched == []
    for title in titles(product, draft):
        expect(page.get_by_text(title).first).to_be_visible()
    assert shows_text_of_picture(page)
    page.route(f"**{letter}off", let_look_within)
    page.goto(f"{letter}off")
    assert faults(page, [(size, scheme) for size in ("phone", "desktop")], rules=["color-contrast"]) == []
    look_through(page, f"{preview}on")
    assert fetched, "with its pictures one would have been seen"
    page.goto(f"{letter}on")
    assert not shows_text_of_picture(page)
