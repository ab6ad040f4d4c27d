"""Texts of others, cut to the measure of a letter."""

import pytest

from app.editions.excerpts import beyond_title, without_addresses


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Vu sur https://www.wire.example/a?b=1 hier", "Vu sur wire.example hier"),
        ("https:///wire.example/a", "wire.example"),
        ("HTTP:\\\\wire.example\\a", "wire.example"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://bank.example:pin@evil.example@worse.example", "worse.example"),
        ("Aucune adresse : http, https:// ou a@b.example", "Aucune adresse : http, https:// ou a@b.example"),
    ],
)
def test_an_address_is_cut_to_the_host_that_a_browser_would_go_to(text: str, kept: str) -> None:
    assert without_addresses(text) == kept


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("Un câble coupé en mer Baltique.", ""),
        ("Un câble  coupé…", ""),
        (
            "Un câble coupé en mer Baltique, deux autres en danger.",
            "Un câble coupé en mer Baltique, deux autres en danger.",
        ),
        ("", ""),
    ],
)
def test_a_summary_that_is_the_title_once_more_is_none(summary: str, shown: str) -> None:
    assert beyond_title(summary, "Un câble coupé en mer Baltique") == shown
