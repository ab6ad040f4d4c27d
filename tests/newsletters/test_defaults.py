"""What a fresh set-up has, and how its texts become numbered versions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.newsletters.defaults import install_defaults
from app.newsletters.models import (
    ConsentWording,
    Newsletter,
    PrivacyPolicy,
    current_policy,
    current_wording,
    newsletter_by_slug,
)
from app.newsletters.wordings import cut_statement, store_policy, store_wording
from app.product import Product
from app.settings.publication import Identity
from app.settings.retention import Retention
from tests.conftest import NOW


def test_installing_twice_changes_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        install_defaults(session, product.config, NOW + timedelta(days=1))
    with product.database.reading() as session:
        newsletter = session.scalars(select(Newsletter)).one()
        assert [face.language for face in newsletter.languages] == ["fr", "en"]
        assert [face.list_label for face in newsletter.languages] == ["fr.vigie", "en.vigie"]
        assert newsletter.timezone == "Europe/Paris"
        assert {(each.language, each.version) for each in session.scalars(select(ConsentWording))} == {
            ("fr", 1),
            ("en", 1),
        }
        assert all(each.created_at == NOW for each in session.scalars(select(PrivacyPolicy)))


def test_changed_settings_become_a_new_version_and_the_old_one_stays(product: Product) -> None:
    changed = replace(
        product.config, retention=Retention(pending_days=7), identity=replace(Identity(), publication="La Jetée")
    )
    with product.database.transaction() as session:
        before = session.scalars(current_policy("fr")).one()
        install_defaults(session, changed, NOW + timedelta(days=1))
        after = session.scalars(current_policy("fr")).one()
        wording = session.scalars(current_wording(1, "fr")).one()
        name = session.scalars(newsletter_by_slug()).one().in_language("fr").name
    assert (before.version, after.version, wording.version, name) == (1, 2, 2, "La Jetée")
    assert "14\u00a0jours" in before.body
    assert "7\u00a0jours" in after.body
    assert "«\u00a0La Jetée\u00a0»" in wording.statement
    assert before.sha256 != after.sha256


def test_a_text_that_comes_back_is_a_version_of_its_own(product: Product) -> None:
    with product.database.transaction() as session:
        versions = [
            store_policy(session, language="fr", body=body, now=NOW) for body in ("<p>a</p>", "<p>b</p>", "<p>a</p>")
        ]
        assert [each.version for each in versions] == [2, 3, 4]
        assert len({each.sha256 for each in versions}) == 3
        assert session.scalars(current_policy("fr")).one() is versions[2]


def test_a_statement_needs_exactly_one_link_to_the_policy(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        for statement in ("no link", "[two] and [links]"):
            with pytest.raises(ValueError, match="link"):
                store_wording(
                    session, newsletter_id=1, language="fr", heading="h", statement=statement, button="b", now=NOW
                )


def test_names_with_brackets_cannot_move_the_link(product: Product) -> None:
    changed = replace(product.config, identity=replace(Identity(), publication="[Vigie]"))
    with product.database.transaction() as session:
        install_defaults(session, changed, NOW)
        wording = session.scalars(current_wording(1, "en")).one()
    assert cut_statement(wording.statement).link == "privacy policy"


@pytest.mark.parametrize(
    ("language", "points"),
    [
        ("fr", {"lettre", "publiée par", "politique de confidentialité", "à tout moment", "chacune de nos lettres"}),
        ("en", {"newsletter", "published by", "privacy policy", "at any time", "every letter"}),
    ],
)
def test_the_form_says_who_what_and_how_to_leave(product: Product, language: str, points: set[str]) -> None:
    with product.database.reading() as session:
        wording = session.scalars(current_wording(1, language)).one()
    assert not {point for point in points if point not in wording.statement}
    assert product.config.identity.publisher in wording.statement
    assert any(word in wording.button for word in ("S’abonner", "Subscribe"))
