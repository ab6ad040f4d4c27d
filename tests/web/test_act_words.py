"""What is recorded of readers has words of its own on every page, in both languages."""

from enum import StrEnum

import pytest
from flask import Flask, render_template_string

from app import templating
from app.feedback.notices import NoticeKind
from app.subscriptions.models import ConsentKind, ConsentMethod, SuppressionReason

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
