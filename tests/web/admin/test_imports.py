"""A list of readers at the desk: handed in, matched, looked through, imported, reported on."""

import io
import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.admins.models import AuditAct, AuditEntry
from app.digests.newsletters import close_newsletter, open_newsletter
from app.jobs.importing import work_on_imports
from app.newsletters.defaults import install_defaults
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from tests import make
from tests.conftest import NOW, create_tables, make_config
from tests.web import desk

CORPORA = Path(__file__).resolve().parents[4] / "shared" / "corpora"
LIST = "Courriel;Provenance;Inscrit le\na@reader.example;salon;2025-03-01\nb@reader.example;;\nnobody;;\n"


def hand_in(admin: FlaskClient, content: str | bytes = LIST, name: str = "readers.csv") -> TestResponse:
    upload = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    return admin.post("/admin/readers/imports", data={"list": (upload, name)}, content_type="multipart/form-data")


def plan(**fields: str) -> dict[str, str]:
    return {"column-email": "0", "column-source": "1", "column-consented_on": "2", "letters_language": "fr", **fields}


def test_a_list_goes_from_a_file_to_readers(admin: FlaskClient, product: Product) -> None:
    path = hand_in(admin).location
    page = admin.get(path).text
    assert '<option value="0" selected>Courriel</option>' in page
    assert admin.post(f"{path}/start").status_code == 409, "it is looked through first"
    assert admin.post(f"{path}/check", data=plan()).status_code == 303
    assert "0&nbsp;%" in admin.get(f"{path}/progress").text.replace("\u00a0", "&nbsp;").replace("0 %", "0&nbsp;%")
    work_on_imports(product)
    assert admin.get(f"{path}/progress").headers["HX-Refresh"] == "true"
    page = admin.get(path).text
    assert "Import 2 readers" in page
    assert "This is no address that mail can be sent to." in page
    with product.database.reading() as session:
        assert make.subscriptions(session) == []
    assert admin.post(f"{path}/start").status_code == 303
    work_on_imports(product)
    with product.database.reading() as session:
        found = {row.subscriber.email: row.status for row in make.subscriptions(session)}
        acts = list(session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)))
    assert found == {"a@reader.example": SubscriptionStatus.CONFIRMED, "b@reader.example": SubscriptionStatus.HELD}
    assert acts[-4:] == [
        AuditAct.LIST_RECEIVED,
        AuditAct.LIST_CHECKED,
        AuditAct.IMPORT_STARTED,
        AuditAct.READERS_IMPORTED,
    ]
    report = admin.post(f"{path}/report")
    assert "b…@reader.example" in report.text
    assert "b@reader.example" not in report.text
    report.close()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"column-email": ""}, "columns-error"),
        ({"column-source": "0"}, "columns-error"),
        ({"column-email": "77"}, "columns-error"),
        ({"source": "salon"}, "proof-error"),
        ({"consented_on": "2025-01-01"}, "proof-error"),
        ({"source": "salon", "consented_on": "01/01/2025"}, "proof-error"),
        ({"source": "salon", "consented_on": "2999-01-01"}, "proof-error"),
        ({"source": "x" * 121, "consented_on": "2025-01-01"}, "proof-error"),
    ],
)
def test_what_makes_no_plan_is_said_beside_its_field(admin: FlaskClient, fields: dict[str, str], problem: str) -> None:
    path = hand_in(admin).location
    refused = admin.post(f"{path}/check", data=plan(**fields))
    assert (refused.status_code, f'id="{problem}"' in refused.text) == (422, True)


def test_what_was_typed_stays_where_it_makes_no_plan(admin: FlaskClient) -> None:
    path = hand_in(admin).location
    fields = {"source": "salon du livre", "letters_language": "en", "column-source": ""}
    page = admin.post(f"{path}/check", data=plan(**fields)).text
    assert 'value="salon du livre"' in page
    assert 'value="en" checked' in page
    assert "selected" not in re.search(r'<select id="column-source".*?</select>', page, re.DOTALL)[0]


def test_the_columns_are_folded_once_the_list_was_looked_through(admin: FlaskClient, product: Product) -> None:
    path = hand_in(admin).location
    assert "reread" not in admin.get(path).text
    admin.post(f"{path}/check", data=plan())
    work_on_imports(product)
    folded, otherwise = admin.get(path).text, admin.post(f"{path}/check", data=plan(source="salon")).text
    assert re.findall(r'<details class="reread"[^>]*>', folded) == ['<details class="reread">']
    assert re.findall(r'<details class="reread"[^>]*>', otherwise) == ['<details class="reread" open>']
    assert folded.index("Import 2 readers") < folded.index('id="column-email"')


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\n\n", b"\xff\xfee\0m\0", b"a," * 300 + b"\n"])
def test_a_file_that_is_no_list_is_refused_and_not_kept(admin: FlaskClient, product: Product, content: bytes) -> None:
    refused = hand_in(admin, content)
    assert (refused.status_code, 'id="list-error"' in refused.text) == (422, True)
    assert list(product.config.imports_dir.iterdir()) == []
    assert admin.post("/admin/readers/imports", data={}).status_code == 422


