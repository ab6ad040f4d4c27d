"""Digests as readers get them: what they follow, when they read, nothing twice and nothing left out."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.pool import QueuePool

from app.choices.choices import Interests, Timing
from app.choices.models import Cadence
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, DeliveryState
from app.digests.coverage import call_off, give_back, making_up, without_gap
from app.digests.schedule import _run_schedule, install_schedules, run_due_schedules
from app.digests.starting import read_digest, set_digest, start_digest
from app.editions.audience import cancel_edition, finish_editions, pause_edition
from app.editions.dossier import letters as dossier_letters
from app.editions.embargo import set_embargo
from app.editions.lines import Compilation, CompileOutcome, Schedule
from app.editions.models import Edition, EditionStatus
from app.editions.warm_up import plan_warm_up
from app.errors import EditionChanged
from app.links import Links
from app.product import Product
from app.sending import on_settled_of_editions
from app.stories.models import Story
from app.stories.ranking import HALF_LIFE
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import undo_departure, unsubscribe
from app.subscriptions.models import Subscription
from app.subscriptions.preferences import change_language, pause, resume
from app.topics.taxonomy import load
from tests.digests.readers import DAY, HOUR, file, letters, make_reader, run, wish
from tests.editions.press import compile_now
from tests.make import newsletter, settle_copies
from tests.statements import parameters, statements

#: A Tuesday; the newsletter comes on Mondays at 07:00 UTC by the settings below.
NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
DAILY = Timing(Cadence.DAILY, 8, 0, "UTC")
MINUTE = HOUR / 60
MORNING = datetime(2026, 3, 18, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _schedules(product: Product) -> None:
    with product.database.transaction() as session:
        newsletter(session).timezone = "UTC"
        session.flush()
        install_schedules(session, product.config, NOW)


def monday(product: Product) -> datetime:
    """When the newsletter comes next."""
    with product.database.reading() as session:
        return session.scalars(select(Schedule.next_run_at).where(Schedule.rhythm_id.is_(None))).first() or NOW


def test_each_reader_gets_what_they_follow_and_others_all(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "all", now=NOW)
        make_reader(session, "cables", now=NOW, interests=Interests(followed=frozenset({"theme:infrastructure"})))
        make_reader(session, "quiet", now=NOW, interests=Interests(muted=frozenset({"place:IL"})))
        make_reader(session, "alps", now=NOW, interests=Interests(followed=frozenset({"region:balkans"})))
        at = monday(product)
        file(session, "Câble", topics="theme:infrastructure", at=at - 2 * DAY)
        file(session, "Bakou", topics="place:AZ", at=at - 3 * DAY)
        file(session, "Tel-Aviv", topics="place:IL", at=at - 4 * DAY)
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "all") == [["Câble", "Bakou", "Tel-Aviv"]]
        assert letters(session, "cables") == [["Câble"]]
        assert letters(session, "quiet") == [["Câble", "Bakou"]]
        assert letters(session, "alps") == [], "a reader with nothing new gets nothing"


def test_a_followed_region_stands_for_its_countries(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW, interests=Interests(followed=frozenset({"region:caucasus"})))
        at = monday(product)
        file(session, "Bakou", topics="place:AZ", at=at - DAY)
        file(session, "Paris", topics="place:FR", at=at - DAY)
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["Bakou"]]


@pytest.mark.parametrize(
    ("hours", "order"), [(24, ["Ce matin", "Partout"]), (240, ["Partout", "Ce matin"])], ids=["a day", "ten days"]
)
def test_how_soon_a_story_counts_less_is_the_newsrooms_choice(product: Product, hours: int, order: list[str]) -> None:
    with product.database.transaction() as session:
        make_reader(session, "all", now=NOW)
        make_reader(session, "quiet", now=NOW, interests=Interests(muted=frozenset({"place:IL"})))
        at = monday(product)
        told_twice = file(session, "Ce matin", topics="place:AZ", at=at - HOUR)
        file(session, "Tel-Aviv", topics="place:IL", at=at - 4 * DAY)
        told_thrice = file(session, "Partout", topics="place:AZ", at=at - 3 * DAY)
        session.get_one(Story, told_twice.story_id).sources = 2
        session.get_one(Story, told_thrice.story_id).sources = 3
    run(replace(product, config=replace(product.config, story_half_life_hours=hours)), at)
    with product.database.reading() as session:
        assert [letter[:2] for letter in letters(session, "all")] == [order]
        assert letters(session, "quiet") == [order]


def test_readers_with_the_same_digest_share_one_letter(product: Product) -> None:
    with product.database.transaction() as session:
        for name in ("a", "b"):
            make_reader(session, name, now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
        make_reader(session, "c", now=NOW, interests=Interests(followed=frozenset({"place:AZ", "place:FR"})))
        at = monday(product)
        file(session, "Bakou", topics="place:AZ", at=at - DAY)
        file(session, "Ailleurs", topics="place:IL", at=at - DAY)
    run(product, at)
    with product.database.reading() as session:
        assert [letters(session, name) for name in "abc"] == [[["Bakou"]]] * 3
        assert session.scalar(select(func.count()).select_from(Edition).where(Edition.variant_of.is_not(None))) == 1
        assert session.scalar(select(func.count(Chunk.variant_id.distinct()))) == 1


def test_a_story_comes_once_in_the_language_that_is_read_first(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "fr", now=NOW)
        make_reader(session, "both", now=NOW, interests=Interests(also_reads=("en",)))
        at = monday(product)
        french = file(session, "Le câble", at=at - 2 * DAY)
        file(session, "The cable", language="en", story=french.story_id, at=at - 3 * DAY)
        file(session, "Only in English", language="en", at=at - 4 * DAY)
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "fr") == [["Le câble"]]
        assert letters(session, "both") == [["Le câble", "Only in English"]]


def test_a_reader_of_the_other_language_gets_a_digest_even_where_there_is_none_for_others(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "fr", now=NOW)
        make_reader(session, "both", now=NOW, interests=Interests(also_reads=("en",)))
        at = monday(product)
        file(session, "Only in English", language="en", at=at - DAY)
    run(product, at)
    with product.database.reading() as session:
        assert (letters(session, "fr"), letters(session, "both")) == ([], [["Only in English"]])


def test_a_daily_reader_gets_each_story_once_through_changes_of_rhythm(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make_reader(session, "alice", now=NOW, timing=DAILY)
        file(session, "lundi", at=MORNING - 2 * HOUR)
    run(product, MORNING)
    with product.database.transaction() as session:
        file(session, "mercredi", at=MORNING + HOUR)
        session.refresh(subscription := session.merge(subscription))
        wish(session, subscription, now=MORNING + 2 * HOUR)  # back to the newsletter as it comes
        file(session, "jeudi", at=MORNING + DAY)
    at = monday(product)
    run(product, MORNING + DAY)
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["lundi"], ["jeudi", "mercredi"]]


def test_after_a_pause_one_letter_holds_what_was_missed(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make_reader(session, "alice", now=NOW, timing=DAILY)
        make_reader(session, "bob", now=NOW, timing=DAILY)
        pause(session, public_id=subscription.public_id, until=date(2026, 3, 20), now=NOW)
        for day in range(3):
            file(session, f"jour {day}", at=MORNING + day * DAY - HOUR)
    for day in range(3):
        run(product, MORNING + day * DAY)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["jour 2", "jour 1", "jour 0"]]
        assert letters(session, "bob") == [["jour 0"], ["jour 1"], ["jour 2"]]
        assert set(session.scalars(select(Subscription.covered_until))) == {None}


def test_what_a_called_off_digest_held_comes_with_the_next(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW, timing=DAILY)
        file(session, "perdu", at=MORNING - HOUR)
    run(product, MORNING, arrives=False)
    with product.database.transaction() as session:
        edition = session.scalars(select(Edition).where(Edition.variant_of.is_(None))).one()
        pause_edition(session, edition_id=edition.id, actor="a", now=MORNING)
        cancel_edition(session, edition_id=edition.id, actor="a", now=MORNING)
    run(product, MORNING + DAY)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["perdu"]]


def test_who_changes_the_language_of_their_letters_misses_nothing(product: Product) -> None:
    """A digest made by hand in French, and none in English, lets their windows end at different times."""
    with product.database.transaction() as session:
        interests = Interests(also_reads=("fr", "en"), muted=frozenset({"place:FR"}))
        alice = make_reader(session, "alice", now=NOW, language="en", interests=interests)
        file(session, "mardi", at=NOW + HOUR)
        edition_id = compile_now(session, now=NOW + DAY).edition_id
        session.get_one(Edition, edition_id).status = EditionStatus.SENT
        with without_gap(session, alice.subscriber_id, NOW + DAY):
            change_language(session, public_id=alice.public_id, language="fr", now=NOW + DAY)
        file(session, "jeudi", at=NOW + 2 * DAY)
        file(session, "Paris", topics="place:FR", at=NOW + 3 * DAY)
    run(product, monday(product))
    with product.database.reading() as session:
        assert letters(session, "alice") == [["jeudi", "mardi"]]
        [letter] = dossier_letters(session, alice.subscriber_id)
        variant = session.scalars(select(Edition).where(Edition.variant_of.is_not(None))).one()
        assert letter["subject"] == variant.subject == "jeudi", "her own, among her data"


@pytest.fixture
def catching_up(product: Product) -> int:
    """A daily digest under way that brings Alice, and her alone, what she missed in a pause of two days."""
    with product.database.transaction() as session:
        subscription = make_reader(session, "alice", now=NOW, timing=DAILY)
        make_reader(session, "bob", now=NOW, timing=DAILY)
        pause(session, public_id=subscription.public_id, until=date(2026, 3, 20), now=NOW)
        for day in range(3):
            file(session, f"jour {day}", at=MORNING + day * DAY - HOUR)
    for day in range(3):
        run(product, MORNING + day * DAY, arrives=day < 2)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["jour 2", "jour 1", "jour 0"]]
        return session.scalars(select(Edition.id).where(Edition.variant_of.is_(None)).order_by(Edition.id)).all()[-1]


def test_a_catch_up_that_was_called_off_comes_whole_with_the_next(product: Product, catching_up: int) -> None:
    with product.database.transaction() as session:
        call_off(session, edition_id=catching_up, actor="ada", now=MORNING + 2 * DAY)
    run(product, MORNING + 3 * DAY)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["jour 2", "jour 1", "jour 0"]]
        assert letters(session, "bob") == [["jour 0"], ["jour 1"], ["jour 2"]]


def test_a_catch_up_that_came_too_late_comes_whole_later(product: Product, catching_up: int) -> None:
    run(product, MORNING + 3 * DAY, arrives=False)
    with product.database.transaction() as session:
        file(session, "jour 4", at=MORNING + 4 * DAY - HOUR)
        session.execute(update(Chunk).where(Chunk.edition_id == catching_up).values(expires_at=MORNING + 3 * DAY))
        expire_copies(session, now=MORNING + 3 * DAY, on_expired=give_back)
    run(product, MORNING + 4 * DAY)
    with product.database.reading() as session:
        assert letters(session, "alice")[-1] == ["jour 4", "jour 2", "jour 1", "jour 0"]
        assert letters(session, "bob")[-1] == ["jour 4", "jour 2"]


def test_a_copy_that_was_put_off_until_its_time_was_over_is_made_up_for(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW)
        make_reader(session, "bob", now=NOW)
        at = monday(product)
        file(session, "lundi", at=at - HOUR)
    run(product, at, arrives=False)
    with product.database.transaction() as session:
        settle_copies(session, DeliveryState.EXPIRED, 1, now=at, on_settled=on_settled_of_editions())
        file(session, "mardi", at=at + DAY)
    run(product, at + 7 * DAY)
    with product.database.reading() as session:
        assert letters(session, "alice")[-1] == ["mardi", "lundi"]
        assert letters(session, "bob")[-1] == ["mardi"]


def test_who_changes_their_rhythm_while_a_digest_is_set_does_not_miss_its_window(product: Product) -> None:
    with product.database.transaction() as session:
        alice = make_reader(session, "alice", now=NOW, timing=DAILY)
        make_reader(session, "bob", now=NOW, timing=DAILY)
        file(session, "mardi", at=MORNING - HOUR)
        daily = select(Schedule.id).where(Schedule.rhythm_id == alice.rhythm_id, Schedule.language == "fr")
        schedule_id = session.scalars(daily).one()
    assert _run_schedule(product.database, schedule_id, MORNING, half_life=HALF_LIFE) is not None
    with product.database.transaction() as session:
        wish(session, session.merge(alice), now=MORNING)
    run(product, MORNING)
    run(product, monday(product))
    with product.database.reading() as session:
        assert (letters(session, "alice"), letters(session, "bob")) == ([["mardi"]], [["mardi"]])


def test_a_digest_that_was_held_back_hides_nothing_of_the_next_from_who_paused_then(product: Product) -> None:
    with product.database.transaction() as session:
        alice = make_reader(session, "alice", now=NOW, timing=DAILY)
        make_reader(session, "bob", now=NOW, timing=DAILY)
        file(session, "mercredi", at=MORNING - HOUR)
        daily = select(Schedule.id).where(Schedule.rhythm_id == alice.rhythm_id, Schedule.language == "fr")
        schedule_id = session.scalars(daily).one()
    held = _run_schedule(product.database, schedule_id, MORNING + HOUR, half_life=HALF_LIFE)
    assert held is not None
    with product.database.transaction() as session:
        session.get_one(Edition, held.edition_id).is_automatic = False
        pause(session, public_id=alice.public_id, until=date(2026, 3, 20), now=MORNING + HOUR)
        file(session, "jeudi", at=MORNING + DAY - HOUR)
    run(product, MORNING + DAY)
    with product.database.transaction() as session:
        session.get_one(Edition, held.edition_id).is_automatic = True
        resume(session, public_id=alice.public_id, now=MORNING + DAY)
        file(session, "vendredi", at=MORNING + 2 * DAY - HOUR)
    run(product, MORNING + DAY + HOUR / 2)
    run(product, MORNING + 2 * DAY)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["mercredi"], ["vendredi", "jeudi"]]
        assert letters(session, "bob") == [["jeudi", "mercredi"], ["vendredi"]]
        assert set(session.scalars(select(Subscription.covered_until))) == {None}


@pytest.mark.parametrize("was_queued", [True, False])
def test_who_takes_a_departure_back_gets_what_it_kept_from_them(product: Product, was_queued: bool) -> None:
    with product.database.transaction() as session:
        alice = make_reader(session, "alice", now=NOW, timing=DAILY)
        make_reader(session, "bob", now=NOW, timing=DAILY)
        session.execute(update(Subscription).values(covered_until=None))
        file(session, "mardi", at=NOW)
    left_at = MORNING + MINUTE if was_queued else MORNING - MINUTE
    if was_queued:
        run(product, MORNING, arrives=False)
    with product.database.transaction() as session:
        unsubscribe(session, public_id=alice.public_id, method=ConsentMethod.UNSUBSCRIBE_PAGE, now=left_at)
    if not was_queued:
        run(product, MORNING)
    back_at = left_at + 5 * MINUTE
    with product.database.transaction() as session, making_up(session, alice.public_id, back_at):
        undo_departure(session, public_id=alice.public_id, suppression_key="k" * 32, now=back_at)
        file(session, "mercredi", at=MORNING + HOUR)
    run(product, MORNING + DAY)
    with product.database.reading() as session:
        assert letters(session, "alice") == [["mercredi", "mardi"]]
        assert letters(session, "bob") == [["mardi"], ["mercredi"]]


def test_a_rhythm_without_readers_makes_no_edition(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make_reader(session, "alice", now=NOW, timing=DAILY)
        wish(session, subscription, now=NOW)
        file(session, "lundi", at=MORNING - HOUR)
    run(product, MORNING)
    with product.database.reading() as session:
        assert session.scalars(select(Edition.id)).all() == []


def test_a_digest_that_carries_nothing_for_anybody_leaves_only_its_record(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW, interests=Interests(also_reads=("en",)))
        at = monday(product)
    run(product, at)
    with product.database.reading() as session:
        assert session.scalars(select(Edition.id)).all() == []
        assert set(session.scalars(select(Compilation.outcome))) == {CompileOutcome.NOTHING_NEW}


class WatchedLinks(Links):
    """Links that note, whenever a letter is set, how many connections to the database are in use."""

    def __init__(self, product: Product) -> None:
        super().__init__(product.config.public_url, product.link_tokens)
        self._pool = product.database.engine.pool
        self.connections: list[int] = []

    def view(self, language: str, edition_public_id: str) -> str:
        assert isinstance(self._pool, QueuePool)
        self.connections.append(self._pool.checkedout())
        return super().view(language, edition_public_id)


def test_no_connection_is_held_while_letters_are_set(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "all", now=NOW)
        make_reader(session, "alice", now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
        at = monday(product)
        bakou = file(session, "Bakou", topics="place:AZ", at=at - DAY)
        file(session, "Baku", topics="place:AZ", language="en", story=bakou.story_id, at=at - DAY)
        file(session, "Paris", topics="place:FR", at=at - DAY)
    links = WatchedLinks(product)
    run_due_schedules(product.database, now=at, config=product.config, links=links)
    assert links.connections == [0, 0, 0], "an edition and a variant in French, an edition in English"
    with product.database.reading() as session:
        assert letters(session, "alice") == [["Bakou"]]


def test_a_digest_waits_for_the_next_look_when_an_article_of_a_variant_is_held_back_meanwhile(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "both", now=NOW, interests=Interests(also_reads=("en",)))
        at = monday(product)
        held = file(session, "Baku", language="en", at=at - DAY)
        file(session, "Paris", at=at - DAY)
    with product.database.reading() as session:
        french = session.scalars(select(Schedule.id).where(Schedule.language == "fr")).one()
    compilation = _run_schedule(product.database, french, at, half_life=HALF_LIFE)
    assert compilation is not None
    assert compilation.edition_id is not None
    with product.database.snapshot() as session:
        material = read_digest(session, compilation.edition_id, taxonomy=load(), half_life=HALF_LIFE, now=at)
    digest = set_digest(material, config=product.config, links=product.links, now=at)
    with product.database.transaction() as session:
        set_embargo(session, article_id=held.id, until=at + DAY, actor="ada@desk.example", now=at)
    with pytest.raises(EditionChanged), product.database.transaction() as session:
        start_digest(session, digest, actor="schedule", now=at)
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "both") == [["Paris"]]


def test_no_statement_grows_with_what_a_digest_carries(product: Product) -> None:
    """SQLite takes 32,766 parameters: a wire of 300 stories a day has more in the 92 days of a long pause."""
    with product.database.transaction() as session:
        make_reader(session, "all", now=NOW)
        make_reader(session, "alice", now=NOW, interests=Interests(muted=frozenset({"place:AZ"})))
        at = monday(product)
    longest = []
    for number in (40, 80):
        with product.database.transaction() as session:
            for each in range(number):
                file(session, f"Paris {number}-{each}", topics="place:FR", at=at - DAY)
        with parameters(product.database) as counts:
            run(product, at, arrives=False)
        longest.append(max(counts["SELECT"]))
        at += 7 * DAY
    with product.database.reading() as session:
        assert [len(letter) for letter in letters(session, "alice")] == [30, 30]
    assert longest[0] == longest[1]


def test_readers_and_copies_are_counted_by_provider_once_for_a_digest_and_all_its_variants(product: Product) -> None:
    with product.database.transaction() as session:
        for place in ("AZ", "FR", "IL"):
            make_reader(session, place, now=NOW, interests=Interests(followed=frozenset({f"place:{place}"})))
        at = monday(product)
        for place in ("AZ", "FR", "IL"):
            file(session, place, topics=f"place:{place}", at=at - DAY)
        plan_warm_up(session, newsletter_id=newsletter(session).id, starts_on=NOW.date(), now=NOW)
    with statements(product.database) as asked:
        run(product, at, arrives=False)
    with product.database.reading() as session:
        assert session.scalar(select(func.count(Edition.variant_of))) == 3
    by_provider = [each for each in asked if "substr(subscribers.email_key" in each]
    assert ["deliveries" in each for each in by_provider] == [False, True]


def test_a_variant_goes_its_editions_way(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
        at = monday(product)
        file(session, "Bakou", topics="place:AZ", at=at - DAY)
        file(session, "Paris", topics="place:FR", at=at - DAY)
    run(product, at)
    with product.database.transaction() as session:
        whole, variant = session.scalars(select(Edition).order_by(Edition.id))
        assert variant.variant_of == whole.id
        cancel_edition(session, edition_id=whole.id, actor="a", now=at)
        assert {each.status for each in (whole, variant)} == {EditionStatus.CANCELLED}


def test_a_variant_ends_with_its_edition_and_not_before(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "alice", now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
        at = monday(product)
        file(session, "Bakou", topics="place:AZ", at=at - DAY)
        file(session, "Paris", topics="place:FR", at=at - DAY)
    run(product, at)
    with product.database.transaction() as session:
        assert finish_editions(session, now=at) == []
        assert set(session.scalars(select(Edition.status))) == {EditionStatus.SENDING}
        session.execute(update(Chunk).values(next_attempt_at=None))
        whole, variant = session.scalars(select(Edition).order_by(Edition.id))
        assert finish_editions(session, now=at + HOUR) == [whole.id]
        assert (variant.status, variant.finished_at) == (EditionStatus.SENT, at + HOUR)
