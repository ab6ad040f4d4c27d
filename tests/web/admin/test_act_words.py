"""What is recorded of readers has words of its own on every page, in both languages."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from app import templating
from app.feedback.notices import NoticeKind
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason

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
