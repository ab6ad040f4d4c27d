"""The log of what readers ask for by letter: a month, two more if they are told in time, and what is due first."""

from datetime import date, datetime

import pytest

from app.errors import InputRefused, NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.log import (
    Right,
    RightsRequest,
    answer_request,
    extend_request,
    log_request,
    open_requests,
)
from tests import make
from tests.conftest import NOW

TODAY = date(2026, 3, 17)


def log(session: object, received_on: date, **more: object) -> RightsRequest:
    asked = {"kind": Right.ACCESS, "reference": "file 12", "actor": "ada@desk.example", "today": TODAY, **more}
    return log_request(session, received_on=received_on, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("received", "due", "extended"),
    [
        (date(2026, 3, 17), date(2026, 4, 17), date(2026, 6, 17)),
        (date(2026, 1, 31), date(2026, 2, 28), date(2026, 4, 30)),
        (date(2025, 12, 31), date(2026, 1, 31), date(2026, 3, 31)),
    ],
)
def test_a_request_is_due_a_month_after_it_came_and_two_more_when_extended(
    product: Product, received: date, due: date, extended: date
) -> None:
    with product.database.transaction() as session:
        request = log(session, received)
        assert request.due_on == due
        extend_request(session, request_id=request.id, actor="ada@desk.example", today=due, now=NOW)
        assert (request.due_on, request.extended_at) == (extended, NOW)
        with pytest.raises(TransitionRefused):
            extend_request(session, request_id=request.id, actor="ada@desk.example", today=due, now=NOW)


def test_a_late_or_answered_request_is_not_extended(product: Product) -> None:
    with product.database.transaction() as session:
        late, answered = log(session, date(2026, 2, 1)), log(session, TODAY)
        answer_request(session, request_id=answered.id, actor="ada@desk.example", now=NOW)
        for request in (late, answered):
            with pytest.raises(TransitionRefused):
                extend_request(session, request_id=request.id, actor="ada@desk.example", today=TODAY, now=NOW)


def test_what_awaits_an_answer_is_listed_by_the_day_it_is_due(product: Product) -> None:
    with product.database.transaction() as session:
        later, sooner, done = log(session, TODAY), log(session, date(2026, 3, 1)), log(session, date(2026, 3, 1))
        for actor, at in (("ada@desk.example", NOW), ("bob@desk.example", datetime.max.replace(tzinfo=NOW.tzinfo))):
            answer_request(session, request_id=done.id, actor=actor, now=at)
        assert list(session.scalars(open_requests())) == [sooner, later]
        assert (done.answered_at, done.actor) == (NOW, "ada@desk.example")


def test_what_is_no_request_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        for received_on, more in [(date(2026, 3, 18), {}), (TODAY, {"reference": " "}), (TODAY, {"note": "x" * 501})]:
            with pytest.raises(InputRefused):
                log(session, received_on, **more)
        with pytest.raises(NotFound):
            answer_request(session, request_id=99, actor="ada@desk.example", now=NOW)


def test_the_log_outlives_the_reader(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        reader_id = make.make_subscription(session).subscriber_id
        request_id = log(session, TODAY, subscriber_id=reader_id, kind=Right.ERASURE).id
        erase_reader(session, subscriber_id=reader_id, method=ConsentMethod.ADMIN, suppression_key=key, now=NOW)
    with product.database.reading() as session:
        assert session.get_one(RightsRequest, request_id).subscriber_id is None
