"""Words: every text of templates and code has its French, once, with the right typography."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.i18n import bound, day, day_beside, moment
from app.mail.meanings import Meaning
from app.retold import FAILURES, NOTES
from app.subscriptions.newcomers.lists import RowFault
from app.web.admin.house.audit import DETAILS

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((ROOT / "translations" / "fr").glob("*.po"))
KEYWORDS = {"_": None, "gettext": (2,), "ngettext": (1, 2)}


def wanted() -> set[str]:
    """Every message id that templates and code use."""
    found: set[str] = set()
    templates = extract_from_dir(
        ROOT / "templates",
        method_map=[("**", "jinja2.ext:babel_extract")],
        keywords={"_": None, "ngettext": (1, 2)},
        directory_filter=lambda _: True,  # by default folders like `_partials` are passed over
    )
    code = extract_from_dir(
        ROOT / "app", method_map=[("**.py", "python")], keywords={"gettext": (2,), "ngettext": (2, 3)}
    )
    for _, _, message, _, _ in [*templates, *code]:
        found |= {message} if isinstance(message, str) else {each for each in message if isinstance(each, str)}
    return (found | {each.sentence for each in (*Meaning, *RowFault)} | {*FAILURES, *NOTES, *DETAILS}) - {""}


def known() -> dict[str, tuple[str, ...]]:
    """Every message id of the catalogues, with its French forms."""
    messages: dict[str, tuple[str, ...]] = {}
    for path in CATALOGUES:
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                if not message.id:
                    continue
                ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
                strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
                assert ids[0] not in messages, f"{ids[0]!r} stands in two catalogues"
                messages.update(dict.fromkeys(ids, tuple(strings)))
    return messages


def test_every_text_has_its_french() -> None:
    messages = known()
    assert not sorted(each for each in wanted() if not all(messages.get(each, ("",))))


def test_no_french_is_left_over() -> None:
    assert not sorted(set(known()) - wanted())


def test_places_are_the_same_in_both_languages() -> None:
    for message, strings in known().items():
        for string in strings:
            assert set(re.findall(r"%\(\w+\)s", message)) - {"%(num)s"} == set(re.findall(r"%\(\w+\)s", string)) - {
                "%(num)s"
            }, message


def test_french_typography_uses_the_no_break_space() -> None:
    for message, strings in known().items():
        for string in strings:
            bare = re.sub(r"https?://\S+|%\(\w+\)s", "", string)
            assert not re.search(r"(?<![\u00a0\d])[;!?»]|(?<=[^\W\d])(?<!\u00a0):(?=\s|$)|«(?!\u00a0)", bare), message
            assert not set(string) & {"\u202f", "'"}, message


def test_the_first_of_a_month_is_an_ordinal_in_french_alone() -> None:
    first = datetime(2026, 8, 1, 6, tzinfo=UTC)
    assert (day("fr", first), day("en", first)) == ("1er\u00a0août\u00a02026", "1\u00a0August\u00a02026")
    assert moment("fr", first, "UTC") == "1er\u00a0août\u00a02026 à\u00a006:00 (UTC)"
    assert day("fr", date(2026, 8, 11)) == "11\u00a0août\u00a02026"


def test_a_date_beside_another_names_its_year_only_where_it_is_another_one() -> None:
    assert day_beside("fr", date(2026, 8, 1), date(2026, 12, 31)) == "1er\u00a0août"
    assert day_beside("en", date(2026, 12, 31), date(2027, 1, 1)) == "31\u00a0December\u00a02026"


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("« Non ! » : 12 % ; qui ?", "«_Non_!_»_: 12_%_; qui_?"),
        ("Quoi ?! Rien.", "Quoi_?! Rien."),
        ("Déjà\u00a0: oui", "Déjà_: oui"),
        ("https://x.example/?a:b;c 5%", "https://x.example/?a:b;c 5%"),
        ("{% raw %}", "{% raw %}"),
    ],
)
def test_no_line_begins_with_french_punctuation(plain: str, shown: str) -> None:
    assert bound(plain, "fr").replace("\u00a0", "_") == shown
    assert bound(plain, "en") == plain
