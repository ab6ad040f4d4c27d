"""The desk lets an article go as a flash, and tells who got an earlier text of it; so does the command line."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditEntry
from app.articles.models import Article
from app.choices.choices import Timing
from app.choices.models import Cadence
from app.clock import now
from app.delivery.models import DeliveryState
from app.editions.audience import finish_editions
from app.editions.models import Edition, EditionKind
from app.gate.findings import Finding, What
from app.gate.probing import ProbeKind, keep_probe
from app.product import Product
from app.web.admin.wire import article_page
from tests import make
from tests.digests.readers import HOUR, file, letters, make_reader
from tests.editions.press import compile_now, start
from tests.web import desk
from tests.web.visitor import Page

REASON = "The key is being published right now"
REAL_TIME = Timing(Cadence.REAL_TIME, 8, 0, "UTC")


@pytest.fixture
def path(client: FlaskClient, product: Product) -> str:
    """The page of an article that one reader in real time may get at once; another one reads the newsletter."""
    desk.make_admin(product)
    desk.sign_in(client)
    with product.database.transaction() as session:
        make_reader(session, "ann", now=now(), timing=REAL_TIME)
        make_reader(session, "bob", now=now())
        article = file(session, "Le câble", at=now() - HOUR)
    return f"/admin/articles/{article.id}"


def digest(product: Product) -> None:
    """An edition that carries the article leaves, and then its feed brings another text of it."""
    with product.database.transaction() as session:
        edition_id = compile_now(session, now=now()).edition_id
        start(session, product, session.get_one(Edition, edition_id), now=now())
        session.scalars(select(Article)).one().revision = 2


def acts(product: Product) -> list[tuple[str, str | None, str | None]]:
    with product.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [(entry.act.value, entry.target, entry.detail) for entry in entries[-2:]]


def test_a_flash_is_counted_sent_once_and_shown(client: FlaskClient, product: Product, path: str) -> None:
    assert "Send to 1 reader now" in client.get(path).text
    sent = client.post(f"{path}/flash", data={"revision": "1"}, follow_redirects=True).text
    assert "on its way" in sent
    assert "by ada@desk.example, in 1 copy" in sent
    assert "Send to 1 reader now" not in sent
    again = client.post(f"{path}/flash", data={"revision": "1"})
    assert again.status_code == 303
    with product.database.reading() as session:
        assert (letters(session, "ann"), letters(session, "bob")) == ([["Le câble"]], [])
    assert acts(product)[-1] == ("article-flashed", "article:1", "copies 1")
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, now=now())
        finish_editions(session, now=now())
    assert "Its public page" not in client.get("/admin/editions/1").text, "an extra has none"
    for page in ("/admin/editions", "/admin/editions/1", "/admin/"):
        assert "· Flash" in client.get(page).text, page


def test_of_very_many_readers_of_a_flash_some_are_counted(
    client: FlaskClient, product: Product, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with product.database.transaction() as session:
        for name in ("cat", "dan"):
            make_reader(session, name, now=now(), timing=REAL_TIME)
    monkeypatch.setattr(article_page, "FLASH_READERS_COUNTED", 2)
    page = client.get(path).text
    assert "Send to 2+ readers now" in page
    assert "takes some seconds" in page
    assert "in 3 copies" in client.post(f"{path}/flash", data={"revision": "1"}, follow_redirects=True).text


def test_an_unseen_text_or_one_kept_back_is_not_flashed(client: FlaskClient, product: Product, path: str) -> None:
    stale = client.post(f"{path}/flash", data={"revision": "9"})
    assert stale.status_code == 409
    assert "has changed since" in stale.text
    client.post(f"{path}/embargo", data={"until": "2099-01-01T06:00"})
    assert "cannot be a flash" in client.get(path).text
    assert client.post(f"{path}/flash", data={"revision": "1"}).status_code == 422
    assert client.post("/admin/articles/999/flash").status_code == 404
    with product.database.reading() as session:
        assert session.scalars(select(Edition.id)).all() == []


def test_who_got_an_earlier_text_is_counted_and_told(client: FlaskClient, product: Product, path: str) -> None:
    assert "earlier text" not in client.get(path).text
    digest(product)
    page = client.get(path).text
    assert "2 readers got an earlier text" in page
    assert 'name="note_fr"' in page
    assert 'name="note_en"' not in page, "nobody who got it reads English letters"
    empty = client.post(f"{path}/erratum", data={"revision": "2", "note_fr": " "})
    assert empty.status_code == 422
    assert 'id="notes-error-1"' in empty.text
    stale = client.post(f"{path}/erratum", data={"revision": "1", "note_fr": "Câble <danois>"})
    assert stale.status_code == 409
    assert "Câble &lt;danois&gt;</textarea>" in stale.text, "what was written is not lost"
    sent = client.post(f"{path}/erratum", data={"revision": "2", "note_fr": "Danois."}, follow_redirects=True).text
    assert "ada@desk.example told 2 readers what was corrected" in sent
    assert 'name="note_fr"' not in sent
    assert acts(product)[-1] == ("article-corrected", "article:1", "copies 2")
    assert client.post(f"{path}/erratum", data={"revision": "2", "note_fr": "Danois."}).status_code == 303


def unsign(product: Product) -> None:
    """What the gate was told of DNS last: that it has not our key."""
    with product.database.transaction() as session:
        found = [Finding(What.DKIM_MISSING, "s1._domainkey.newsletter.example")]
        keep_probe(session, ProbeKind.SENDER, product.config.mail.sender_domain, found, now=now())


def today(client: FlaskClient) -> str:
    return client.get("/admin/").text


def test_a_flash_that_does_not_pass_waits_on_today_for_a_reason(
    client: FlaskClient, product: Product, path: str
) -> None:
    unsign(product)
    kept = client.post(f"{path}/flash", data={"revision": "1", "reason": "A reason before anybody saw what for"})
    assert kept.status_code == 422
    assert "s1._domainkey.newsletter.example" in kept.text
    assert "The flash “Le câble” did not pass" in today(client)
    assert client.post(f"{path}/flash", data={"revision": "1"}).status_code == 422
    assert 'id="held-flash-1" role="alert"' in kept.text
    assert 'name="failures" value="dkim-missing"' in kept.text
    short = client.post(f"{path}/flash", data={"revision": "1", "reason": "because", "failures": "dkim-missing"})
    assert (short.status_code, 'id="reason-flash-1-error"' in short.text) == (422, True)
    assert 'aria-describedby="reason-flash-1-hint reason-flash-1-error" aria-invalid="true"' in short.text
    assert "because</textarea>" in short.text, "what was written is not lost"
    assert 'role="alert"' not in short.text
    with product.database.reading() as session:
        assert letters(session, "ann") == []
    answer = {"revision": "1", "reason": REASON, "failures": "link-dead"}  # those that another press met
    other = client.post(f"{path}/flash", data=answer)
    assert (other.status_code, f"{REASON}</textarea>" in other.text) == (422, True)
    assert 'aria-describedby="reason-flash-1-hint held-flash-1" aria-invalid="true"' in other.text
    stale = client.post(f"{path}/flash", data={**answer, "revision": "9"})
    assert (stale.status_code, f"{REASON}</textarea>" in stale.text) == (409, True)
    assert client.post(f"{path}/flash", data={**answer, "failures": "dkim-missing"}).status_code == 303
    with product.database.reading() as session:
        assert letters(session, "ann") == [["Le câble"]]
    assert acts(product) == [
        ("article-flashed", "article:1", "copies 1"),
        ("edition-overridden", "article:1", f"dkim-missing: {REASON}"),
    ]
    assert REASON in client.get("/admin/editions/1").text
    assert "did not pass" not in today(client)


def test_an_erratum_that_does_not_pass_keeps_its_words_or_is_given_up(
    client: FlaskClient, product: Product, path: str
) -> None:
    digest(product)
    said = {"revision": "2", "note_fr": "Voir [la page](https://example.com/)."}
    assert client.post(f"{path}/erratum", data=said).status_code == 422
    assert acts(product)[-1] == ("extra-held", "article:1", "link-placeholder")
    page = client.get(path).text
    assert "Voir [la page](https://example.com/).</textarea>" in page
    reason = next(each for each in Page(page).all("textarea") if each["id"] == "reason-erratum-1")
    assert "required" not in reason, "what is mended needs no reason"
    assert "The correction of “Le câble” did not pass" in today(client)
    assert client.post(f"{path}/held/nothing/drop").status_code == 404
    assert client.post(f"{path}/held/erratum/drop").location == f"{path}?note=given-up"
    assert client.post(f"{path}/held/erratum/drop").location == path, "somebody has given it up, or sent it"
    assert [act for act, *_ in acts(product)].count("extra-dropped") == 1
    assert "did not pass" not in today(client)
    assert "did not pass" not in client.get(path).text
    assert client.post(f"{path}/erratum", data=said).status_code == 422
    mended = client.post(f"{path}/erratum", data={**said, "note_fr": "Danois.", "reason": ""})
    assert mended.status_code == 303
    assert "did not pass" not in today(client)


def test_a_reason_that_says_nothing_is_wrong_in_its_own_form_alone(
    client: FlaskClient, product: Product, path: str
) -> None:
    digest(product)
    with product.database.transaction() as session:
        make_reader(session, "cid", now=now(), timing=REAL_TIME)
    unsign(product)
    said = {"revision": "2", "note_fr": "Danois.", "reason": "because", "failures": "dkim-missing"}
    for extra in ("flash", "erratum"):
        assert client.post(f"{path}/{extra}", data={"revision": "2", "note_fr": "Danois."}).status_code == 422
    page = client.post(f"{path}/erratum", data=said).text
    assert 'id="reason-erratum-1-error"' in page
    assert 'id="reason-flash-1"' in page
    assert 'id="reason-flash-1-error"' not in page
    assert page.count("because</textarea>") == 1
    page = client.post(f"{path}/erratum", data={**said, "reason": REASON, "note_fr": ""}).text
    assert 'id="notes-error-1"' in page
    assert f"{REASON}</textarea>" in page


def test_the_command_line_wants_a_reason_too(app: Flask, product: Product, path: str) -> None:
    unsign(product)
    runner = app.test_cli_runner()
    kept = runner.invoke(args=["articles", "flash", "1", "--yes"])
    assert kept.exit_code == 1
    assert "s1._domainkey.newsletter.example" in kept.output
    passed = runner.invoke(args=["articles", "flash", "1", "--yes", "--override", REASON])
    assert "Queued: 1 copy." in passed.output
    assert acts(product)[-1] == ("edition-overridden", "article:1", f"dkim-missing: {REASON}")


def test_the_command_line_does_the_same(app: Flask, product: Product, path: str) -> None:
    runner = app.test_cli_runner()
    asked = runner.invoke(args=["articles", "flash", "1"], input="n\n")
    assert "Send it to 1 reader at once?" in asked.output
    assert "Queued: 1 copy." in runner.invoke(args=["articles", "flash", "1", "--yes"]).output
    again = runner.invoke(args=["articles", "flash", "1", "--yes"])
    assert again.exit_code == 1
    assert "was a flash already" in again.output
    digest(product)
    assert "Français" in runner.invoke(args=["articles", "correct", "1", "--note-en", "Danish."]).output
    told = runner.invoke(args=["articles", "correct", "1", "--note-fr", "Danois.", "--yes"])
    assert "Queued: 2 copies." in told.output
    assert [(act, detail) for act, _, detail in acts(product)] == [
        ("article-flashed", "copies 1"), ("article-corrected", "copies 2"),
    ]  # fmt: skip
    with product.database.reading() as session:
        assert set(session.scalars(select(Edition.kind))) == set(EditionKind)
