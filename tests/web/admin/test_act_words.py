"""What is recorded of readers has words of its own on every page, in both languages."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from app import templating
from app.admins.models import AuditAct, AuditEntry, Role
from app.admins.proving import Method
from app.feedback.notices import NoticeKind
from app.gate.findings import Finding, Level, What
from app.retold import retell
from app.stories.models import StoryAct
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.newcomers.imports import Arrival
from app.web.admin.house.audit import DETAILS, tell

WORDS = [
    ("_partials/act_words.html", "act", ConsentKind, str),
    ("_partials/act_words.html", "method", ConsentMethod, str),
    ("public/_dossier_words.html", "reason", SuppressionReason, str),
    ("public/_dossier_words.html", "returned", NoticeKind, str),
    ("admin/_words.html", "suppression_reason", SuppressionReason, lambda value: value),
]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("template", "macro", "values", "given"), WORDS)
def test_each_value_has_words(
    app: Flask, template: str, macro: str, values: type[StrEnum], given: type, language: str
) -> None:
    source = f'{{% import "{template}" as words with context %}}{{{{ words.{macro}(value) }}}}'
    context = {**templating.words(language), "time": str, "number": str, "zone": "UTC"}
    with app.test_request_context():
        told = {value: render_template_string(source, value=given(value), **context) for value in values}
    assert all(words.strip() and words.strip() != value for value, words in told.items()), told
    assert len(set(told.values())) == len(told)


def test_each_reason_to_hold_a_letter_back_has_words_in_french(app: Flask) -> None:
    """It is stored in English where the server's reply would stand, and shown to readers."""
    reasons = set(reasons_in_code())
    assert len(reasons) > 10
    source = '{% import "_partials/reply_words.html" as words with context %}{{ words.said(value) }}'
    with app.test_request_context():
        told = {reason: render_template_string(source, value=reason, **templating.words("fr")) for reason in reasons}
        assert render_template_string(source, value="5.1.1 no", **templating.words("fr")) == "5.1.1 no"
    assert [reason for reason, words in told.items() if words == reason or not words] == []


def reasons_in_code() -> Iterator[str]:
    """Yield what `Withheld` is made with anywhere, for each status where that is part of it."""
    for path in (Path(__file__).parents[3] / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Withheld":
                yield from texts_of(node.args[0])


def texts_of(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts_of(node.body), *texts_of(node.orelse))
    else:
        assert isinstance(node, ast.JoinedStr)
        begin, value = node.values
        assert isinstance(begin, ast.Constant)
        assert isinstance(value, ast.FormattedValue)
        yield from (begin.value + status for status in SubscriptionStatus)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_failure_of_which_only_the_name_is_kept_is_a_whole_sentence(app: Flask, language: str) -> None:
    """As an edition's that keeps itself back are."""
    source = '{% import "admin/editions/_gate_words.html" as gate with context %}{{ gate.what(finding) }}'
    context = {**templating.words(language), "why_unread": str}
    with app.test_request_context():
        told = {
            what: render_template_string(source, finding=Finding(what), **context)
            for what in What
            if what.level is Level.FAILURE
        }
    broken = re.compile(r"\s\s|\s,|\(\W*\)|\s[)]|(\s|contraste?)$")
    assert len(told) > 30
    assert [words for words in told.values() if broken.search(words)] == []


#: What is written into the log by other words than a text in the code, with what the code has in its place.
BUILT = {
    "7 copies 7": {"rejected copies 7", "uncertain copies 7"},
    "7 7": {"12 up", "12 down", "h1 up"},
    "7 7 7": {"fr compiled 7", "en nothing new"},
}
#: Numbers of versions, and names; and reasons, which are told as they were written.
AS_IT_IS = {"7: 7", "story:7", "7"}


def test_each_detail_of_the_desks_acts_has_words_in_french() -> None:
    texts = {text for found in details_in_code() for text in BUILT.get(found, {found})} - AS_IT_IS
    texts |= {*Role, *Method, *StoryAct} | {f"{arrival} 7" for arrival in (*Arrival, "refused")}
    assert len(texts) > 40
    assert {"texts", "revision 7 restored", "words of article 7", "again"} <= texts
    assert [text for text in sorted(texts) if retell("fr", DETAILS, text) == text] == []


@pytest.mark.parametrize(
    ("act", "detail", "told"),
    [
        (
            AuditAct.READERS_IMPORTED,
            "import 5: held 3, known 1",
            "importation 5\u00a0: retenus\u00a0: 3, déjà connus\u00a0: 1",
        ),
        (AuditAct.READERS_EXPORTED, "language, status", "langue, état"),
        (AuditAct.EDITION_OVERRIDDEN, "link-dead: the page comes up", "link-dead: the page comes up"),
        (AuditAct.EDITION_CHANGED, "12 up", "12 monté d’un rang"),
    ],
)
def test_lists_are_told_part_by_part_and_reasons_as_they_were_written(act: AuditAct, detail: str, told: str) -> None:
    assert tell("fr", AuditEntry(act=act, detail=detail)) == told


def details_in_code() -> Iterator[str]:
    """Yield what `note_act` is given as a detail, here or by the functions that pass it on; places are a 7."""
    places = {"note_act": 3, "_changed": 1, "_save": 2, "_go": 2}
    for path in (Path(__file__).parents[3] / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
                yield from (text_of(each) for each in node.args[places[node.func.id] :][:1] if is_text(each))


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def text_of(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(each) if is_text(each) else "7" for each in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""