def hand_in_octets(client: FlaskClient, content: bytes) -> int:
    """As a browser does; the test client itself would put a large body into a file and forget it."""
    head = b'--x\r\nContent-Disposition: form-data; name="list"; filename="a.csv"\r\n\r\n'
    body = head + content + b"\r\n--x--\r\n"
    return client.post("/admin/readers/imports", data=body, content_type="multipart/form-data; boundary=x").status_code


def test_a_file_larger_than_the_settings_allow_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    config = make_config(url, tmp_path, IMPORT_MAX_MB="1")
    app = create_app(config)
    product: Product = app.extensions["vigie"]
    with product.database.transaction() as session:
        install_defaults(session, config, NOW)
    desk.make_admin(product)
    client = app.test_client()
    desk.sign_in(client)
    assert hand_in_octets(client, b"email\n" + b"x" * 1_048_580) == 422
    assert hand_in_octets(client, b"x" * 1_200_000) == 413
    assert hand_in_octets(client, b"email\n" + b"x" * 900_000) == 303
    product.database.dispose()


@pytest.mark.parametrize("name", ["../../etc/passwd", "<script>.csv", "x" * 400 + ".csv"])
def test_a_files_name_leads_nowhere(admin: FlaskClient, product: Product, name: str) -> None:
    path = hand_in(admin, name=name).location
    page = admin.get(path).text
    assert "<script>.csv" not in page
    assert {kept.name for kept in product.config.imports_dir.rglob("*.csv")} == {"list.csv"}


def payloads(name: str) -> list[str]:
    path = CORPORA / "security-payloads" / "open" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not beside the repository, in ../shared/corpora")
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in found if "\0" not in cell]


@pytest.mark.parametrize("corpus", ["csv-formula", "crlf", "naughty-strings"])
def test_hostile_cells_come_to_nothing_and_are_shown_as_text(admin: FlaskClient, product: Product, corpus: str) -> None:
    quoted = [cell.replace('"', '""') for cell in payloads(corpus)]
    rows = "".join(f'"{cell}";"{cell}";2025-01-01\n' for cell in quoted)
    path = hand_in(admin, "email;source;date\n" + rows + "good@reader.example;salon;2025-01-01\n").location
    page = admin.get(path).text
    assert "<script" not in page.replace('<script src="/static', "")
    admin.post(f"{path}/check", data=plan())
    work_on_imports(product)
    admin.post(f"{path}/start")
    work_on_imports(product)
    with product.database.reading() as session:
        assert session.scalars(sa.select(Subscriber.email)).all() == ["good@reader.example"]
    report = admin.post(f"{path}/report")
    assert not any(line.split(",")[-1].startswith(("=", "+", "-", "@")) for line in report.text.splitlines())
    report.close()


def test_a_cancelled_import_leaves_no_file(admin: FlaskClient, product: Product) -> None:
    path = hand_in(admin).location
    admin.post(f"{path}/check", data=plan())
    assert admin.post(f"{path}/cancel").status_code == 303
    work_on_imports(product)
    assert list(product.config.imports_dir.rglob("list.csv")) == []
    assert admin.post(f"{path}/cancel").status_code == 409
    assert admin.get(path).status_code == 200


def test_an_import_into_a_newsletter_that_was_closed_says_so_and_goes_on(admin: FlaskClient, product: Product) -> None:
    path = hand_in(admin).location
    admin.post(f"{path}/check", data=plan())
    work_on_imports(product)
    admin.post(f"{path}/start")
    with product.database.transaction() as session:
        close_newsletter(session, newsletter_id=1, now=NOW)
    work_on_imports(product)
    page = admin.get(path).text
    assert "closed to new readers meanwhile" in page
    assert "hx-get" not in page
    assert admin.get(f"{path}/progress").headers["HX-Refresh"] == "true"
    assert "Stands still" in admin.get("/admin/readers/imports").text
    with product.database.transaction() as session:
        assert make.subscriptions(session) == []
        open_newsletter(session, newsletter_id=1)
    work_on_imports(product)
    assert "closed to new readers" not in admin.get(path).text
    with product.database.reading() as session:
        assert len(make.subscriptions(session)) == 2


def test_no_page_of_readers_needs_more_than_twelve_queries(app: Flask, admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(60):
            make.make_request(session, make.make_subscription(session, email=f"r{number}@reader.example"))
        public_id = session.scalars(sa.select(Subscriber.public_id).join(Subscription)).first()
    path = hand_in(admin).location
    seen: list[str] = []
    sa.event.listen(product.database.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    for page in (
        "/admin/readers?status=confirmed&origin=form&topic=place:UA&cadence=daily", "/admin/readers?q=r",
        f"/admin/readers/{public_id}", "/admin/readers/new", "/admin/readers/imports", path,
    ):  # fmt: skip
        seen.clear()
        assert admin.get(page).status_code == 200
        assert len([statement for statement in seen if not statement.startswith("BEGIN")]) <= 12, page
