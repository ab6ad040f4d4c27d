"""Extras at the gate: what of it keeps one back, and that a reason answers for what was seen and for nothing else."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.articles.models import Article
from app.choices.choices import Timing
from app.choices.models import Cadence
from app.digests.flash import SetFlash, set_flash, start_flash
from app.digests.held import hold_extra, read_held
from app.digests.models import Erratum, Flash
from app.editions.models import EditionKind
from app.errors import GateClosed, ReasonRefused, TransitionRefused
from app.gate.findings import Finding, What, failures
from app.gate.models import Baseline
from app.gate.probing import ProbeKind, keep_probe
from app.product import Product
from tests.digests.readers import HOUR, file, letters, make_reader
from tests.editions.press import make_draft

NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
REASON = "The page opens at noon, in a minute"


@pytest.fixture
def article_id(product: Product) -> int:
    """An article that one reader in real time may get at once."""
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=Timing(Cadence.REAL_TIME, 8, 0, "UTC"))
        return file(session, "Le câble", at=NOW - HOUR).id


def ready(product: Product, article_id: int) -> SetFlash:
    with product.database.reading() as session:
        return set_flash(session, article_id, config=product.config, links=product.links, now=NOW)


def start(product: Product, flash: SetFlash, reason: str = "", *, shown: Collection[str] | None = None) -> int:
    shown = failures(flash.findings) if shown is None else shown
    with product.database.transaction() as session:
        return start_flash(session, flash, per_day=3, actor="ada", reason=reason, shown=shown, now=NOW)


def hold(product: Product, flash: SetFlash) -> None:
    with product.database.transaction() as session:
        hold_extra(session, flash, kind=EditionKind.FLASH, notes={}, actor="ada", now=NOW)


def test_what_is_wrong_with_its_letter_keeps_it_back(product: Product, article_id: int) -> None:
    assert ready(product, article_id).findings == ()
    with product.database.transaction() as session:
        session.get_one(Article, article_id).link = "https://10.0.0.1/"
    flash = ready(product, article_id)
    assert failures(flash.findings) == {What.LINK_INWARD}
    with pytest.raises(GateClosed):
        start(product, flash)


@pytest.mark.parametrize("hours", [1, 7])
def test_a_page_that_was_gone_lately_keeps_it_back(product: Product, article_id: int, hours: int) -> None:
    dead = [
        Finding(What.LINK_DEAD, "https://wire.example/fr/Le câble", "404"),
        Finding(What.LINK_DEAD, "https://x.test"),
    ]
    with product.database.transaction() as session:
        keep_probe(session, ProbeKind.LINKS, "edition:1:x", dead, now=NOW - timedelta(hours=hours))
    assert failures(ready(product, article_id).findings) == ({What.LINK_DEAD} if hours < 6 else set())


def test_another_sender_than_that_of_the_last_edition_keeps_it_back(product: Product, article_id: int) -> None:
    with product.database.transaction() as session:
        edition_id = make_draft(session, now=NOW).id
        session.add(
            Baseline(
                edition_id=edition_id, readers=1, sender_domain="other.example", keys="x", public_url="https://o.test"
            )
        )
    changed = {What.DOMAIN_CHANGED, What.KEYS_CHANGED, What.ADDRESS_CHANGED}
    assert failures(ready(product, article_id).findings) == changed


def test_a_reason_answers_for_what_was_seen_and_for_that_text_alone(product: Product, article_id: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Article, article_id).link = "https://10.0.0.1/"
    flash = ready(product, article_id)
    with pytest.raises(GateClosed):
        start(product, flash, REASON)
    hold(product, flash)
    with pytest.raises(ReasonRefused):
        start(product, flash, "because")
    more = replace(flash.letters[0][0], findings=(*flash.findings, Finding(What.HTML_TOO_LARGE)))
    with pytest.raises(GateClosed):
        start(product, replace(flash, letters=((more, flash.letters[0][1]),)), REASON)
    with product.database.transaction() as session:
        session.get_one(Article, article_id).revision = 2
        assert read_held(session, session.get_one(Article, article_id)) == {}
    flash = ready(product, article_id)
    with pytest.raises(GateClosed):
        start(product, flash, REASON)
    hold(product, flash)
    with pytest.raises(GateClosed):
        start(product, flash, REASON, shown={"html-too-large"})
    assert start(product, flash, REASON) == 1
    with product.database.reading() as session:
        assert letters(session, "ann") == [["Le câble"]]
        assert read_held(session, session.get_one(Article, article_id)) == {}


@pytest.mark.parametrize("kind", [EditionKind.FLASH, EditionKind.ERRATUM])
def test_what_left_by_another_press_is_not_held_any_more(product: Product, article_id: int, kind: EditionKind) -> None:
    with product.database.transaction() as session:
        session.get_one(Article, article_id).link = "https://10.0.0.1/"
    refused = ready(product, article_id)
    with product.database.transaction() as session:
        left = {"article_id": article_id, "at": NOW, "by": "bob", "copies": 1}
        session.add(Flash(**left) if kind is EditionKind.FLASH else Erratum(**left, revision=1, notes={}))
    with product.database.transaction() as session, pytest.raises(TransitionRefused):
        hold_extra(session, refused, kind=kind, notes={}, actor="ada", now=NOW)
    with product.database.reading() as session:
        assert read_held(session, session.get_one(Article, article_id)) == {}
