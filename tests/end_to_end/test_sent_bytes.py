"""What leaves the house, as a real SMTP server got it: every kind of letter, in both languages, against the rules."""

import re
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests import letter_rules
from tests.end_to_end.house import House, Postbox, link_in, wait_until

pytestmark = pytest.mark.slow

DOMAIN = "newsletter.example"
HARD_TITLE = "« L’été » : 100 % des câbles & <b>satellites</b> — où en est-on 🛰 ? " + "cyberdéfense " * 8


def post(url: str, **fields: str) -> None:
    with urlopen(Request(url, data=urlencode(fields).encode()), timeout=30) as response:
        assert response.status == 200


def sign_up(house: House, language: str, address: str) -> None:
    with urlopen(f"{house.url}/{language}/", timeout=30) as response:
        page = response.read().decode()
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    time.sleep(2.2)
    post(f"{house.url}/{language}/subscribe", **fields, email=address)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_letter_keeps_the_rules(house: House, postbox: Postbox, tmp_path: Path, language: str) -> None:
    address = f"o'connor.{language}+news@reader.example"
    sign_up(house, language, address)
    post(link_in(postbox.wait_for(address, 1), "/confirm/"))
    postbox.wait_for(address, 2)
    sign_up(house, language, address)
    postbox.wait_for(address, 3)
    article = tmp_path / "piece.txt"
    article.write_text(". a line that begins with a dot\n\n.\n\nFrom the first word on.\n\n" + "long " * 400)
    house.flask("articles", "add", "--language", language, "--title", HARD_TITLE, str(article))
    edition = house.flask_json("editions", "compile", "--language", language)["id"]
    house.flask("editions", "send", str(edition), "--yes")
    postbox.wait_for(address, 4)

    mine = [(sender, raw) for sender, to, raw in postbox.raw if to == address]
    assert len(mine) == 4
    letters = [letter_rules.check(raw, recipient=address, domain=DOMAIN) for _, raw in mine]
    assert len({str(letter["Message-ID"]) for letter in letters}) == 4
    assert [letter["Auto-Submitted"] for letter in letters] == ["auto-generated"] * 3 + [None]
    for sender, _ in mine:
        assert re.fullmatch(rf"[a-z0-9.+=-]{{1,64}}@bounces\.{DOMAIN}", sender)
    assert len({sender for sender, _ in mine}) == 4
    wait_until(lambda: house.flask_json("editions", "status", str(edition))["accepted"] == 1, "the ledger to know")
