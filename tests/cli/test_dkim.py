"""`flask dkim`: what it prints can be published as it is, and verifies what its keys sign."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dkim as dkimpy
import dns.rdatatype
import dns.zone
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from app.mail.dkim import Signer, load_keys
from tests.conftest import make_config

HEADERS = b"From: a@paper.example\r\nTo: b@reader.example\r\nSubject: x\r\n"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The app; these commands open no database."""
    app = create_app(make_config(f"sqlite:///{tmp_path / 'none.db'}", tmp_path))
    yield app
    app.extensions["vigie"].database.dispose()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


def records_of(zone: str) -> dict[bytes, bytes]:
    """The TXT records of a zone file, by name, their strings joined as readers join them."""
    parsed = dns.zone.from_text(f"$TTL 3600\n{zone}", origin=".", relativize=False, check_origin=False)
    return {
        str(name).encode(): b"".join(record.strings) for name, _, record in parsed.iterate_rdatas(dns.rdatatype.TXT)
    }


def test_what_is_printed_verifies_what_is_signed(runner: FlaskCliRunner, tmp_path: Path) -> None:
    output = runner.invoke(args=["dkim", "generate", "2026-11", "--domain", "paper.example"]).output
    zone, _, rest = output.partition("Publish this")
    assert "DKIM_SELECTORS=2026-11,2026-11-ed " in rest
    records = records_of(zone)
    assert set(records) == {b"2026-11._domainkey.paper.example.", b"2026-11-ed._domainkey.paper.example."}
    signer = Signer("paper.example", load_keys(tmp_path / "data" / "dkim"))
    raw = signer.sign(HEADERS, b"x\r\n", at=datetime.now(UTC)) + HEADERS + b"\r\nx\r\n"
    for index in (0, 1):
        assert dkimpy.DKIM(raw).verify(index, dnsfunc=lambda name, timeout: records[name])


def test_a_key_is_never_overwritten(runner: FlaskCliRunner, tmp_path: Path) -> None:
    assert runner.invoke(args=["dkim", "generate", "2026-11-ed", "--algorithm", "ed25519"]).exit_code == 0
    before = (tmp_path / "data" / "dkim" / "2026-11-ed.ed25519.pem").read_bytes()
    result = runner.invoke(args=["dkim", "generate", "2026-11"])
    assert (result.exit_code, result.stderr) == (1, "Error: there is a DKIM key for the selector 2026-11-ed already\n")
    assert [path.read_bytes() for path in (tmp_path / "data" / "dkim").iterdir()] == [before]


@pytest.mark.parametrize(("algorithm", "is_warned"), [("rsa", False), ("ed25519", True)])
def test_one_kind_alone_is_made_and_told_what_it_wants(runner: FlaskCliRunner, algorithm: str, is_warned: bool) -> None:
    output = runner.invoke(args=["dkim", "generate", "2026-11", "--algorithm", algorithm]).output
    assert f"k={algorithm}; p=" in output
    assert ("Name an RSA key" in output) is is_warned


def test_keys_are_listed_as_they_were_printed(runner: FlaskCliRunner, tmp_path: Path) -> None:
    assert runner.invoke(args=["dkim", "list"]).output == "none\n"
    printed = runner.invoke(args=["dkim", "generate", "2026-11"]).output.partition("Publish this")[0]
    listed = runner.invoke(args=["dkim", "list"]).output
    assert records_of(listed) == records_of(printed)
    rows = json.loads(runner.invoke(args=["dkim", "list", "--json"]).output)
    assert {f"{row['name']}.".encode(): row["record"].encode() for row in rows} == records_of(printed)
    assert [(row["selector"], row["algorithm"]) for row in rows] == [("2026-11", "rsa"), ("2026-11-ed", "ed25519")]
    assert [Path(row["file"]).exists() for row in rows] == [True, True]


def test_a_sender_that_lacks_a_key_which_is_named_refuses_in_one_line(database_url: str, tmp_path: Path) -> None:
    app = create_app(make_config(database_url, tmp_path, DKIM_SELECTORS="2026-11"))
    result = app.test_cli_runner().invoke(args=["worker"])
    assert (result.exit_code, result.stderr.splitlines()[-1][:22]) == (1, "Error: no DKIM key in ")
    app.extensions["vigie"].database.dispose()
