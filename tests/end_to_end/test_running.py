"""`flask serve` as a newcomer meets it: places printed, ports checked, a clean end, everything caught."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.conftest import KEY
from tests.end_to_end.house import ROOT, House, Postbox, free_port, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def trial(tmp_path: Path) -> House:
    """A house without a mail server: it catches its own letters."""
    house = House(tmp_path, 1, MAIL_CATCHER_PORT=str(free_port()))
    del house.environ["MAIL_SERVER"]
    return house


def test_it_prints_where_things_are_and_ends_cleanly(trial: House) -> None:
    with trial.process("flask", "serve", is_up=trial.answers) as running:
        wait_until(lambda: "Ctrl-C" in trial.output.read_text(), "the places to be printed")
        printed = trial.output.read_text()
        assert f"{trial.url}/mailbox/" in printed
        assert re.search(rf"{trial.url}/admin/sign-in/\S+", printed)
        with urlopen(f"{trial.url}/mailbox/") as response:
            assert response.status == 200
        with pytest.raises(HTTPError), urlopen(f"{trial.url}/fr/preferences/a-secret"):
            pass
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0
    assert "Traceback" not in trial.output.read_text()
    assert "a-secret" not in trial.output.read_text(), "no access log"
    keys = trial.output.parent / "keys"
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}


def test_the_pages_answer_when_their_places_are_printed(trial: House) -> None:
    is_told = lambda: "Ctrl-C" in trial.output.read_text()  # noqa: E731
    with trial.process("flask", "serve", is_up=is_told), urlopen(f"{trial.url}/fr/") as response:
        assert response.status == 200


def test_a_second_start_takes_as_long_as_a_few_commands(trial: House) -> None:
    """Told by what a command takes at the same time, about a second on a machine at rest."""
    with trial.serving():
        pass
    assert any(start_s(trial) < 4 * command_s(trial) for _ in range(3)), "three starts in a row were slow"


def start_s(trial: House) -> float:
    """How long a start takes."""
    begun = time.monotonic()
    with trial.serving():
        return time.monotonic() - begun


def command_s(trial: House) -> float:
    """How long a command takes that asks the database little."""
    begun = time.monotonic()
    trial.flask("schedules", "list")
    return time.monotonic() - begun


@pytest.mark.parametrize("name", ["PORT", "MAIL_CATCHER_PORT"])
def test_a_port_in_use_is_one_line_and_code_2(trial: House, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(trial.environ[name])))
        taken.listen()
        ended = trial.flask("serve", check=False)
    assert ended.returncode == 2
    assert ended.stderr.strip().count("\n") == 0
    assert name in ended.stderr


def test_a_database_that_is_away_is_one_line_and_code_1(trial: House) -> None:
    keys = {name: f"{KEY}-{name}" for name in ("SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS")}
    trial.environ |= {"DATABASE_URL": f"postgresql://vigie@127.0.0.1:{free_port()}/vigie", **keys}
    ended = trial.flask("serve", check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: the database cannot answer (connection failed: ")
    assert ended.stderr.strip().count("\n") == 0


def test_a_wrong_setting_is_one_line_and_code_2(trial: House) -> None:
    trial.environ["TIMEZONE"] = "Paris"
    ended = trial.flask("serve", check=False)
    assert (ended.returncode, ended.stderr.strip().count("\n")) == (2, 0)
    assert "TIMEZONE" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "scheduler"])
def test_a_taxonomy_that_is_wrong_is_told_at_the_start(trial: House, command: str) -> None:
    own = trial.output.parent / "own.toml"
    own.write_text("no taxonomy")
    trial.environ["TOPICS_FILE"] = str(own)
    ended = trial.flask(command, check=False)
    assert (ended.returncode, ended.stderr.strip().count("\n")) == (2, 0)
    assert ended.stderr.startswith(f"vigie: TOPICS_FILE {own}: ")


def test_commands_say_what_is_wrong_in_one_line(trial: House) -> None:
    ended = trial.flask("editions", "list", check=False)
    assert ended.returncode == 1
    assert "flask db upgrade" in ended.stderr
    assert ended.stderr.strip().count("\n") == 0
    trial.flask("db", "upgrade")
    for arguments in (("subscribers", "show", "nobody@reader.example"), ("subscribers", "add", "not an address"),
                      ("editions", "show", "99"), ("sources", "add", "nowhere.xml")):  # fmt: skip
        ended = trial.flask(*arguments, check=False)
        assert ended.returncode == 1, arguments
        assert ended.stderr.startswith("Error: ")
        assert ended.stderr.strip().count("\n") == 0


def test_sending_asks_first(trial: House) -> None:
    trial.flask("db", "upgrade")
    article = trial.output.parent / "piece.md"
    article.write_text("# A piece\n\nSome words about a cable.\n")
    trial.flask("articles", "add", "--language", "en", str(article))
    edition = trial.flask_json("editions", "compile", "--language", "en")["id"]
    assert trial.flask("editions", "send", str(edition), check=False, stdin="n\n").returncode == 1
    assert trial.flask_json("editions", "status", str(edition))["status"] == "draft"
    assert trial.flask_json("editions", "compile", "--language", "en") == {
        "id": None, "outcome": "nothing new", "articles": 0, "subject": None,
    }  # fmt: skip


def test_wsgi_refuses_wrong_settings_too(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import wsgi"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PORT": "none", "VIGIE_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_ctrl_c_in_a_terminal_leaves_nobody_on_the_port(trial: House) -> None:
    """A terminal interrupts every process of the group at once."""
    with trial.output.open("ab") as output:
        command = [sys.executable, "-m", "flask", "serve"]
        running = subprocess.Popen(
            command, cwd=ROOT, env=trial.environ, stdout=output, stderr=output, start_new_session=True
        )
    wait_until(trial.answers, "the pages", seconds=60)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=60) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", trial.port)) != 0


def test_a_second_signal_does_not_cut_the_end_short(trial: House) -> None:
    """Whoever presses Ctrl-C twice, or is stopped by two hands, would else leave the pages on their port."""
    with trial.process("flask", "serve", is_up=trial.answers) as running:
        [pages] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        os.kill(int(pages), signal.SIGSTOP)
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            running.send_signal(number)
            time.sleep(0.5)
        os.kill(int(pages), signal.SIGCONT)
        assert running.wait(timeout=30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", trial.port)) != 0


def test_nothing_is_sent_any_more_while_the_pages_take_their_time_to_end(tmp_path: Path) -> None:
    with Postbox() as postbox:
        house = House(tmp_path, postbox.port)
        with house.process("flask", "serve", is_up=house.answers) as running:
            house.flask("subscribers", "add", "early@reader.example")
            postbox.wait_for("early@reader.example", 1)
            [pages] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            os.kill(int(pages), signal.SIGSTOP)
            running.send_signal(signal.SIGTERM)
            time.sleep(1)
            house.flask("subscribers", "add", "late@reader.example")
            time.sleep(2)
            assert running.poll() is None
            assert postbox.letters_to("late@reader.example") == []
            os.kill(int(pages), signal.SIGCONT)
            assert running.wait(timeout=60) == 0
