"""The mail catcher: keeps what it is given, newest first, and no more than it should."""

import smtplib
from pathlib import Path

from app.demo import catcher
from app.demo.catcher import Mailbox, make_catcher
from tests.end_to_end.house import free_port

LETTER = b"From: a@newsletter.example\r\nTo: b@reader.example\r\nSubject: Bonjour\r\n\r\nUn mot.\r\n"


def test_a_letter_sent_over_smtp_is_in_the_box_and_survives_a_restart(tmp_path: Path) -> None:
    controller = make_catcher(Mailbox(tmp_path), free_port())
    controller.start()
    with smtplib.SMTP("127.0.0.1", controller.port, local_hostname="here.example", timeout=10) as client:
        client.sendmail("a@newsletter.example", ["b@reader.example"], LETTER)
    controller.stop()
    [(name, message)] = list(Mailbox(tmp_path).letters(10))
    assert message["Subject"] == "Bonjour"
    assert Mailbox(tmp_path).source(name) == LETTER


def test_the_newest_come_first_and_the_oldest_give_way(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(catcher, "KEPT_LETTERS", 3)
    mailbox = Mailbox(tmp_path)
    for number in range(5):
        mailbox.put(LETTER.replace(b"Bonjour", b"No %d" % number))
    assert [message["Subject"] for _, message in mailbox.letters(10)] == ["No 4", "No 3", "No 2"]
    assert len(list(tmp_path.iterdir())) == 3


def test_names_from_outside_open_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    mailbox = Mailbox(tmp_path / "box")
    assert mailbox.source("../secret") is None
    assert mailbox.letter("nothing.eml") is None
