"""The clocks: each strikes when it is time and not before, and counts beforehand what it then does."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct, AuditEntry, SigninFailures
from app.clocks import CLOCKS, rules
from app.db import Base
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionContent, EditionStatus
from app.editions.records import Reading
from app.feedback.models import FeedbackEvent, Reply
from app.feedback.notices import NoticeKind
from app.keeping.duties import DUTIES, Keeping, count_due, run_clocks
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.product import Product
from app.settings.retention import Retention
from app.subscriptions import retention
from app.subscriptions.archive import archive_reader
from app.subscriptions.departures.journal import Entry, begin_journal
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.form.counters import SignupCounter
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.ledger import prune_chain
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Newcomer, import_readers
from app.subscriptions.newcomers.models import Import
from app.subscriptions.newcomers.planning import add_import
from app.subscriptions.newcomers.raw import Layout
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.records import ConsentEvent, ConsentStub
from app.subscriptions.rights.address_change import AddressChange, request_address_change
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.log import Right, RightsRequest, log_request
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """One clock: what begins at NOW, the last time at which nothing is due, and what is left after it struck."""

    clock: str
    begin: Callable[[Session, Product], object]
    not_yet: datetime
    is_done: Callable[[Session], bool]


def is_empty(table: type[Base]) -> Callable[[Session], bool]:
    return lambda session: session.scalar(select(func.count()).select_from(table)) == 0


def leave(session: Session, product: Product) -> None:
    subscription = make.make_subscription(session)
    make.make_request(session, subscription)
    unsubscribe(session, public_id=subscription.public_id, method=ConsentMethod.ONE_CLICK, now=NOW)


def archive(session: Session, product: Product) -> None:
    subscriber = make.make_subscription(session).subscriber
    make.make_request(session, subscriber.subscriptions[0])
    archive_reader(session, subscriber, left_at=NOW, suppression_key=product.config.suppression_key, now=NOW)


def erase(session: Session, product: Product) -> None:
    erase_reader(
        session, subscriber_id=make.make_subscription(session).subscriber_id, method=ConsentMethod.ADMIN,
        suppression_key=product.config.suppression_key, now=NOW,
    )  # fmt: skip


def complain(session: Session, product: Product) -> None:
    make.make_subscription(session)
    suppress(
        session, email_key="alice@reader.example", suppression_key=product.config.suppression_key,
        reason=SuppressionReason.COMPLAINT, source="arf", now=NOW,
    )  # fmt: skip


def prune(session: Session, product: Product) -> None:
    subscription = make.make_subscription(session)
    make.make_request(session, subscription)
    prune_chain(session, subscription.subscriber.chain_id, now=NOW)


def reply(session: Session, product: Product, *, edition_id: int | None) -> None:
    letter_id = enqueue(session, kind="x", language="fr", now=NOW, address="a@desk.example")
    letter = session.get_one(Delivery, letter_id)
    letter.state, letter.reply_text, letter.chunk.next_attempt_at = DeliveryState.ACCEPTED, "250 a@desk.example", None
    letter.chunk.edition_id = edition_id
    session.flush()


def reply_to_edition(session: Session, product: Product) -> None:
    from tests.editions.press import make_draft

    reply(session, product, edition_id=make_draft(session).id)


def ask_to_stay(session: Session, product: Product) -> Question:
    subscription = make.make_subscription(session)
    question = ask(session, subscription, kind=QuestionKind.STAY, answer_until=NOW + 30 * DAY, now=NOW)
    session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED))
    session.execute(update(Chunk).values(next_attempt_at=None))
    return question


def close_question(session: Session, product: Product) -> None:
    ask_to_stay(session, product).close(QuestionState.AGREED, NOW)


def bring_along(session: Session, product: Product) -> None:
    newcomer = Newcomer(parse_address("alice@reader.example"), "fr", None)
    key = product.config.suppression_key
    import_readers(session, [newcomer], newsletter_id=1, actor="ada", suppression_key=key, now=NOW)


def count_reading(session: Session, product: Product) -> None:
    from tests.editions.press import make_draft

    subscription = make.make_subscription(session)
    session.add(Reading(subscription_id=subscription.id, edition_id=make_draft(session).id, opened_on=NOW.date()))


def send_variant(session: Session, product: Product) -> None:
    from tests.editions.press import make_draft

    usual = make_draft(session)
    schedule = Schedule(newsletter_id=usual.newsletter_id, language="fr", cron="0 7 * * 2", timezone="UTC",
                        next_run_at=NOW)  # fmt: skip
    session.add(schedule)
    session.flush()
    values = {
        "newsletter_id": usual.newsletter_id, "language": "fr", "schedule_id": schedule.id, "since": NOW, "until": NOW,
        "subject": "La mer", "preheader": "", "created_at": NOW, "status": EditionStatus.SENT, "finished_at": NOW,
    }  # fmt: skip
    for variant_of in (None, usual.id):
        content = EditionContent(subject="La mer", html="<p>", text="La mer")
        session.add(Edition(**values, variant_of=variant_of, content=content))


def only_the_usual_letter_is_left(session: Session) -> bool:
    [left] = session.scalars(select(EditionContent))
    return left.edition.variant_of is None and left.edition.cleared_at is None


def write_line(session: Session, product: Product) -> None:
    journal = begin_journal(product.config.departures_dir, database_id="d" * 22, now=NOW)
    journal.append([Entry(NOW, "c" * 22, "a" * 64, 1, None)])


def fail_to_sign_in(session: Session, product: Product) -> None:
    session.add(SigninFailures(key_hmac="h" * 64, failures=1, last_at=NOW))


def come_back(session: Session, product: Product) -> None:
    event = {"source": "dsn", "event_id": "x", "kind": NoticeKind.SOFT, "at": NOW, "received_at": NOW, "delivery_id": 7}
    session.add(FeedbackEvent(**event))


def write_back(session: Session, product: Product) -> None:
    session.add(Reply(digest="d" * 64, received_at=NOW, data=None))


def use_form(session: Session, product: Product) -> None:
    session.add(SignupCounter(name="h" * 64, room=4, until=NOW + DAY))


def change_address(session: Session, product: Product) -> None:
    request_address_change(
        session, subscriber_id=make.make_subscription(session).subscriber_id,
        address=parse_address("alice@elsewhere.example"), method=ConsentMethod.DATA_PAGE, now=NOW,
    )  # fmt: skip


def answer(session: Session, product: Product) -> None:
    day = NOW.date()
    log_request(
        session, kind=Right.ACCESS, reference="a letter", subscriber_id=None, received_on=day, note="", actor="ada",
        today=day,
    )  # fmt: skip
    session.scalars(select(RightsRequest)).one().answered_at = NOW


def act(session: Session, product: Product) -> None:
    record_audit(session, actor="ada@desk.example", act=AuditAct.READER_SHOWN, target="reader:x", now=NOW)


def only_the_purge(session: Session) -> bool:
    return session.scalars(select(AuditEntry.act)).all() == [AuditAct.LOG_PURGED]


def replies_are_gone(session: Session) -> bool:
    row = session.execute(select(Delivery.reply_text, Delivery.address, Delivery.state)).one()
    return tuple(row) == (None, None, DeliveryState.ACCEPTED)


def only_stubs(session: Session) -> bool:
    return is_empty(ConsentEvent)(session) and is_empty(ConsentArchive)(session) and not is_empty(ConsentStub)(session)


IN_MONTHS, IN_YEARS = datetime(2026, 9, 17, 9, tzinfo=NOW.tzinfo), datetime(2029, 3, 17, 9, tzinfo=NOW.tzinfo)


def bring_list(session: Session, product: Product) -> None:
    added = add_import(
        session, newsletter_id=1, name="readers.csv", size_bytes=6, layout=Layout("utf-8", ",", ("email",)),
        language="fr", actor="ada", reported_in="fr", now=NOW,
    )  # fmt: skip
    files = ImportFiles(product.config.imports_dir)
    files.keep(files.receive(BytesIO(b"email\n"), max_bytes=10), added.id)


CASES = (
    Case(
        "unconfirmed",
        lambda session, _: make.make_subscription(session, status=SubscriptionStatus.PENDING, at=NOW),
        NOW + 14 * DAY,
        is_empty(Subscriber),
    ),
    Case(
        "held",
        bring_along,
        IN_MONTHS,
        lambda session: is_empty(Subscriber)(session) and is_empty(ConsentEvent)(session),
    ),
    Case(
        "inactive",
        lambda session, _: make.make_subscription(session, at=NOW),
        IN_YEARS,
        lambda session: not is_empty(Question)(session),
    ),
    Case("stay", ask_to_stay, NOW + 30 * DAY - timedelta(seconds=1), is_empty(Subscriber)),
    Case("left", leave, NOW + 30 * DAY, lambda session: is_empty(Subscriber)(session) and not only_stubs(session)),
    Case("suppressed", complain, NOW + 30 * DAY, is_empty(Subscriber)),
    Case("proof", archive, IN_YEARS, only_stubs),
    Case("erased", erase, IN_YEARS, only_stubs),
    Case("stubs", prune, IN_YEARS, is_empty(ConsentStub)),
    Case("replies", reply_to_edition, IN_MONTHS, replies_are_gone),
    Case(
        "letters",
        lambda session, product: reply(session, product, edition_id=None),
        IN_MONTHS,
        lambda session: is_empty(Chunk)(session) and is_empty(Delivery)(session),
    ),
    Case("readings", count_reading, datetime(2026, 9, 17, 23, 59, 59, tzinfo=NOW.tzinfo), is_empty(Reading)),
    Case("variants", send_variant, NOW + 35 * DAY, only_the_usual_letter_is_left),
    Case("questions", close_question, IN_MONTHS, is_empty(Question)),
    Case("returns", come_back, IN_MONTHS, is_empty(FeedbackEvent)),
    Case("mail", write_back, NOW + 2 * DAY, is_empty(Reply)),
    Case("imports", bring_list, NOW + 30 * DAY, is_empty(Import)),
    Case("form", use_form, NOW + DAY - timedelta(seconds=1), is_empty(SignupCounter)),
    Case("sign-ins", fail_to_sign_in, NOW + DAY, is_empty(SigninFailures)),
    Case("addresses", change_address, NOW + 3 * DAY, is_empty(AddressChange)),
    Case("requests", answer, IN_YEARS, is_empty(RightsRequest)),
    Case("audit", act, datetime(2026, 9, 19, 23, 59, 59, tzinfo=NOW.tzinfo), only_the_purge),
    Case("departures", write_line, IN_YEARS, lambda _: True),
)


def test_every_clock_has_a_case_and_a_duty() -> None:
    names = [clock.name for clock in CLOCKS]
    assert sorted(case.clock for case in CASES) == sorted(names) == sorted(DUTIES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.clock)
def test_a_clock_strikes_when_it_is_time(product: Product, case: Case) -> None:
    with product.database.transaction() as session:
        case.begin(session, product)
    duty = DUTIES[case.clock]
    for at, due in ((case.not_yet, 0), (case.not_yet + timedelta(seconds=1), 1)):
        keeping = Keeping(product.config, at)
        counted = count_due(product.database, keeping)[case.clock]
        assert counted.count == due
        with product.database.transaction() as session:
            assert duty.act(session, keeping) == due
            assert duty.act(session, keeping) == 0
        assert count_due(product.database, keeping)[case.clock].count == 0
    assert counted.oldest is not None
    with product.database.reading() as session:
        assert case.is_done(session)


def test_the_files_of_an_import_go_with_it(product: Product) -> None:
    with product.database.transaction() as session:
        bring_list(session, product)
    assert len(list(product.config.imports_dir.rglob("list.csv"))) == 1
    run_clocks(product.database, Keeping(product.config, NOW + 31 * DAY))
    assert list(product.config.imports_dir.iterdir()) == []


def test_a_list_that_a_crash_left_without_an_import_goes_in_time(product: Product) -> None:
    with product.database.transaction() as session:
        bring_list(session, product)
    folder = product.config.imports_dir
    for number, name in enumerate(("received-0a", "77/list.csv", "received-0b", "78/list.csv")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("email\nalice@reader.example\n")
        written = (NOW - number // 2 * DAY).timestamp()
        for each in {path, folder / name.partition("/")[0]}:
            os.utime(each, (written, written))
    run_clocks(product.database, Keeping(product.config, NOW + 29.5 * DAY))
    assert {path.name for path in folder.iterdir()} == {"received-0a", "77", "1"}


def test_all_clocks_run_and_a_dry_run_changes_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        leave(session, product)
    keeping = Keeping(product.config, NOW + 31 * DAY)
    assert count_due(product.database, keeping)["left"].count == 1
    assert run_clocks(product.database, keeping)["left"] == 1
    assert run_clocks(product.database, replace(keeping, now=NOW + 4 * 365 * DAY))["proof"] == 1


def test_whose_data_may_not_be_used_stays(product: Product) -> None:
    """GDPR art. 18(2): restricted data is stored and nothing else."""
    with product.database.transaction() as session:
        leave(session, product)
        complain_about = make.make_subscription(session, email="bob@reader.example").subscriber
        suppress(
            session, email_key="bob@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="arf", now=NOW,
        )  # fmt: skip
        make.make_subscription(session, email="carol@reader.example", status=SubscriptionStatus.PENDING)
        session.execute(update(Subscriber).values(restricted_at=NOW))
    done = run_clocks(product.database, Keeping(product.config, NOW + 60 * DAY))
    assert (done["left"], done["suppressed"], done["unconfirmed"]) == (0, 0, 0)
    assert complain_about.email == "bob@reader.example"


def test_who_awaits_an_answer_stays_until_they_have_it(product: Product) -> None:
    with product.database.transaction() as session:
        leave(session, product)
        make.make_subscription(session, email="bob@reader.example")
        suppress(
            session, email_key="bob@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="arf", now=NOW,
        )  # fmt: skip
        make.make_subscription(session, email="carol@reader.example", status=SubscriptionStatus.PENDING)
        held = make.make_subscription(session, email="dave@reader.example")
        held.status = SubscriptionStatus.HELD
        silent = make.make_subscription(session, email="erin@reader.example")
        ask(session, silent, kind=QuestionKind.STAY, answer_until=NOW + DAY, now=NOW)
        session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED))
        for subscriber_id in session.scalars(select(Subscriber.id)).all():
            log_request(
                session, kind=Right.ACCESS, reference="", received_on=NOW.date(), actor="test", today=NOW.date(),
                subscriber_id=subscriber_id,
            )  # fmt: skip
    clocks, keeping = ("left", "suppressed", "unconfirmed", "held"), Keeping(product.config, NOW + 400 * DAY)
    due, done = count_due(product.database, keeping), run_clocks(product.database, keeping)
    assert [(due[clock].count, done[clock]) for clock in clocks] == [(0, 0)] * 4
    with product.database.transaction() as session:
        assert session.get_one(Subscription, silent.id).status is SubscriptionStatus.UNSUBSCRIBED
        assert len(session.scalars(select(Subscriber.id)).all()) == 5
        session.execute(update(RightsRequest).values(answered_at=NOW + 400 * DAY))
    done = run_clocks(product.database, replace(keeping, now=NOW + 440 * DAY))
    assert [done[clock] for clock in clocks] == [2, 1, 1, 1]


def test_who_asks_to_come_back_is_not_archived_before_they_could_confirm(product: Product) -> None:
    """An address that bounced: its owner has sent the form, and the letter is on its way."""
    keeping = Keeping(product.config, NOW + 31 * DAY)
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        suppress(
            session, email_key=subscription.subscriber.email_key, suppression_key=product.config.suppression_key,
            reason=SuppressionReason.HARD_BOUNCE, source="dsn", now=NOW,
        )  # fmt: skip
        subscription.request(NOW + 30 * DAY, "fr")
    assert count_due(product.database, keeping)["suppressed"].count == 0
    assert run_clocks(product.database, keeping)["suppressed"] == 0
    assert run_clocks(product.database, replace(keeping, now=NOW + 45 * DAY))["suppressed"] == 1


def test_who_came_back_is_not_archived(product: Product) -> None:
    with product.database.transaction() as session:
        leave(session, product)
        subscription = session.scalars(select(Subscriber)).one().subscriptions[0]
        subscription.request(NOW + DAY, "fr")
        subscription.confirm(NOW + DAY)
    assert run_clocks(product.database, Keeping(product.config, NOW + 60 * DAY))["left"] == 0


def test_who_left_one_newsletter_of_two_is_not_archived(product: Product) -> None:
    with product.database.transaction() as session:
        leave(session, product)
        other = Newsletter(slug="other", timezone="Europe/Paris", created_at=NOW)
        session.add(other)
        session.flush()
        subscription = Subscription(
            newsletter_id=other.id, subscriber=session.scalars(select(Subscriber)).one(),
            status=SubscriptionStatus.PENDING, language="fr", requested_at=NOW,
        )  # fmt: skip
        subscription.confirm(NOW)
        session.add(subscription)
    assert run_clocks(product.database, Keeping(product.config, NOW + 60 * DAY))["left"] == 0


def test_months_are_calendar_months(product: Product) -> None:
    keeping = Keeping(product.config, datetime(2028, 8, 31, tzinfo=NOW.tzinfo))
    assert keeping.months_ago(6) == datetime(2028, 2, 29, tzinfo=NOW.tzinfo)
    assert keeping.months_ago(36) == datetime(2025, 8, 31, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_rules_are_told_with_the_values_in_force(language: str) -> None:
    told = {
        rule.name: rule.rule.replace("\u00a0", " ") for rule in rules(Retention(left_days=41, stay_days=1), language)
    }
    assert "41" in told["left"]
    assert {"fr": "1 jour après", "en": "1 day after"}[language] in told["stay"]


def test_a_clock_goes_on_behind_readers_who_fall_back_to_having_left(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    with product.database.transaction() as session:
        for number in range(5):
            email, status = f"{number}@reader.example", SubscriptionStatus.UNSUBSCRIBED
            make.make_subscription(session, email=email, status=status).request(NOW, "fr")
    keeping = Keeping(product.config, NOW + (product.config.retention.pending_days + 1) * DAY)
    run_clocks(product.database, keeping)
    assert count_due(product.database, keeping)["unconfirmed"].count == 0
