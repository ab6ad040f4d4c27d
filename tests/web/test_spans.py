"""Spans of time on readers' pages, as the settings have them: one hour is no plural, in either language."""

import re
from dataclasses import replace

import pytest
from flask import Flask

from app.product import Product
from app.settings.retention import Retention
from tests.web.reader import data_path, make_reader


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("fr", r"\b1\s(?:heure|an)\b", r"\b1\s(?:heures|ans)\b"),
        ("en", r"\b1\s(?:hour|year)\b", r"\b1\s(?:hours|years)\b"),
    ],
)
def test_one_hour_and_one_year_are_told_in_the_singular(
    app: Flask, product: Product, language: str, one: str, many: str
) -> None:
    retention = Retention(confirm_hours=1, proof_years=1)
    app.extensions["vigie"] = replace(product, config=replace(product.config, retention=retention))
    client = app.test_client()
    make_reader(product)
    path = data_path(product, language=language)
    for page in (
        f"{path}/erasure", f"{path}/address", f"/{language}/check-your-mail", f"/{language}/confirm/x",
        f"/{language}/address/x", f"/{language}/address-undo/x",
    ):  # fmt: skip
        said = client.get(page).text
        assert re.search(one, said), page
        assert not re.search(many, said), page
