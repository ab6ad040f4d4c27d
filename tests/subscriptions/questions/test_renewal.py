"""Consent asked anew: who is asked, what they are shown, what an answer, silence and other acts do."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.delivery.composing import Composed
from app.delivery.endings import Withheld
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.errors import InputRefused, TransitionRefused
from app.keeping.renewing import run_renewals
from app.newsletters.models import current_policy, current_wording
from app.newsletters.wordings import cut_statement, store_policy, store_wording
from app.product import Product
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.preferences import change_language
from app.subscriptions.questions import concerned, counts
from app.subscriptions.questions.asking import agree
from app.subscriptions.questions.concerned import count_concerned
from app.subscriptions.questions.counts import read_renewal
from app.subscriptions.questions.letters import question_letters
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState, Renewal
from app.subscriptions.questions.renewal import (
    REMINDER,
    open_renewal,
    start_renewal,
    stop_renewal,
)
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW
from tests.statements import statements

DAY = timedelta(days=1)
UNTIL = NOW + 30 * DAY
NEW = "Un texte nouveau et [sa politique], à accepter."


def make_reader(session: Session, email: str = "alice@reader.example", language: str = "fr") -> Subscription:
    """A reader who confirmed with the texts in force at that time."""
    subscription = make.make_subscription(session, email=email, language=language, at=NOW - DAY)
    wording = session.scalars(current_wording(1, language)).one()
    policy = session.scalars(current_policy(language)).one()
    record_act(
        session,
        subscription,
        Act(ConsentKind.CONFIRMED, ConsentMethod.CONFIRM_PAGE, NOW - DAY, language, wording.id, policy.id),
    )
    session.flush()
    return subscription


def change_wording(session: Session, language: str = "fr") -> None:
    store_wording(session, newsletter_id=1, language=language, heading="Neuf", statement=NEW, button="Oui", now=NOW)
    store_policy(session, language=language, body="<p>Neuve</p>", now=NOW)


def start(session: Session, **changes: object) -> Renewal:
    values = {"until": UNTIL, "per_day": 100, "remind_days": None, "actor": "ada", "now": NOW,
              "expected": count_concerned(session, 1), **changes}  # fmt: skip
    return start_renewal(session, newsletter_id=1, **values)  # type: ignore[arg-type]


def run(product: Product, at: datetime = NOW, *, delivered: bool = True) -> dict[str, int]:
    done = run_renewals(product.database, at)
    if delivered:
        with product.database.transaction() as session:
            session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED))
            session.execute(update(Chunk).values(next_attempt_at=None))
    return done


def asked(product: Product, *emails: str) -> dict[str, str]:
    """Readers of the older wording who were asked; by address, what names their question."""
    with product.database.transaction() as session:
        for email in emails:
            make_reader(session, email)
        change_wording(session)
        start(session)
    assert run(product)["asked"] == len(emails)
    rows = select(Subscriber.email, Question.public_id).select_from(Question).join(Subscription).join(Subscriber)
    with product.database.reading() as session:
        return dict(session.execute(rows).all())


def status_of(product: Product, email: str = "alice@reader.example") -> SubscriptionStatus:
    with product.database.reading() as session:
        query = select(Subscription.status).join(Subscriber).where(Subscriber.email == email)
        return session.scalars(query).one()


def test_only_readers_of_an_older_wording_are_asked_and_once(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "old@reader.example")
        make_reader(session, "english@reader.example", "en")
        make.make_subscription(session, email="imported@reader.example")
        change_wording(session)
        make_reader(session, "new@reader.example")
        assert start(session).readers == 2
        with pytest.raises(TransitionRefused):
            start(session)
    assert run(product)["asked"] == 2
    assert run(product, NOW + DAY)["asked"] == 0
    with product.database.reading() as session:
        emails = set(session.scalars(select(Subscriber.email).join(Subscription).join(Question)))
        assert emails == {"old@reader.example", "imported@reader.example"}


def test_among_many_readers_those_concerned_are_counted_beforehand(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concerned, "COUNTED_AT_ONCE", 0)

    def counted() -> int | None:
        with product.database.reading() as session:
            return concerned.read_concerned(session, 1)

    with product.database.transaction() as session:
        make_reader(session)
        with pytest.raises(TransitionRefused, match="being counted"):
            start(session, expected=0)
    assert counted() is None
    run(product)
    assert counted() == 0
    with product.database.transaction() as session:
        make.add_second(session, product.config)
    assert counted() == 0, "a wording of another newsletter asks nobody here"
    with product.database.transaction() as session:
        change_wording(session)
    assert counted() is None
    run(product)
    assert counted() == 1
    with product.database.transaction() as session:
        assert start(session, expected=1).readers == 1


def test_an_answer_is_consent_to_the_very_texts_that_were_shown(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    with product.database.transaction() as session:
        wording_id = session.scalars(current_wording(1, "fr")).one().id
        store_wording(
            session, newsletter_id=1, language="fr", heading="x", statement="Encore [autre].", button="x", now=NOW
        )
        for _ in range(2):
            agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=NOW + DAY)
        event = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == ConsentKind.RENEWED)).one()
        assert (event.wording_id, event.method) == (wording_id, ConsentMethod.RENEWAL_PAGE)
    run(product, UNTIL + DAY)
    assert status_of(product) is SubscriptionStatus.CONFIRMED


def test_silence_ends_it_at_the_date_and_a_late_answer_takes_that_back(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    run(product, UNTIL - timedelta(seconds=1))
    assert status_of(product) is SubscriptionStatus.CONFIRMED
    run(product, UNTIL)
    assert status_of(product) is SubscriptionStatus.UNSUBSCRIBED
    with product.database.transaction() as session:
        assert open_renewal(session, 1) is None
        agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=UNTIL + DAY)
        kinds = session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)).all()
        assert [kind.value for kind in kinds] == ["confirmed", "asked", "lapsed", "renewed"]
    assert status_of(product) is SubscriptionStatus.CONFIRMED
    with product.database.reading() as session:
        report = read_renewal(session, 1)
        assert report is not None
        assert (report.asked, report.agreed, report.lapsed, report.open) == (1, 1, 0, 0)


def test_among_many_readers_what_came_of_the_questions_is_counted_beforehand(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNTED_AT_ONCE", 0)
    agreeing, _ = asked(product, "alice@reader.example", "bob@reader.example").values()

    def agreed_of_asked() -> tuple[int, int, datetime | None]:
        with product.database.reading() as session, statements(product.database) as seen:
            report = read_renewal(session, 1)
            assert not any("FROM questions" in each for each in seen)
        assert report is not None
        return report.agreed, report.asked, report.counted_at

    assert agreed_of_asked() == (0, 2, NOW)
    with product.database.transaction() as session:
        agree(session, public_id=agreeing, kind=QuestionKind.RENEWAL, now=NOW + DAY)
    assert agreed_of_asked() == (0, 2, NOW)
    run(product, NOW + DAY)
    assert agreed_of_asked() == (1, 2, NOW + DAY)
    run(product, UNTIL)
    run(product, UNTIL + DAY / 2)
    assert agreed_of_asked() == (1, 2, UNTIL), "once it has ended a day passes between two counts"
    with product.database.reading() as session:
        report = counts.count_renewal(session, 1)
        assert report is not None
        assert (report.lapsed, report.counted_at) == (1, None)


def test_who_left_meanwhile_stays_away(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    with product.database.transaction() as session:
        reader = session.scalars(select(Subscription.public_id)).one()
        unsubscribe(session, public_id=reader, method=ConsentMethod.ONE_CLICK, now=NOW + DAY)
    for at in (NOW + 2 * DAY, UNTIL + DAY):
        with pytest.raises(TransitionRefused), product.database.transaction() as session:
            agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=at)
        run(product, at)
    with product.database.reading() as session:
        assert session.scalars(select(Question.state)).one() is QuestionState.VOID


def test_who_came_back_after_the_end_and_left_is_not_taken_back(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    run(product, UNTIL)
    with product.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        subscription.request(UNTIL + DAY, "fr")
        subscription.confirm(UNTIL + DAY)
        unsubscribe(
            session, public_id=subscription.public_id, method=ConsentMethod.UNSUBSCRIBE_PAGE, now=UNTIL + 2 * DAY
        )
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=UNTIL + 3 * DAY)


def test_whose_mail_bounced_meanwhile_ends_and_does_not_come_back_by_the_link(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    with product.database.transaction() as session:
        suppress(
            session, email_key="alice@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.HARD_BOUNCE, source="dsn", now=NOW + DAY,
        )  # fmt: skip
    run(product, UNTIL)
    assert status_of(product) is SubscriptionStatus.UNSUBSCRIBED
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=UNTIL + DAY)


def test_a_reader_on_a_pause_is_asked_when_it_is_over_and_has_time(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session).paused_until = UNTIL + DAY
        change_wording(session)
        start(session)
    assert run(product)["asked"] == 0
    run(product, UNTIL)
    assert status_of(product) is SubscriptionStatus.CONFIRMED
    assert run(product, UNTIL + DAY)["asked"] == 1
    run(product, UNTIL + 14 * DAY)
    assert status_of(product) is SubscriptionStatus.CONFIRMED
    run(product, UNTIL + 15 * DAY)
    assert status_of(product) is SubscriptionStatus.UNSUBSCRIBED


def test_it_keeps_its_pace_and_refuses_a_date_that_leaves_no_time(product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(5):
            make_reader(session, f"r{number}@reader.example")
        change_wording(session)
        for wrong in ({"until": NOW + 15 * DAY}, {"until": NOW + 200 * DAY}, {"remind_days": 31}):
            with pytest.raises(InputRefused):
                start(session, per_day=2, **wrong)
        with pytest.raises(TransitionRefused):
            start(session, expected=4)
        start(session, per_day=2)
    counts = [run(product, NOW + number * timedelta(hours=13))["asked"] for number in range(6)]
    assert counts == [2, 0, 2, 0, 1, 0]


def test_newsletters_that_ask_at_once_each_keep_their_own_pace(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session)
        change_wording(session)
        start(session, per_day=1)
        second = make.add_second(session, product.config)
        make.make_subscription(session, email="bob@reader.example", newsletter_id=second.id)
        start_renewal(
            session, newsletter_id=second.id, until=UNTIL, per_day=1, remind_days=None, expected=1, actor="ada", now=NOW
        )
    assert [run(product)["asked"] for _ in range(2)] == [2, 0]


def test_one_reminder_goes_where_one_is_wanted(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session)
        change_wording(session)
        start(session, remind_days=7)
    run(product)
    assert run(product, UNTIL - 8 * DAY)["reminded"] == 0
    assert run(product, UNTIL - 7 * DAY)["reminded"] == 1
    assert run(product, UNTIL - 6 * DAY)["reminded"] == 0
    with product.database.reading() as session:
        kinds = session.scalars(select(Chunk.kind).order_by(Chunk.id)).all()
        assert list(kinds) == ["renewal", REMINDER]


def test_once_stopped_nobody_is_asked_and_nothing_ends(product: Product) -> None:
    [public_id] = asked(product, "alice@reader.example").values()
    with product.database.transaction() as session:
        stop_renewal(session, newsletter_id=1, now=NOW + DAY)
        make_reader(session, "bob@reader.example")
    assert run(product, UNTIL)["asked"] == 0
    assert status_of(product) is SubscriptionStatus.CONFIRMED
    with product.database.transaction() as session:
        agree(session, public_id=public_id, kind=QuestionKind.RENEWAL, now=UNTIL + DAY)
        renewed = select(func.count()).where(ConsentEvent.kind == ConsentKind.RENEWED)
        assert session.scalar(renewed) == 1


def test_the_letter_shows_the_statement_and_is_withheld_once_answered(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session)
        change_wording(session)
        start(session)
    run(product, delivered=False)
    compose = question_letters(product.config, product.links)["renewal"]
    with product.database.transaction() as session:
        [copy] = make.copies(session)
        [made] = compose(session, [copy])
        assert isinstance(made, Composed)
        statement = cut_statement(NEW)
        assert f"{statement.before}{statement.link}{statement.after}" in made.letter.text
        assert "/fr/privacy/2" in made.letter.text
        question = session.scalars(select(Question)).one()
        agree(session, public_id=question.public_id, kind=QuestionKind.RENEWAL, now=NOW)
        [made] = compose(session, [copy])
        assert isinstance(made, Withheld)


def test_a_reminder_speaks_the_language_of_the_text_that_it_asks_about(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make_reader(session)
        change_wording(session)
        start(session, remind_days=7)
    run(product)
    with product.database.transaction() as session:
        change_language(session, public_id=subscription.public_id, language="en", now=NOW + DAY)
    run(product, UNTIL - 7 * DAY, delivered=False)
    compose = question_letters(product.config, product.links)[REMINDER]
    with product.database.transaction() as session:
        [copy] = make.copies(session, now=UNTIL - 7 * DAY)
        [made] = compose(session, [copy])
        assert isinstance(made, Composed)
        assert made.letter.language == "fr"
        assert "/fr/privacy/2" in made.letter.text
        assert "/en/" not in made.letter.text


def test_readers_are_looked_through_in_stretches_and_then_from_the_first_again(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, one call reads a bounded number of them."""
    monkeypatch.setattr("app.subscriptions.questions.renewal.STRETCH", 2)
    with product.database.transaction() as session:
        for number in range(5):
            make_reader(session, f"r{number}@reader.example")
        session.get_one(Subscription, 1).paused_until = NOW + DAY
        change_wording(session)
        start(session, per_day=100)
    counts = [run(product, NOW + DAY + timedelta(minutes=number))["asked"] for number in (-9, -8, 0, 1)]
    assert counts == [4, 0, 0, 1]


def test_a_new_wording_of_another_newsletter_concerns_nobody_here(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session)
        second = make.add_second(session, product.config)
        for newsletter_id, concerned in ((second.id, 0), (1, 1)):
            store_wording(
                session,
                newsletter_id=newsletter_id,
                language="fr",
                heading="Neuf",
                statement=NEW,
                button="Oui",
                now=NOW,
            )
            assert count_concerned(session, 1) == concerned
