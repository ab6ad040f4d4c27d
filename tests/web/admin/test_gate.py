"""The gate's page: what it shows, and that nothing leaves past it."""

import re
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditEntry, Role
from app.clock import now
from app.delivery.models import Chunk, Delivery
from app.digests.schedule import install_schedules
from app.editions.draft import fingerprint
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionItem, EditionStatus
from app.gate.audience import Place
from app.gate.findings import Finding, What
from app.gate.models import Approval, ApprovalState, PlaceCount
from app.gate.probing import ProbeKind, edition_subject, keep_probe
from app.gate.starting import start_approved
from app.newsletters.models import Newsletter
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription
from tests import make
from tests.web import desk

BOB = "bob@desk.example"
REASON = "The page opens tomorrow at noon"


@pytest.fixture
def other(app: Flask, product: Product) -> FlaskClient:
    """Somebody else at the desk."""
    desk.make_admin(product, email=BOB)
    client = app.test_client()
    desk.sign_in(client, email=BOB)
    return client


@pytest.fixture
def draft(product: Product) -> int:
    return desk.make_draft(product, articles=3, readers=4)


def spoil(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Edition, draft).introduction = "[Le dossier](https://example.com/dossier)"


def seen(product: Product, draft: int) -> str:
    """What the gate's forms say of the edition that they show."""
    return fingerprint(desk.edition(product, draft))


def lose_page(product: Product, draft: int) -> None:
    """What a probe finds while somebody reads the page."""
    with product.database.transaction() as session:
        subject = edition_subject(draft, seen(product, draft))
        dead = Finding(What.LINK_DEAD, "https://wire.example/fr/0")
        keep_probe(session, ProbeKind.LINKS, subject, [dead], now=now())


def form(client: FlaskClient, draft: int, **more: str) -> dict[str, str]:
    page = client.get(f"/admin/editions/{draft}/send").text
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert seen is not None
    shown = re.search(r'name="failures" value="([a-z -]+)"', page)
    return {"seen": seen[1], **({"failures": shown[1]} if shown else {}), **more}


def copies(product: Product) -> int:
    with product.database.reading() as session:
        rows = select(Delivery).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == "edition")
        return len(session.scalars(rows).all())


def audit(product: Product) -> list[tuple[str, str, str | None]]:
    with product.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.actor, row.act.value, row.detail) for row in rows if row.target and "edition" in row.target]


