"""The pages of the mail catcher: any program of this machine may send to it, and few know the rules."""

from pathlib import Path

import pytest
from flask import Flask

from app.demo.catcher import Mailbox
from app.web import mailbox
from tests.conftest import ON_SQLITE

LETTER = b"From: x\r\nSubject: <i>Bonjour</i>\r\n\r\nUn mot.\r\n"


@ON_SQLITE
@pytest.mark.parametrize("date", [b"", b"Date: never\r\n", b"Date: Mon, 1 Jan 0001 00:00:00 -0000\r\n"])
def test_a_letter_without_a_good_date_is_listed_and_shown(app: Flask, tmp_path: Path, date: bytes) -> None:
    caught = Mailbox(tmp_path / "caught")
    caught.put(date + LETTER)
    mailbox.register(app, caught)
    [(name, _)] = caught.letters(1)
    for path in ("/mailbox/", f"/mailbox/{name}"):
        answer = app.test_client().get(path)
        assert answer.status_code == 200
        assert "&lt;i&gt;Bonjour&lt;/i&gt;" in answer.text


@ON_SQLITE
@pytest.mark.parametrize("written", [b"23:30:00 +0000", b"23:30:00 -0000", b"18:30:00 -0500"])
def test_letters_are_dated_by_the_clocks_of_the_newsletter(app: Flask, tmp_path: Path, written: bytes) -> None:
    caught = Mailbox(tmp_path / "caught")
    caught.put(b"Date: Sat, 28 Nov 2026 " + written + b"\r\n" + LETTER)
    mailbox.register(app, caught)
    shown = app.test_client().get("/mailbox/").text
    assert "29\u00a0novembre\u00a02026 à\u00a000:30 (Europe/Paris)" in shown


@ON_SQLITE
def test_a_letter_of_text_alone_shows_no_empty_frame_and_its_links_can_be_followed(app: Flask, tmp_path: Path) -> None:
    caught = Mailbox(tmp_path / "caught")
    caught.put(LETTER + b"<b>\r\nhttp://127.0.0.1:8000/admin/sign-in/x.y-z\r\n")
    caught.put(b"Content-Type: text/html\r\n" + LETTER)
    mailbox.register(app, caught)
    pages = [app.test_client().get(f"/mailbox/{name}").text for name, _ in caught.letters(2)]
    assert sorted("<iframe" in page for page in pages) == [False, True]
    [text] = [page for page in pages if "<iframe" not in page]
    assert "&lt;b&gt;" in text
    assert '<a href="http://127.0.0.1:8000/admin/sign-in/x.y-z" rel="noopener">http' in text
