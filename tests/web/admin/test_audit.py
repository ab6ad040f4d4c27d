"""The audit log at the desk: every act of it leaves an entry, and the page shows who did what."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.admins.audit import record_audit
from app.admins.models import AuditAct, AuditEntry
from app.articles.floods import hold
from app.articles.models import Article, FloodReason
from app.clock import now
from app.db import new_public_id
from app.delivery.models import DeliveryState
from app.digests.models import HeldExtra
from app.digests.newsletters import change_mark
from app.editions.audience import finish_editions
from app.editions.draft import fingerprint
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionItem, EditionKind
from app.feedback.models import EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.gate.approvals import ask_approval
from app.gate.looking import look_at, read_sight
from app.gate.models import Approval
from app.jobs.importing import work_on_imports
from app.newsletters.templates import product_template
from app.product import Product
from app.stories.merging import begin_story
from app.subscriptions.models import Subscriber
from app.subscriptions.questions.concerned import count_concerned
from app.web.admin.listing import PAGE_LENGTH
from tests import make
from tests.conftest import NOW
from tests.web import desk
from tests.web.admin.test_people_audit import STEPS as of_people

#: Acts of the desk that leave no entry, and why.
UNLOGGED = {
    "admin.suppression_find_submit": "it only looks, and is a POST to keep the address out of logs",
    "admin.challenge_submit": "it only asks what is to be signed",
    "admin.passkey_challenge_submit": "it only asks what is to be signed",
    "admin.wording_preview_submit": "it only shows what a text looks like",
    "admin.introduction_submit": "it only shows what a text looks like",
    "admin.template_letter_submit": "it only shows what a template looks like",
}
#: Acts that want what came before, a real authenticator or the step after the first; where their entries are looked at.
ELSEWHERE = {
    **{
        f"admin.{name}_submit": "test_drafts"
        for name in (
            "return",
            "section",
            "words",
            "lead",
            "undo",
            "redo",
            "restore",
            "comment",
            "resolution",
            "addition",
        )
    },
    "admin.passkey_submit": "test_passkeys",
    "admin.second_step_submit": "test_second_factor",
    "admin.source_removal_submit": "test_sources",
}
Data = dict[str, str] | dict[str, str | list[str]] | dict[str, tuple[BytesIO, str]]


def first_article(product: Product) -> int:
    return desk.edition(product, 1).items[0].article_id


def leave_uncertain(product: Product) -> Data:
    """What a worker does: the copies came to no clear end, and the run is over."""
    with product.database.transaction() as session:
        for hours in (0, 1):  # what is uncertain is tried once more by itself
            make.settle_copies(session, DeliveryState.UNCERTAIN, now=now() + timedelta(hours=hours))
        finish_editions(session, now=now())
    return {"confirmed": "yes"}


def flood(product: Product) -> Data:
    """What a feed does that brings too much."""
    with product.database.transaction() as session:
        hold(
            session,
            source=make.make_source(session, location="https://flood.example/"),
            reason=FloodReason.SURGE,
            number=0,
            now=now(),
        )
    return {}


def know(product: Product) -> Data:
    """What the jobs do: say what the article is about, and which story it tells."""
    with product.database.transaction() as session:
        article = session.get_one(Article, 1)
        article.classified_at = article.grouped_at = now()
    return {"revision": "1"}


def rewrite(product: Product) -> Data:
    """Make the article of the address one that was written by hand, with the text that the form has."""
    with product.database.transaction() as session:
        revision = session.get_one(Article, 1).revision
    return {"title": "Un phare", "markdown": "Il **luit**.", "language": "fr", "revision": str(revision)}


def tell(product: Product) -> Data:
    """What grouping does: two stories, of an article each."""
    with product.database.transaction() as session:
        for number in (1, 2):
            session.get_one(Article, number).story_id = begin_story(session, now()).id
    return {}


def mislead(product: Product) -> Data:
    """What a feed does that corrects an article which the edition under way carries."""
    with product.database.transaction() as session:
        session.get_one(Article, 1).revision = 2
        session.add(EditionItem(edition_id=1, article_id=1, position=9, revision=1))
    return {"revision": "2", "note_fr": "Le câble est danois."}


def keep_back(product: Product) -> Data:
    """Somebody let a flash of the article go that does not pass."""
    with product.database.transaction() as session:
        session.add(
            HeldExtra(article_id=1, kind=EditionKind.FLASH, revision=1, findings="", notes={}, at=now(), by="ada")
        )
    return {}


def return_one(product: Product) -> Data:
    """A provider returned a letter, in a spike of such."""
    with product.database.transaction() as session:
        session.add(
            FeedbackEvent(source="dsn", event_id=new_public_id(), kind=NoticeKind.HARD, at=now(), received_at=now(),
                          delivery_id=0, provider="orange.fr", state=EventState.HELD)
        )  # fmt: skip
    return {"provider": "orange.fr"}


def ask_anew(product: Product) -> Data:
    """Somebody else asked for approval of the draft, as it stands."""
    with product.database.reading() as session:
        draft = session.get_one(Edition, 1)
        sight = read_sight(session, draft, config=product.config, now=now())
    look = look_at(sight, config=product.config, links=product.links, now=now())
    with product.database.transaction() as session:
        session.execute(sa.delete(Approval))
        ask_approval(session, look, actor="eve@desk.example", note="", reason="", now=now())
        session.execute(sa.delete(AuditEntry).where(AuditEntry.act == AuditAct.EDITION_CHANGED))
    return {"seen": look.fingerprint, "answer": "approve"}


def spoil(product: Product) -> Data:
    """The draft has a link that leads nowhere."""
    with product.database.transaction() as session:
        session.get_one(Edition, 1).introduction = "[x](https://example.com/)"
    return {
        "seen": fingerprint(desk.edition(product, 1)),
        "reason": "That page opens tomorrow",
        "failures": "link-placeholder",
    }


def seen(product: Product) -> Data:
    """What the form of a newsletter holds, beside its fields."""
    with product.database.reading() as session:
        return {"seen": change_mark(make.newsletter(session).changed_at)}


def set_out(product: Product) -> Data:
    """The form of the schedule that was added, with another time."""
    with product.database.reading() as session:
        return {"seen": change_mark(session.get_one(Schedule, 1).changed_at), "every": "day", "time": "08:00"}


def renew(product: Product) -> Data:
    """Ask all readers, none of whom has agreed to the wording in force."""
    with product.database.reading() as session:
        readers = count_concerned(session, 1)
    return {"until": (now() + timedelta(days=60)).date().isoformat(), "readers": str(readers)}


def look_through(product: Product) -> Data:
    """What the job does with a list that was handed in."""
    work_on_imports(product)
    return {}


#: Each act of the desk, in an order in which each of them can be done, with what its form sends.
STEPS: list[tuple[str, Callable[[Product], Data]]] = [
    ("admin.language_submit", lambda _: {"language": "en"}),
    ("admin.compile_submit", lambda _: {"language": "en"}),
    (
        "admin.texts_submit",
        lambda _: {"subject": "S", "preheader": "Trois enquêtes, deux réparations et un traité", "introduction": ""},
    ),
    ("admin.order_submit", lambda product: {"down": str(first_article(product))}),
    ("admin.removal_submit", lambda product: {"item": str(first_article(product))}),
    ("admin.embargo_submit", lambda _: {"until": "2099-01-01T06:00"}),
    ("admin.embargo_end_submit", lambda _: {}),
    ("admin.test_submit", lambda _: {}),
    ("admin.probes_submit", lambda _: {}),
    ("admin.approval_submit", lambda product: {"seen": fingerprint(desk.edition(product, 1))}),
    ("admin.approval_withdrawal_submit", lambda _: {}),
    ("admin.approval_answer_submit", ask_anew),
    ("admin.stop_submit", lambda _: {}),
    ("admin.override_submit", spoil),
    ("admin.send_submit", lambda product: {"confirmed": "yes", "seen": fingerprint(desk.edition(product, 1))}),
    ("admin.pause_submit", lambda _: {}),
    ("admin.resume_submit", lambda _: {}),
    ("admin.flash_submit", know),
    ("admin.erratum_submit", mislead),
    ("admin.extra_drop_submit", keep_back),
    ("admin.retry_submit", leave_uncertain),
    ("admin.cancel_submit", lambda _: {}),
    ("admin.topic_submit", lambda _: {"topic": "theme:cyberdefence"}),
    ("admin.topic_removal_submit", lambda _: {"topic": "place:FR"}),
    ("admin.topic_withdrawal_submit", lambda _: {"topic": "place:FR"}),
    ("admin.article_new_submit", lambda _: {"title": "Un phare", "markdown": "Il **brille**.", "language": "fr"}),
    ("admin.article_text_submit", rewrite),
    ("admin.story_pin_submit", tell),
    ("admin.story_pin_end_submit", lambda _: {}),
    ("admin.story_mute_submit", lambda _: {}),
    ("admin.story_mute_end_submit", lambda _: {}),
    ("admin.stories_merge_submit", lambda _: {"story": ["1", "2"]}),
    ("admin.story_split_submit", lambda _: {"article": "2"}),
    ("admin.stories_undo_submit", lambda _: {"event": "1"}),
    ("admin.template_submit", lambda _: {"mjml": product_template(), "note": "as it is"}),
    ("admin.template_choice_submit", lambda _: {"version": "1"}),
    ("admin.job_submit", lambda _: {"job": "seals"}),
    ("admin.source_submit", lambda _: {"location": "https://wire.example/feed.xml", "language": "fr"}),
    ("admin.source_change_submit", lambda _: {"name": "The Wire", "language": "en"}),
    ("admin.source_stop_submit", lambda _: {}),
    ("admin.source_resume_submit", lambda _: {}),
    ("admin.flood_refuse_submit", flood),
    ("admin.flood_pass_submit", lambda _: {}),
    ("admin.newsletter_submit", lambda _: {"timezone": "Europe/Brussels", "sender": "north@newsletter.example"}),
    (
        "admin.newsletter_add_submit",
        lambda _: {
            "slug": "north",
            "name-fr": "Cap Nord",
            "description-fr": "L’Arctique.",
            "name-en": "North Cape",
            "description-en": "The Arctic.",
        },
    ),
    ("admin.approval_need_submit", lambda _: {"answer": "not-needed"}),
    (
        "admin.face_submit",
        lambda product: {
            **seen(product),
            "face": "en",
            "name": "The Jetty",
            "description": "Of the sea.",
            "list_label": "en.vigie",
        },
    ),
    ("admin.wording_submit", lambda _: {"seen": "1", "heading": "H", "statement": "S [p].", "button": "B"}),
    ("admin.schedule_add_submit", lambda _: {"line": "1-fr", "every": "day", "time": "07:00"}),
    ("admin.schedule_submit", set_out),
    ("admin.schedule_stop_submit", lambda _: {}),
    ("admin.schedule_resume_submit", lambda _: {}),
    ("admin.renewal_submit", renew),
    ("admin.renewal_end_submit", lambda _: {"confirmed": "yes"}),
    ("admin.warm_up_submit", lambda _: {"on": now().date().isoformat()}),
    ("admin.warm_up_end_submit", lambda _: {"confirmed": "yes"}),
    ("admin.suppression_submit", lambda _: {"address": "x@reader.example", "note": "asked by letter"}),
    ("admin.suppression_lift_submit", lambda _: {"address": "x@reader.example", "note": "asked anew"}),
    ("admin.spike_apply_submit", return_one),
    ("admin.spike_discard_submit", return_one),
    ("admin.export_submit", lambda _: {}),
    ("admin.reader_new_submit", lambda _: {"email": "new@reader.example", "letters_language": "fr"}),
    ("admin.filter_save_submit", lambda _: {"name": "Held", "status": "held"}),
    ("admin.filter_drop_submit", lambda _: {}),
    ("admin.readers_export_submit", lambda _: {}),
    ("admin.imports_submit", lambda _: {"list": (BytesIO(b"email\nx@reader.example\n"), "readers.csv")}),
    ("admin.import_check_submit", lambda _: {"column-email": "0"}),
    ("admin.import_start_submit", look_through),
    ("admin.import_report_submit", lambda _: {}),
    ("admin.import_cancel_submit", lambda _: {}),
    ("admin.reader_address_submit", lambda _: {"email": "Reader0@reader.example"}),
    ("admin.reader_language_submit", lambda _: {"letters_language": "en"}),
    ("admin.reader_suppression_submit", lambda _: {"note": "asked by phone"}),
    ("admin.reader_restriction_submit", lambda _: {}),
    ("admin.reader_lifting_submit", lambda _: {}),
    ("admin.reader_objection_submit", lambda _: {}),
    ("admin.reader_erasure_submit", lambda _: {"email": "reader0@reader.example"}),
    (
        "admin.rights_submit",
        lambda _: {"kind": "access", "received_on": now().date().isoformat(), "reference": "a letter"},
    ),
    ("admin.extension_submit", lambda _: {}),
    ("admin.answer_submit", lambda _: {}),
    ("admin.newsletter_sign_up_submit", lambda _: {"answer": "closed"}),
    ("admin.password_submit", lambda _: {"current": desk.PASSWORD, "new": "un autre mot de passe 9"}),
    ("admin.sign_out_submit", lambda _: {}),
    ("admin.sign_in_submit", lambda _: {"email": desk.EMAIL, "password": "wrong"}),
    ("admin.sign_in_link_submit", lambda _: {}),
    ("admin.sign_in_mail_submit", lambda _: {"email": desk.EMAIL}),
]


def entries(product: Product) -> list[AuditEntry]:
    with product.database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_every_act_of_the_desk_leaves_an_entry(client: FlaskClient, app: Flask, product: Product) -> None:
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    desk.sign_in(client)
    with product.database.reading() as session:
        public_id = session.scalars(select(Subscriber.public_id).order_by(Subscriber.id).limit(1)).one()
    routes = desk.routes(app, edition_id=edition_id, public_id=public_id)
    paths = {route.endpoint: route.path for route in routes if route.method == "POST"}
    known = {endpoint for endpoint, _ in STEPS} | {f"admin.{name}" for name in of_people} | {*UNLOGGED, *ELSEWHERE}
    assert set(paths) == known, "say here how it is done, or why not"
    for endpoint, data in STEPS:
        sent, before = data(product), len(entries(product))
        answer = client.post(paths[endpoint], data=sent)
        answer.close()
        assert len(entries(product)) > before, (endpoint, answer.status_code)


def test_entries_say_who_did_what_on_what(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    desk.sign_in(client)
    client.post(f"/admin/editions/{edition_id}/test")
    seen = fingerprint(desk.edition(product, edition_id))
    client.post(f"/admin/editions/{edition_id}/send", data={"confirmed": "yes", "seen": seen})
    told = [(row.actor, row.act.value, row.target, row.detail) for row in entries(product)]
    assert told == [
        (desk.EMAIL, "sign-in", None, None),
        (desk.EMAIL, "edition-tested", "edition:1", None),
        (desk.EMAIL, "edition-started", "edition:1", "copies 2"),
    ]


def test_an_act_that_is_refused_leaves_none(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    desk.sign_in(client)
    before = len(entries(product))
    assert client.post(f"/admin/editions/{edition_id}/pause").status_code == 409
    assert len(entries(product)) == before


def test_looking_at_readers_is_logged_with_their_number_and_no_address(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.make_draft(product, readers=3)
    desk.sign_in(client)
    with product.database.reading() as session:
        public_id = session.scalars(sa.text("SELECT public_id FROM subscribers LIMIT 1")).one()
    client.get("/admin/readers?q=reader1@reader.example")
    client.get(f"/admin/readers/{public_id}")
    rows = [(row.act.value, row.target, row.detail) for row in entries(product)][1:]
    assert rows == [("readers-listed", "readers", "rows 1"), ("reader-shown", f"reader:{public_id}", None)]


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    with time_machine.travel(NOW), product.database.transaction() as session:
        for number in range(PAGE_LENGTH + 10):
            actor = "<b>eve</b>@desk.example" if number % 2 else "bob@desk.example"
            record_audit(session, actor=actor, act=AuditAct.EDITION_PAUSED, target=f"edition:{number}", now=NOW)
    return client


def older(admin: FlaskClient, page: str) -> str:
    """The page of entries before those of this one."""
    link = page.partition('class="older"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    return admin.get(link).text


def test_the_page_shows_the_newest_first_and_leads_to_older_ones(admin: FlaskClient) -> None:
    page = admin.get("/admin/audit").text
    assert page.count("<tr>") == PAGE_LENGTH + 1
    assert "Édition suspendue" in page
    assert "&lt;b&gt;eve&lt;/b&gt;@desk.example" in page
    assert older(admin, page).count("<tr>") == 11 + 1


def test_the_page_is_filtered_by_actor_and_by_act(admin: FlaskClient) -> None:
    assert admin.get("/admin/audit?actor=bob@desk.example").text.count("<tr>") == 31
    assert admin.get("/admin/audit?act=sign-in").text.count("<tr>") == 2
    assert admin.get("/admin/audit?act=edition-paused&actor=nobody").text.count("<tr>") == 0
    assert admin.get("/admin/audit?act=unheard-of&actor=%00%1b").status_code == 200


def test_every_act_and_result_has_its_words(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for act in AuditAct:
            record_audit(session, actor="scheduler", act=act, now=NOW)
    with product.database.reading() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.actor == "scheduler")) == len(AuditAct)
    pages = [admin.get("/admin/audit?actor=scheduler").text]
    while 'class="older"' in pages[-1]:
        pages.append(older(admin, pages[-1]))
    assert sum(page.count("<tr>") for page in pages) == len(AuditAct) + len(pages)
    assert "Le planificateur" in pages[0]


def test_details_are_told_in_the_desks_language_and_stay_as_they_are_kept(
    client: FlaskClient, product: Product
) -> None:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    said = {"rows 7": "lignes\u00a0: 7", "fr compiled 1234": "édition 1234 composée en français", "rows, I say": None}
    with product.database.transaction() as session:
        for detail in said:
            record_audit(session, actor="x", act=AuditAct.SIGN_IN, target="y", detail=detail, now=now())
    page = client.get("/admin/audit?actor=x").text
    assert [told or detail for detail, told in said.items() if f">{told or detail}</span>" in page] == [
        told or detail for detail, told in said.items()
    ]
    with product.database.reading() as session:
        assert set(session.scalars(select(AuditEntry.detail).where(AuditEntry.actor == "x"))) == set(said)
