"""Two newsletters side by side: what is set up for the second, and that neither has the other's texts."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.admins.models import AuditAct, AuditEntry
from app.digests.newsletters import add_newsletter, close_newsletter, find_meant, open_newsletter
from app.digests.schedule import install_schedules
from app.digests.scheduling import usual_schedules
from app.errors import FieldsRefused, InputRefused, TransitionRefused
from app.newsletters.defaults import install_defaults
from app.newsletters.models import WordingPurpose, current_policy, current_wording
from app.newsletters.wordings import store_wording
from app.product import Product
from app.settings.publication import Identity
from tests import make
from tests.conftest import NOW

NAMES = {"fr": ("Cap Nord", "L’Arctique."), "en": ("North Cape", "The Arctic.")}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_second_has_all_that_the_first_has_in_its_own_name(product: Product, language: str) -> None:
    with product.database.transaction() as session:
        install_schedules(session, product.config, NOW)
        second = make.add_second(session, product.config)
        first, own = make.newsletter(session), second.in_language(language)
        assert (second.timezone, second.sends_welcome) == (first.timezone, first.sends_welcome)
        schedules = [each for each in session.scalars(usual_schedules()) if each.language == language]
        assert {each.newsletter_id: each.cron for each in schedules} == dict.fromkeys(
            (first.id, second.id), "30 7 * * 2"
        )
        for purpose in WordingPurpose:
            assert session.scalars(current_wording(second.id, language, purpose)).one().version == 1
        statement = session.scalars(current_wording(second.id, language)).one().statement
        assert own.name in statement
        assert first.in_language(language).name not in statement.replace(product.config.identity.publisher, "")
        policy = session.scalars(current_policy(language)).one()
    assert own.list_label == f"{language}.north"
    both = {"fr": "«\u00a0Vigie\u00a0» et «\u00a0Cap Nord\u00a0», et pour", "en": "“Vigie” and “North Cape”, and the"}
    assert both[language] in policy.body
    assert policy.version == 2


def test_the_log_has_the_texts_that_come_with_the_second_and_the_first_keeps_its_hours(product: Product) -> None:
    with product.database.transaction() as session:
        install_schedules(session, replace(product.config, digest_cron="0 6 * * *"), NOW)
        second = make.add_second(session, product.config)
        crons = {each.newsletter_id: each.cron for each in session.scalars(usual_schedules())}
        entries = session.execute(sa.select(AuditEntry.actor, AuditEntry.act, AuditEntry.target)).all()
    assert crons == {1: "0 6 * * *", second.id: "30 7 * * 2"}
    assert {entry.actor for entry in entries} == {"ada@desk.example"}
    assert {(entry.act, entry.target) for entry in entries} == {
        *((AuditAct.POLICY_CHANGED, f"policy:{language} 2") for language in ("en", "fr")),
        *(
            (AuditAct.WORDING_CHANGED, f"wording:north {purpose} {language} 1")
            for purpose in WordingPurpose
            for language in ("en", "fr")
        ),
    }


def test_a_new_text_of_one_is_none_of_the_other(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        store_wording(
            session, newsletter_id=second.id, language="fr", heading="h", statement="[s]", button="b", now=NOW,
            written_by="ada@desk.example",
        )  # fmt: skip
        versions = [session.scalars(current_wording(key, "fr")).one().version for key in (1, second.id)]
    assert versions == [1, 2]


def test_an_upgrade_leaves_the_second_its_name_and_follows_the_settings(product: Product) -> None:
    changed = replace(product.config, timezone="Europe/Oslo", identity=replace(Identity(), publication="La Jetée"))
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        install_defaults(session, changed, NOW + timedelta(days=1))
        assert (second.timezone, second.in_language("fr").name) == ("Europe/Oslo", "Cap Nord")
        assert session.scalars(current_wording(1, "fr")).one().version == 2
        assert session.scalars(current_wording(second.id, "fr")).one().version == 1


@pytest.mark.parametrize(
    ("slug", "names", "faults"),
    [
        ("North", NAMES, {"slug": "slug"}),
        ("n" * 41, NAMES, {"slug": "slug"}),
        ("vigie", NAMES, {"slug": "taken"}),
        ("north", NAMES | {"en": ("", "x" * 501)}, {"name-en": "empty", "description-en": "long"}),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    product: Product, slug: str, names: dict[str, tuple[str, str]], faults: dict[str, str]
) -> None:
    with product.database.transaction() as session, pytest.raises(FieldsRefused) as refusal:
        add_newsletter(session, slug=slug, names=names, config=product.config, actor="ada@desk.example", now=NOW)
    assert refusal.value.faults == faults


def test_where_there_are_several_one_must_be_named(product: Product) -> None:
    with product.database.transaction() as session:
        assert find_meant(session, None) is make.newsletter(session)
        second = make.add_second(session, product.config)
        with pytest.raises(InputRefused, match="--newsletter: vigie, north"):
            find_meant(session, None)
        assert find_meant(session, "north") is second


def test_closing_and_opening_are_once_each(product: Product) -> None:
    with product.database.transaction() as session:
        close_newsletter(session, newsletter_id=1, now=NOW)
        with pytest.raises(TransitionRefused):
            close_newsletter(session, newsletter_id=1, now=NOW)
        open_newsletter(session, newsletter_id=1)
        with pytest.raises(TransitionRefused):
            open_newsletter(session, newsletter_id=1)
        assert session.scalar(sa.select(make.Newsletter.closed_at).where(make.Newsletter.id == 1)) is None
