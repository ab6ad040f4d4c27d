"""Agreements counted: each event once, in whatever pieces, and only what agrees."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.newsletters.models import WordingPurpose, current_policy, current_wording
from app.product import Product
from app.readership import agreements
from app.readership.agreements import advance_agreements, read_agreements
from app.readership.models import ShownText
from app.readership.tallies import read_readership
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.ledger import Act
from tests import make
from tests.conftest import NOW

LATER = NOW + timedelta(days=1)


def texts(session: Session, language: str = "fr") -> tuple[int, int]:
    return session.scalars(current_wording(1, language)).one().id, session.scalars(current_policy(language)).one().id


def act(session: Session, number: int, *kinds: ConsentKind, at: datetime = NOW) -> None:
    wording_id, policy_id = texts(session)
    reader = make.make_subscription(session, email=f"r{number}@reader.example", at=at)
    for kind in kinds:
        done = Act(kind, ConsentMethod.FORM, at, "fr", wording_id=wording_id, policy_id=policy_id)
        make.make_event(session, reader, done)


def count(product: Product, *, at: datetime = LATER) -> int:
    with product.database.transaction() as session:
        return advance_agreements(session, now=at)


def test_each_agreement_counts_once_in_whatever_pieces(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreements, "BATCH", 2)
    with product.database.transaction() as session:
        for number in range(3):
            act(session, number, ConsentKind.REQUESTED, ConsentKind.CONFIRMED)
        act(session, 9, ConsentKind.REQUESTED, ConsentKind.UNSUBSCRIBED)
    pieces = []
    while pieces[-1:] != [0]:
        pieces.append(count(product))
    assert len(pieces) > 3
    assert count(product) == 0
    with product.database.reading() as session:
        wording_id, policy_id = texts(session)
        assert read_agreements(session) == {(ShownText.WORDING, wording_id): 3, (ShownText.POLICY, policy_id): 3}


def test_what_is_young_waits(product: Product) -> None:
    with product.database.transaction() as session:
        act(session, 1, ConsentKind.CONFIRMED)
    assert count(product, at=NOW + timedelta(minutes=9)) == 0
    assert count(product, at=NOW + timedelta(minutes=10)) > 0


def test_a_renewal_and_an_allowance_agree_too(product: Product) -> None:
    with product.database.transaction() as session:
        act(session, 1, ConsentKind.RENEWED, ConsentKind.COUNTING_ALLOWED, ConsentKind.STAYED)
        box = session.scalars(current_wording(1, "fr", WordingPurpose.MEASUREMENT)).one()
    while count(product):
        pass
    with product.database.reading() as session:
        agreed = read_agreements(session)
        assert agreed[(ShownText.WORDING, texts(session)[0])] == 2
        assert (ShownText.WORDING, box.id) not in agreed


def test_counting_agreements_leaves_the_days_alone(product: Product) -> None:
    with product.database.transaction() as session:
        act(session, 1, ConsentKind.REQUESTED, ConsentKind.CONFIRMED)
    while count(product):
        pass
    with product.database.snapshot() as session:
        told = read_readership(session, newsletter_id=1, zone="Europe/Paris", days=30, now=LATER)
    assert told.total == 1, "the days have their own place in the ledger, and have not come so far"
