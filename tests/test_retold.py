"""What is stored in English is told in the reader's language, whatever stands in its places."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.retold import why_unread

ARTICLES = Path(__file__).resolve().parent.parent / "app" / "articles"


def _texts(node: ast.expr | None) -> list[str]:
    """What a text of the code says, with a figure in its places, and with either kind of thing that is read."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if not isinstance(node, ast.JoinedStr):
        return []
    said = [""]
    for part in node.values:
        ways = [str(part.value)] if isinstance(part, ast.Constant) else ["7"]
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id == "kind":
            ways = ["feed", "page"]
        said = [before + way for before in said for way in ways]
    return said


def stored() -> Iterator[str]:
    """Every reason that the code stores of a feed or a page that could not be read."""
    for path in sorted(ARTICLES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                is_refusal = isinstance(node.func, ast.Name) and node.func.id in {"FetchRefused", "HostAway"}
                told = [each.value for each in node.keywords if each.arg == "failure"]
                for each in [*told, *(node.args if is_refusal else [])]:
                    yield from _texts(each)


def test_every_reason_why_nothing_was_read_has_its_french() -> None:
    found = list(stored())
    assert len(found) > 35
    assert [each for each in found if why_unread("fr", each) == each] == []
    assert [each for each in found if why_unread("en", each) != each] == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("the server answers 503", "le serveur répond par le code 503"),
        ("the server took longer than 0.5 s", "le serveur a mis plus de 0,5_s à répondre"),
        (
            "only http and https addresses of up to 2,000 characters are fetched",
            "seules les adresses http et https de 2_000 caractères au plus sont lues",
        ),
        ("the host (a.example) is not known", "le serveur (a.example) est introuvable"),
        ("the feed is empty, or is it", "the feed is empty, or is it"),
    ],
)
def test_a_reason_keeps_what_it_names(said: str, told: str) -> None:
    assert why_unread("fr", said).replace("\u00a0", "_") == told
