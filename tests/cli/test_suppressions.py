"""`flask suppressions`: checked, added and lifted by address; listed by hash."""

import json

from flask import Flask

from app.feedback.notices import NoticeKind
from app.product import Product
from tests.feedback.house import notice, reader_with_copy, tell


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    ran = app.test_cli_runner().invoke(args=["suppressions", *arguments])
    return ran.exit_code, ran.output


def test_an_address_is_closed_once_and_lifted(app: Flask, product: Product) -> None:
    email = "Bob@reader.example"
    assert json.loads(run(app, "check", email, "--json")[1]) == {"suppressed": False}
    assert run(app, "lift", email, "--note", "n")[0] == 1
    assert run(app, "add", email, "--note", " ")[0] == 1
    assert run(app, "add", email, "--note", "by letter") == (0, "The address is mailed no more.\n")
    assert run(app, "add", email, "--note", "again") == (0, "It was not mailed already.\n")
    [row] = json.loads(run(app, "list", "--json")[1])
    assert (row["reason"], row["source"], row["note"]) == ("admin", "cli", "by letter")
    assert "bob" not in json.dumps(row)
    assert run(app, "lift", email, "--note", "changed their mind")[0] == 0
    found = json.loads(run(app, "check", email, "--json")[1])
    assert found["suppressed"]
    assert found["lifted_at"]


def test_the_list_goes_by_reason(app: Flask, product: Product) -> None:
    tell(product, notice(NoticeKind.HARD, reader_with_copy(product)))
    assert len(json.loads(run(app, "list", "--reason", "hard-bounce", "--json")[1])) == 1
    assert json.loads(run(app, "list", "--reason", "complaint", "--json")[1]) == []
