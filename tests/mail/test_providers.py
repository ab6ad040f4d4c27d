"""Domains that one provider keeps share what it asks of any of them."""

import pytest

from app.mail.providers import provider_of


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("a@wanadoo.fr", "orange.fr"),
        ("a@orange.fr", "orange.fr"),
        ("a@HotMail.FR", "outlook.com"),
        ("a@newsroom.example", "newsroom.example"),
        ('"a@orange.fr"@newsroom.example', "newsroom.example"),
    ],
)
def test_an_address_has_one_provider(address: str, provider: str) -> None:
    assert provider_of(address) == provider