def test_a_failure_keeps_the_edition_back_until_somebody_says_why(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    spoil(product, draft)
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert "1 check fails" in page
    assert "https://example.com/dossier" in page
    assert "Put the true address in." in page
    for reason in ({}, {"reason": "because"}):
        answer = admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes", **reason))
        assert answer.status_code == 422
        assert copies(product) == 0
    answer = admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes", reason=REASON))
    assert answer.location == f"/admin/editions/{draft}"
    assert copies(product) == 4
    assert audit(product) == [
        (desk.EMAIL, "edition-overridden", f"link-placeholder: {REASON}"),
        (desk.EMAIL, "edition-started", "copies 4"),
    ]
    assert REASON in admin.get(f"/admin/editions/{draft}").text


def test_asking_the_network_anew_lets_nothing_pass_meanwhile(admin: FlaskClient, product: Product, draft: int) -> None:
    lose_page(product, draft)
    assert admin.post(f"/admin/editions/{draft}/probes").status_code == 303
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert "The page is not there" in page
    assert "until there is an answer, the last one counts" in page
    assert admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes")).status_code == 422
    assert copies(product) == 0


def test_an_article_that_is_taken_out_during_a_look_is_in_it_as_a_whole(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    looked: list[str] = []

    @sa.event.listens_for(product.database.engine, "before_cursor_execute")
    def take_out(_connection, _cursor, statement: str, *_: object) -> None:
        if "article_revisions" not in statement or looked:
            return
        looked.append(statement)
        with product.database.transaction() as session:
            session.delete(session.scalars(select(EditionItem).where(EditionItem.edition_id == draft)).first())

    assert admin.get(f"/admin/editions/{draft}/send").status_code == 200
    assert len(desk.edition(product, draft).items) == 2


def test_a_refusal_of_an_edition_that_has_started_leads_to_its_run(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes"))
    late = admin.post(f"/admin/editions/{draft}/send")
    assert (late.status_code, late.location) == (303, f"/admin/editions/{draft}")


def test_a_reason_answers_for_what_its_author_saw_and_for_nothing_found_since(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    spoil(product, draft)
    seen = form(admin, draft, confirmed="yes", reason=REASON)
    lose_page(product, draft)
    answer = admin.post(f"/admin/editions/{draft}/send", data=seen)
    assert (answer.status_code, copies(product), audit(product)) == (422, 0, [])
    assert "https://wire.example/fr/0" in answer.text
    assert 'name="failures" value="link-dead link-placeholder"' in answer.text
    again = form(admin, draft, confirmed="yes", reason=REASON)
    assert (admin.post(f"/admin/editions/{draft}/send", data=again).status_code, copies(product)) == (303, 4)


def test_what_was_typed_is_not_lost_and_tied_to_what_was_wrong_with_it(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    spoil(product, draft)
    short = admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes", reason="because")).text
    assert 'aria-describedby="reason-hint problem" aria-invalid="true" autofocus>because</textarea>' in short
    asked = form(admin, draft, note="À relire <vite>", seen="0" * 64)
    changed = admin.post(f"/admin/editions/{draft}/approval", data=asked)
    assert (changed.status_code, "À relire &lt;vite&gt;</textarea>" in changed.text) == (409, True)
    with product.database.transaction() as session:
        session.get_one(Edition, draft).introduction = ""
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    where = f"/admin/editions/{draft}/approval/answer"
    declined = other.post(where, data=form(other, draft, answer="decline", note=" ")).text
    assert 'aria-describedby="problem" aria-invalid="true"> </textarea>' in declined


@pytest.mark.usefixtures("other")
def test_who_may_send_can_ask_for_approval_in_spite_of_what_fails(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    spoil(product, draft)
    where = f"/admin/editions/{draft}/approval"
    refused = admin.post(where, data=form(admin, draft, note="", reason="because")).text
    asking = refused.partition('<details class="ask" open>')[2].partition("</details>")[0]
    assert 'aria-describedby="ask-reason-hint problem" aria-invalid="true" autofocus>because</textarea>' in asking
    assert refused.count("autofocus") == 1, "what the other form says was not sent"
    assert admin.post(where, data=form(admin, draft, note="", reason=REASON)).status_code == 303
    assert audit(product) == [
        (desk.EMAIL, "edition-overridden", f"link-placeholder: {REASON}"),
        (desk.EMAIL, "approval-asked", None),
    ]


def test_an_editor_is_told_who_can_let_an_edition_pass(app: Flask, product: Product, draft: int) -> None:
    desk.make_admin(product, email=BOB, role=Role.EDITOR)
    desk.make_admin(product, role=Role.PUBLISHER)
    editor = app.test_client()
    desk.sign_in(editor, email=BOB)
    assert "Ask for approval</button>" in editor.get(f"/admin/editions/{draft}/send").text
    data = form(editor, draft, note="À relire")
    spoil(product, draft)
    page = editor.get(f"/admin/editions/{draft}/send").text
    assert "While something fails, only somebody who may send can ask" in page
    assert "Ask for approval</button>" not in page
    late = editor.post(f"/admin/editions/{draft}/approval", data={**data, "seen": seen(product, draft)})
    assert late.status_code == 422
    assert "or let somebody who may send say why" in late.text
    assert "À relire</textarea>" in late.text


def test_a_reason_that_nobody_asked_for_is_no_override(admin: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes", reason=REASON))
    assert [act for _, act, _ in audit(product)] == ["edition-started"]


def test_the_gate_says_that_choices_count_for_nothing_in_what_is_sent_by_hand(admin: FlaskClient, draft: int) -> None:
    assert "whatever topics and rhythm they chose" in admin.get(f"/admin/editions/{draft}/send").text


def test_one_reader_who_does_not_get_it_is_told_of_in_the_singular(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email="left@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        for number in range(2):
            make.make_subscription(session, email=f"new{number}@reader.example", status=SubscriptionStatus.PENDING)
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert "<li>1 has left</li>" in page
    assert "<li>2 have not confirmed yet</li>" in page


def test_a_mended_edition_leaves_without_a_reason(admin: FlaskClient, product: Product, draft: int) -> None:
    spoil(product, draft)
    with product.database.transaction() as session:
        session.get_one(Edition, draft).introduction = "[Le dossier](https://wire.example/dossier)"
    assert "Nothing fails" in admin.get(f"/admin/editions/{draft}/send").text
    assert admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes")).status_code == 303
    assert copies(product) == 4


def test_who_asked_cannot_answer_and_somebody_else_can(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    asked = admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft, note="À relire"))
    assert asked.location == f"/admin/editions/{draft}/send?note=asked"
    assert "Approve for" not in admin.get(f"/admin/editions/{draft}/send").text
    own = {"seen": seen(product, draft), "answer": "approve"}
    refused = admin.post(f"/admin/editions/{draft}/approval/answer", data=own)
    assert refused.status_code == 409
    assert "À relire" in other.get(f"/admin/editions/{draft}/send").text
    assert f"/admin/editions/{draft}/send" in other.get("/admin/").text
    other.post(f"/admin/editions/{draft}/approval/answer", data=form(other, draft, answer="approve"))
    assert desk.edition(product, draft).status is EditionStatus.SCHEDULED
    assert admin.get(f"/admin/editions/{draft}").location == f"/admin/editions/{draft}/send"
    assert admin.post(f"/admin/editions/{draft}/stop").location == f"/admin/editions/{draft}/send?note=stopped"
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def test_who_approves_in_spite_of_what_fails_is_in_the_audit_log(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    """A link may have died since somebody asked."""
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    lose_page(product, draft)
    where = f"/admin/editions/{draft}/approval/answer"
    assert other.post(where, data=form(other, draft, answer="approve")).status_code == 422
    assert other.post(where, data=form(other, draft, answer="approve", reason=REASON)).status_code == 303
    assert audit(product)[1:] == [
        (BOB, "edition-overridden", f"link-dead: {REASON}"), (BOB, "approval-given", None),
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["embargo", "text"])
def test_who_changed_an_article_last_cannot_approve_its_edition(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int, change: str
) -> None:
    last = desk.edition(product, draft).items[-1].article_id
    admin.post(f"/admin/editions/{draft}/order", data={"up": last})
    sheet = {"language": "fr", "title": "Un autre titre", "markdown": "Un autre texte.", "revision": "1"}
    data = {"embargo": {"until": "2099-01-01T06:00"}, "text": sheet}[change]
    assert other.post(f"/admin/articles/{last}/{change}", data=data).status_code == 303
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    assert "cannot be the one" in other.get(f"/admin/editions/{draft}/send").text
    seen = fingerprint(desk.edition(product, draft))
    answer = other.post(f"/admin/editions/{draft}/approval/answer", data={"seen": seen, "answer": "approve"})
    assert answer.status_code == 409
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def test_a_draft_that_waits_for_approval_says_so_before_it_is_changed(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    told = f"{desk.EMAIL} has asked for approval of it as it stands: a change makes that void."
    assert told in other.get(f"/admin/editions/{draft}").text
    item = desk.edition(product, draft).items[0].article_id
    other.post(f"/admin/editions/{draft}/order", data={"down": item})
    page = other.get(f"/admin/editions/{draft}").text
    assert told not in page
    assert "The approval that was asked for no longer counts" in page


def test_an_answer_is_to_what_was_seen(admin: FlaskClient, other: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    data = form(other, draft, answer="approve")
    item = desk.edition(product, draft).items[0].article_id
    admin.post(f"/admin/editions/{draft}/order", data={"down": item})
    answer = other.post(f"/admin/editions/{draft}/approval/answer", data=data)
    assert answer.status_code == 409
    assert "it must be asked for anew" in answer.text
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def test_a_change_tells_who_asked_to_ask_anew_and_others_nothing(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    told, waits = "was changed since you asked for approval", "asks for approval of"
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    assert [waits in each.get("/admin/").text for each in (admin, other)] == [True, True]
    data = {"revision": 0, "introduction": "Bonjour"}
    saved = admin.post(f"/admin/editions/{draft}/texts", data=data, headers={"HX-Request": "true"}).text
    assert "The approval that was asked for no longer counts" in saved
    assert "The approval that was asked for no longer counts" in admin.get(f"/admin/editions/{draft}").text
    assert [told in each.get("/admin/").text for each in (admin, other)] == [True, False]
    assert [waits in each.get("/admin/").text for each in (admin, other)] == [False, False]
    admin.post(f"/admin/editions/{draft}/undo", data={"revision": 1})
    assert waits in other.get("/admin/").text, "it is again what was asked about"
    assert "no longer counts" not in admin.get(f"/admin/editions/{draft}").text


def test_an_embargo_that_stops_an_approved_edition_tells_who_asked(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    """Otherwise both wait for an edition that leaves no more."""
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    other.post(f"/admin/editions/{draft}/approval/answer", data=form(other, draft, answer="approve"))
    assert desk.edition(product, draft).status is EditionStatus.SCHEDULED
    item = desk.edition(product, draft).items[0].article_id
    other.post(f"/admin/articles/{item}/embargo", data={"until": "2099-01-01T06:00"})
    told = "was changed since you asked for approval"
    assert [told in each.get("/admin/").text for each in (admin, other)] == [True, False]
    assert "The approval that was asked for no longer counts" in admin.get(f"/admin/editions/{draft}").text
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    assert told not in admin.get("/admin/").text


def test_a_declined_edition_says_why(admin: FlaskClient, other: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    where = f"/admin/editions/{draft}/approval/answer"
    assert other.post(where, data=form(other, draft, answer="decline")).status_code == 422
    assert other.post(where, data=form(other, draft, answer="decline", note="Titre faux")).status_code == 303
    assert "Titre faux" in admin.get(f"/admin/editions/{draft}/send").text
    assert audit(product)[-1] == (BOB, "approval-declined", None)


@pytest.mark.parametrize("answer", ["", "yes", "APPROVE", "stop"])
def test_an_answer_that_is_none_is_refused(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int, answer: str
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    for data in (form(other, draft, answer=answer), form(other, draft)):
        refused = other.post(f"/admin/editions/{draft}/approval/answer", data=data)
        assert (refused.status_code, "Nothing was answered" in refused.text) == (400, True)
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def lose_readers(product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(sa.update(Subscription).values(status=SubscriptionStatus.UNSUBSCRIBED))


def test_what_cannot_be_sent_any_more_can_be_declined(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    lose_readers(product)
    page = other.get(f"/admin/editions/{draft}/send").text
    assert "There is nobody to send this to" in page
    assert ('value="decline"' in page, 'value="approve"' in page) == (True, False)
    data = form(other, draft, answer="decline", note="Personne ne la lit")
    assert other.post(f"/admin/editions/{draft}/approval/answer", data=data).status_code == 303
    assert "asks for approval" not in other.get("/admin/").text


@pytest.mark.parametrize("change", ["readers", "text"])
def test_whoever_asked_takes_it_back(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int, change: str
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    if change == "readers":
        lose_readers(product)
    else:
        admin.post(f"/admin/editions/{draft}/order", data={"down": desk.edition(product, draft).items[0].article_id})
    where = f"/admin/editions/{draft}/approval/withdrawal"
    assert where in admin.get(f"/admin/editions/{draft}/send").text
    assert where not in other.get(f"/admin/editions/{draft}/send").text
    assert other.post(where).status_code == 409
    assert admin.post(where).status_code == 303
    assert audit(product)[-1] == (desk.EMAIL, "approval-withdrawn", None)
    assert "asks for approval" not in other.get("/admin/").text
    assert admin.post(where).status_code == 409


def test_calling_a_scheduled_edition_off_withdraws_its_approval(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    other.post(f"/admin/editions/{draft}/approval/answer", data=form(other, draft, answer="approve"))
    admin.post(f"/admin/editions/{draft}/cancel")
    assert desk.edition(product, draft).status is EditionStatus.CANCELLED
    with product.database.reading() as session:
        assert session.scalars(select(Approval)).one().state is ApprovalState.STOPPED


def test_a_newsletter_that_wants_two_shows_no_button_to_one(
    admin: FlaskClient, product: Product, draft: int, app: Flask
) -> None:
    with product.database.transaction() as session:
        session.scalars(select(Newsletter)).one().needs_approval = True
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert 'name="confirmed"' not in page
    assert "nobody else at the desk" in page
    meant = {"seen": seen(product, draft), "confirmed": "yes"}
    assert admin.post(f"/admin/editions/{draft}/send", data=meant).status_code == 409
    assert copies(product) == 0


def test_what_was_held_is_on_the_first_page(
    admin: FlaskClient, other: FlaskClient, product: Product, draft: int
) -> None:
    admin.post(f"/admin/editions/{draft}/approval", data=form(admin, draft))
    other.post(f"/admin/editions/{draft}/approval/answer", data=form(other, draft, answer="approve"))
    with product.database.transaction() as session:
        session.get_one(Edition, draft).items[0].article.revision += 1
    later = now() + timedelta(hours=1)
    start_approved(product.database, now=later, config=product.config, links=product.links)
    assert "should have left by itself and did not pass" in admin.get("/admin/").text
    admin.post(f"/admin/editions/{draft}/send", data=form(admin, draft, confirmed="yes"))
    assert "did not pass" not in admin.get("/admin/").text


@pytest.mark.parametrize(
    ("source", "introduction", "sentences"),
    [
        ("", "mark-unsubscribe-", ("Un texte contient l’un de nos propres repères", "Formulez-le autrement.")),
        ("{{ introduction.x }}", "Bonjour", ("Ligne 1\u00a0: ", "Corrigez le modèle")),
    ],
)
def test_why_a_letter_cannot_be_made_is_said_in_the_language_of_the_desk(
    admin: FlaskClient, product: Product, draft: int, source: str, introduction: str, sentences: tuple[str, ...]
) -> None:
    with product.database.transaction() as session:
        edition = session.get_one(Edition, draft)
        edition.introduction = introduction + (edition.public_id if introduction.endswith("-") else "")
    if source:
        desk.put_template_in_force(product, source)
    admin.post("/admin/account/language", data={"language": "fr"})
    page = unescape(admin.get(f"/admin/editions/{draft}/send").text)
    assert "La lettre ne peut pas être composée" in page
    for sentence in sentences:
        assert sentence in page


def test_nobody_lets_a_digest_pass_that_its_schedule_sends_no_more(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    spoil(product, draft)
    with product.database.transaction() as session:
        install_schedules(session, product.config, now())
        usual = session.scalars(select(Schedule.id).where(Schedule.language == "fr"))
        late = session.get_one(Edition, draft)
        late.schedule_id, late.is_automatic = usual.one(), True
    typed = form(admin, draft, reason=REASON)
    with product.database.transaction() as session:
        session.get_one(Edition, draft).created_at = now() - timedelta(hours=25)
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert "the schedule does not send it any more" in page
    assert "Let it pass</button>" not in page
    assert admin.post(f"/admin/editions/{draft}/override", data=typed).location.endswith(f"/editions/{draft}")
    assert audit(product) == []
    assert "the schedule does not send it any more" in admin.get(f"/admin/editions/{draft}").text


def test_the_command_line_passes_the_gate_as_well(app: Flask, product: Product, draft: int) -> None:
    run = app.test_cli_runner().invoke
    spoil(product, draft)
    checked = run(args=["editions", "check", str(draft), "--json"])
    assert checked.exit_code == 1
    assert '"code": "link-placeholder"' in checked.output
    assert "A link still holds a placeholder" in checked.output
    assert run(args=["editions", "send", str(draft), "--yes"]).exit_code == 1
    assert copies(product) == 0
    assert run(args=["editions", "send", str(draft), "--yes", "--override", REASON]).exit_code == 0
    assert copies(product) == 4


def test_doctor_reads_records_from_a_file(app: Flask, tmp_path) -> None:
    zone = tmp_path / "zone"
    zone.write_text('bounces.newsletter.example. IN TXT "v=spf1 -all"\n', encoding="utf-8")
    answer = app.test_cli_runner().invoke(args=["doctor", "--records", str(zone)])
    assert answer.exit_code == 1
    assert "There is no DMARC record" in answer.output
    assert "SPF" not in answer.output


@pytest.mark.parametrize(("readers", "is_told"), [(99_999, False), (100_000, True)])
def test_that_a_press_takes_seconds_is_told_where_it_does(
    admin: FlaskClient, product: Product, readers: int, is_told: bool
) -> None:
    draft = desk.make_draft(product)
    with product.database.transaction() as session:
        counted = PlaceCount(newsletter_id=1, language="fr", place=Place.GETS, number=readers, counted_at=now())
        session.add(counted)
    assert ("takes some seconds" in admin.get(f"/admin/editions/{draft}/send").text) is is_told


def test_what_nobody_asked_is_not_said_to_pass(admin: FlaskClient, draft: int) -> None:
    page = " ".join(admin.get(f"/admin/editions/{draft}/send").text.split())
    [sender] = re.findall(r'<li class="check check-(\w+)">(?:(?!</h3>).)*Sender and DNS (.*?)</h3>', page)
    assert sender[0] == "unasked"
    assert "Not looked at" in sender[1]
