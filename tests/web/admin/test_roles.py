"""Who may do what at the desk: each route with the least role that may use it, tried with every role."""

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from app.admins.models import Role
from app.product import Product
from app.web.admin import access, bp
from tests import make
from tests.conftest import ON_SQLITE
from tests.web import desk

#: One kind of database is enough here: no rule and no query is tested.
pytestmark = ON_SQLITE

#: A route without a line here fails, and so does a line without a route.
MATRIX: dict[Role, str] = {
    Role.VIEWER: """
        account again again_submit article article_topics articles authenticator_removal_submit authenticator_submit
        codes_file_submit codes_submit components dashboard edition editions factors language_submit letter
        newsletter newsletters passkey_challenge_submit passkey_removal_submit passkey_submit password_submit preview
        progress schedule schedule_digest schedules session_end_submit sessions_end_submit sign_out_submit source
        sources twin warm_up wording wordings
    """,
    Role.EDITOR: """
        article_new article_new_submit article_text article_text_submit comment_submit compile_submit
        embargo_end_submit embargo_submit history introduction_submit lead_submit order_submit redo_submit
        removal_submit resolution_submit restore_submit return_submit section_submit stories_merge_submit
        stories_undo_submit story_mute_end_submit story_mute_submit story_pin_end_submit story_pin_submit
        story_split_submit test_submit texts_submit topic_removal_submit topic_submit
        topic_withdrawal_submit undo_submit words_submit
        approval_submit approval_withdrawal_submit probes_submit send addition_submit
    """,
    Role.PUBLISHER: """
        approval_answer_submit cancel cancel_submit erratum_submit extra_drop_submit flash_submit
        flood_pass_submit flood_refuse_submit override_submit pause_submit resume_submit
        retry retry_submit send_submit source_submit stop_submit
        source_change_submit source_removal_submit source_resume_submit source_stop_submit
        warm_up_end_submit warm_up_submit
        schedule_add_submit schedule_resume_submit schedule_stop_submit schedule_submit
    """,
    Role.ADMIN: """
        template template_choice_submit template_difference template_editor template_letter template_letter_submit
        template_submit
        invitation_again_submit invitation_submit member member_factors_submit member_removal_submit
        member_sessions_submit people role_submit
        answer_submit audit copies export_submit extension_submit filter_drop_submit filter_save_submit
        import_cancel_submit import_check_submit import_page import_progress import_report_submit import_start_submit
        imports imports_submit job_submit jobs reader reader_address_submit reader_erasure_submit reader_language_submit
        reader_lifting_submit reader_new reader_new_submit reader_objection_submit reader_restriction_submit
        reader_suppression_submit readers readers_export_submit receipt receipt_file renewal renewal_end_submit
        renewal_submit rights rights_submit spike_apply_submit spike_discard_submit suppression_find_submit
        suppression_lift_submit suppression_submit suppressions
        approval_need_submit face_submit newsletter_add_submit newsletter_sign_up_submit newsletter_submit
        settings wording_preview_submit wording_submit
    """,
}
LEAST = {f"admin.{name}": role for role, names in MATRIX.items() for name in names.split()}


@pytest.fixture
def routes(app: Flask, product: Product) -> list[desk.Route]:
    edition_id = desk.make_draft(product)
    desk.make_import(product)
    desk.make_schedule(product)
    with product.database.transaction() as session:
        public_id = make.make_subscription(session, email="walked@reader.example").subscriber.public_id
        make.make_source(session)
    return [
        route
        for route in desk.routes(app, edition_id=edition_id, public_id=public_id)
        if route.endpoint not in desk.OPEN
    ]


@pytest.fixture(params=list(Role))
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture
def member(client: FlaskClient, product: Product, role: Role) -> FlaskClient:
    """A browser in which somebody with the role is signed in; somebody else was here before."""
    desk.make_admin(product, email="first@desk.example")
    desk.make_admin(product, role=role)
    assert desk.sign_in(client).status_code == 303
    return client


def test_the_table_has_a_line_for_each_route(routes: list[desk.Route]) -> None:
    assert sorted(LEAST) == sorted({route.endpoint for route in routes})


def test_each_role_gets_what_the_table_says_and_no_more(
    member: FlaskClient, product: Product, routes: list[desk.Route], role: Role
) -> None:
    before = desk.everything(product.database, but={"audit_entries"})
    for route in routes:
        if not is_allowed(role, route):
            assert member.open(route.path, method=route.method).status_code == 403, route
            assert desk.everything(product.database, but={"audit_entries"}) == before, route
        elif route.method == "GET":
            assert member.get(route.path).status_code in {200, 302}, route


def test_who_may_write_is_not_turned_away(
    member: FlaskClient, product: Product, routes: list[desk.Route], role: Role
) -> None:
    for route in routes:
        if route.method == "POST" and route.endpoint != "admin.sign_out_submit" and is_allowed(role, route):
            answer = member.post(route.path)
            assert not (answer.location or "").startswith("/admin/sign-in"), route
            assert "This takes another role" not in answer.text, route


def test_no_page_offers_what_the_role_may_not_use(
    app: Flask, member: FlaskClient, routes: list[desk.Route], role: Role
) -> None:
    urls = app.url_map.bind("localhost")
    for route in routes:
        if route.method == "GET" and is_allowed(role, route):
            for endpoint in offered(member.get(route.path).text, urls):
                assert role.may_act_as(LEAST.get(endpoint, Role.VIEWER)), (route, endpoint)


def is_allowed(role: Role, route: desk.Route) -> bool:
    order = [Role.VIEWER, Role.EDITOR, Role.PUBLISHER, Role.ADMIN]
    return order.index(role) >= order.index(LEAST[route.endpoint])


def offered(page: str, urls: MapAdapter) -> Iterator[str]:
    """The endpoints of all links and forms of a page."""
    for tag in re.findall(r"<(?:a|form|button|div)\b[^>]*>", page):
        method = "POST" if 'method="post"' in tag or "formaction=" in tag else "GET"
        for address in re.findall(r'\s(?:href|action|formaction|hx-get)="([^"#?]+)', tag):
            with suppress(HTTPException, RequestRedirect):
                yield urls.match(address, method=method)[0]


def test_who_is_turned_away_reads_who_may(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, email="eve@desk.example")
    desk.make_admin(product, role=Role.EDITOR)
    edition_id = desk.make_draft(product)
    desk.sign_in(client)
    page = client.post(f"/admin/editions/{edition_id}/send", data={"confirmed": "yes"})
    assert page.status_code == 403
    assert [word in page.text for word in ("“editor”", "<li>publisher</li>", "<li>admin</li>")] == [True] * 3
    assert "eve@desk.example" in page.text
    assert 'class="bar-nav"' in page.text


def test_a_role_counts_from_the_next_request_on(client: FlaskClient, product: Product) -> None:
    admin_id = desk.make_admin(product)
    desk.sign_in(client)
    assert client.get("/admin/audit").status_code == 200
    with product.database.transaction() as session:
        session.get_one(access.Admin, admin_id).role = Role.EDITOR
    assert client.get("/admin/audit").status_code == 403


def test_a_page_that_declares_nothing_stops_the_start(app: Flask) -> None:
    app.view_functions[f"{bp.name}.forgotten"] = lambda: ""
    with pytest.raises(RuntimeError, match="forgotten"):
        access.check_declared(app)
