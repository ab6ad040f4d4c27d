"""Newsletters as people change them: what is refused, what follows, and what the settings have no say in any more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from app.admins.models import AuditAct, AuditEntry
from app.digests.newsletters import (
    Face,
    change_mark,
    change_newsletter,
    is_label_fixed,
    put_face,
    require_approval,
)
from app.digests.schedule import install_schedules
from app.editions.lines import Schedule
from app.errors import ChangedMeanwhile, FieldsRefused, NotFound
from app.newsletters.defaults import install_defaults
from app.newsletters.letterhead import SETTINGS_ADDRESSES, OwnAddresses
from app.newsletters.models import NewsletterLanguage, current_policy, current_wording
from app.newsletters.wordings import store_wording
from app.product import Product
from app.subscriptions.models import Subscription
from tests import make
from tests.conftest import NOW
from tests.editions.press import make_draft, start

LATER = NOW + timedelta(hours=1)
JETTY = Face("The Jetty", "What comes in by sea.", "en.vigie")


def change(
    product: Product,
    *,
    timezone: str = "America/Montreal",
    addresses: OwnAddresses = SETTINGS_ADDRESSES,
    seen: str = "",
    now: datetime = NOW,
) -> None:
    with product.database.transaction() as session:
        change_newsletter(
            session, newsletter_id=1, seen=seen, timezone=timezone, sends_welcome=False, addresses=addresses,
            config=product.config, now=now,
        )  # fmt: skip


def put(product: Product, face: Face, *, language: str = "en") -> None:
    with product.database.transaction() as session:
        seen = change_mark(make.newsletter(session).changed_at)
        put_face(
            session, newsletter_id=1, seen=seen, language=language, face=face, config=product.config,
            actor="ada@desk.example", now=LATER,
        )  # fmt: skip


def test_usual_digests_leave_by_the_new_clocks_from_the_next_one_on(product: Product) -> None:
    with product.database.transaction() as session:
        install_schedules(session, product.config, NOW)
    change(product)
    with product.database.reading() as session:
        runs = {(each.timezone, each.next_run_at) for each in session.scalars(select(Schedule))}
    # Tuesday 24 March 2026, 07:30 in Montreal, where summer time has begun and in Paris not yet.
    assert runs == {("America/Montreal", datetime(2026, 3, 17, 11, 30, tzinfo=UTC))}


def test_who_did_not_see_the_last_change_overwrites_nothing(product: Product) -> None:
    change(product)
    with pytest.raises(ChangedMeanwhile):
        change(product, timezone="Europe/Berlin")
    change(product, timezone="Europe/Berlin", seen=change_mark(NOW), now=LATER)
    with product.database.reading() as session:
        assert make.newsletter(session).timezone == "Europe/Berlin"


def test_only_zones_that_there_are_are_taken(product: Product) -> None:
    with pytest.raises(FieldsRefused) as refused:
        change(product, timezone="Paris")
    assert refused.value.faults == {"timezone": "zone"}
    with pytest.raises(FieldsRefused) as refused:
        change(product, timezone="Paris", addresses=OwnAddresses("a@elsewhere.example", "b"))
    assert refused.value.faults == {"timezone": "zone", "sender": "domain", "reply_to": "address"}
    assert "write an address that ends with @newsletter.example" in str(refused.value)
    with pytest.raises(NotFound), product.database.transaction() as session:
        require_approval(session, newsletter_id=77, is_needed=True, now=NOW)


def test_its_own_addresses_are_kept_in_their_wire_form_until_they_are_taken_away(product: Product) -> None:
    change(product, addresses=OwnAddresses("North@Newsletter.example", "desk@été.example"))
    with product.database.reading() as session:
        kept = make.newsletter(session)
        assert (kept.sender, kept.reply_to) == ("North@newsletter.example", "desk@xn--t-9fab.example")
    change(product, seen=change_mark(NOW), now=LATER)
    with product.database.reading() as session:
        kept = make.newsletter(session)
        assert (kept.sender, kept.reply_to) == (None, None)


@pytest.mark.parametrize(
    ("face", "faults"),
    [
        (replace(JETTY, name=""), {"name": "empty"}),
        (replace(JETTY, name="a\nBcc: x"), {"name": "empty"}),
        (replace(JETTY, description="x" * 501), {"description": "long"}),
        (replace(JETTY, list_label="En Vigie"), {"list_label": "label"}),
        (replace(JETTY, list_label="en..vigie"), {"list_label": "label"}),
        (replace(JETTY, list_label="fr.vigie"), {"list_label": "taken"}),
    ],
)
def test_words_that_no_header_can_hold_are_refused_by_field(
    product: Product, face: Face, faults: dict[str, str]
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        put(product, face)
    assert refused.value.faults == faults


def test_a_label_is_free_until_a_letter_left_under_it_in_its_language(product: Product) -> None:
    put(product, replace(JETTY, list_label="en.jetty"))
    with product.database.transaction() as session:
        make.make_subscription(session, language="fr")
    put(product, replace(JETTY, list_label="en.pier"))
    with product.database.transaction() as session:
        make.make_subscription(session, email="bob@reader.example", language="en")
    put(product, replace(JETTY, name="The Pier", list_label="en.pier"))
    with pytest.raises(FieldsRefused) as refused:
        put(product, JETTY)
    assert refused.value.faults == {"list_label": "fixed"}


def test_an_edition_fixes_it_too_when_all_its_readers_are_erased(product: Product) -> None:
    with product.database.transaction() as session:
        start(session, product, make_draft(session))
        session.execute(delete(Subscription))
        assert is_label_fixed(session, 1, "fr")
        assert not is_label_fixed(session, 1, "en")


def test_a_language_that_is_missing_is_added(product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(delete(NewsletterLanguage).where(NewsletterLanguage.language == "en"))
    put(product, JETTY)
    with product.database.reading() as session:
        assert [face.language for face in make.newsletter(session).languages] == ["fr", "en"]
    with pytest.raises(FieldsRefused):
        put(product, replace(JETTY, list_label="eo.vigie"), language="eo")


def test_the_products_texts_follow_a_new_name_and_written_ones_stay(product: Product) -> None:
    with product.database.transaction() as session:
        store_wording(
            session, newsletter_id=1, language="fr", heading="h", statement="[s]", button="b", now=NOW,
            written_by="ada@desk.example",
        )  # fmt: skip
    put(product, JETTY)
    with product.database.reading() as session:
        assert "“The Jetty”" in session.scalars(current_wording(1, "en")).one().statement
        assert "The Jetty" in session.scalars(current_policy("en")).one().body
        assert session.scalars(current_wording(1, "fr")).one().statement == "[s]"
        entries = session.execute(select(AuditEntry.actor, AuditEntry.act, AuditEntry.target)).all()
    assert sorted(entries) == [
        ("ada@desk.example", AuditAct.POLICY_CHANGED, "policy:en 2"),
        ("ada@desk.example", AuditAct.WORDING_CHANGED, "wording:vigie newsletter en 2"),
    ]


def test_what_somebody_changed_the_settings_leave_alone(product: Product) -> None:
    put(product, JETTY)
    changed = replace(product.config, timezone="Asia/Tokyo", digest_cron="0 6 * * *")
    with product.database.transaction() as session:
        install_defaults(session, changed, LATER)
        install_schedules(session, changed, LATER)
    with product.database.reading() as session:
        newsletter = make.newsletter(session)
        assert (newsletter.timezone, newsletter.in_language("en").name) == ("Europe/Paris", "The Jetty")
        assert session.scalars(select(Schedule)).all() == []
