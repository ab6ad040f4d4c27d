"""Flashes: at once to those who read in real time and want the story, and never a second time with their digest."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.choices.choices import Interests, Timing
from app.choices.models import Cadence
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk
from app.digests.coverage import give_back
from app.digests.flash import count_flash, plan_flash, set_flash, start_flash
from app.digests.models import Flash
from app.digests.schedule import install_schedules, run_due_schedules
from app.editions.archive import is_listed
from app.editions.embargo import set_embargo
from app.editions.models import Edition, EditionKind
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.links import Links
from app.mail.pacing import GIVE_UP_AFTER
from app.newsletters.letterhead import letterhead_of
from app.product import Product
from app.stories.models import Story
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription
from app.subscriptions.preferences import pause
from app.topics.taxonomy import load
from tests.digests.readers import DAY, HOUR, file, letters, make_reader, run
from tests.make import add_second, newsletter

#: A Tuesday; digests in real time come daily at 08:00.
NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 18, 8, 0, tzinfo=UTC)
REAL_TIME = Timing(Cadence.REAL_TIME, 8, 0, "UTC")
DAILY = Timing(Cadence.DAILY, 8, 0, "UTC")
BAKU = Interests(followed=frozenset({"region:caucasus"}))


@pytest.fixture(autouse=True)
def _schedules(product: Product) -> None:
    with product.database.transaction() as session:
        newsletter(session).timezone = "UTC"
        session.flush()
        install_schedules(session, product.config, NOW)


def flash(product: Product, article_id: int, now: datetime = NOW) -> int:
    """Let an article go as an editor does."""
    with product.database.reading() as session:
        ready = set_flash(session, article_id, config=product.config, links=product.links, now=now)
    with product.database.transaction() as session:
        return start_flash(session, ready, per_day=product.config.flashes_per_day, actor="ada", now=now)


def test_it_reaches_those_in_real_time_who_want_it_and_others_with_their_digest(product: Product) -> None:
    with product.database.transaction() as session:
        for name, interests in {"now": Interests(), "baku": BAKU}.items():
            make_reader(session, name, now=NOW, timing=REAL_TIME, interests=interests)
        make_reader(session, "balkans", now=NOW, timing=REAL_TIME, interests=Interests(
            followed=frozenset({"region:balkans"})))  # fmt: skip
        make_reader(session, "daily", now=NOW, timing=DAILY)
        article = file(session, "Bakou", topics="place:AZ", at=NOW - HOUR)
        file(session, "Paris", topics="place:FR", at=NOW - HOUR)
    assert flash(product, article.id) == 2
    with product.database.reading() as session:
        assert [letters(session, name) for name in ("now", "baku", "balkans", "daily")] == [
            [["Bakou"]], [["Bakou"]], [], [],
        ]  # fmt: skip
    run(product, MORNING)
    with product.database.reading() as session:
        assert letters(session, "now") == [["Bakou"], ["Paris"]], "once, and nothing left out"
        assert letters(session, "baku") == [["Bakou"]]
        assert sorted(letters(session, "daily")[0]) == ["Bakou", "Paris"], "a flash bars no digest from its story"


def test_each_gets_it_in_the_language_of_their_letters_and_an_article_they_read(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "fr", now=NOW, timing=REAL_TIME)
        make_reader(session, "en", now=NOW, timing=REAL_TIME, language="en")
        make_reader(session, "both", now=NOW, timing=REAL_TIME, language="en", interests=Interests(also_reads=("fr",)))
        article = file(session, "Le câble", at=NOW - HOUR)
        fuller = file(session, "Le câble, en entier", at=NOW - 2 * HOUR, story=article.story_id)
        fuller.body = "une autre plume " * 50
    assert flash(product, article.id) == 2, "who reads no French gets no French"
    with product.database.reading() as session:
        assert letters(session, "fr") == letters(session, "both") == [["Le câble"]], "the one that was marked"
        assert letters(session, "en") == []
        subjects = {each.language: each.subject for each in session.scalars(select(Edition))}
        assert subjects == {"fr": "Flash\u00a0: Le câble", "en": "Flash: Le câble"}
        bodies = {
            each.language: " ".join(each.content.text.split())
            for each in session.scalars(select(Edition))
            if each.content
        }
        assert "en temps réel" in bodies["fr"]
        assert "in real time" in bodies["en"]
        heads = {each.language: each.content.letterhead for each in session.scalars(select(Edition)) if each.content}
        named = newsletter(session)
        assert heads == {code: letterhead_of(named, code, product.config) for code in ("fr", "en")}


def test_a_reader_of_another_language_gets_the_storys_article_in_it(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "en", now=NOW, timing=REAL_TIME, language="en")
        article = file(session, "Le câble", at=NOW - HOUR)
        file(session, "The cable", language="en", at=NOW - 2 * HOUR, story=article.story_id)
    assert flash(product, article.id) == 1
    run(product, MORNING)
    with product.database.reading() as session:
        assert letters(session, "en") == [["The cable"]]


def test_a_flash_that_came_too_late_hides_nothing_of_the_day(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        file(session, "yesterday", at=NOW)
    run(product, MORNING)
    with product.database.transaction() as session:
        file(session, "noon", at=MORNING + 4 * HOUR)
        article = file(session, "evening", at=MORNING + 10 * HOUR)
    assert flash(product, article.id, MORNING + 10 * HOUR) == 1
    late = MORNING + 10 * HOUR + GIVE_UP_AFTER
    with product.database.transaction() as session:
        expire_copies(session, now=late, on_expired=give_back)
    run(product, late + DAY)
    with product.database.reading() as session:
        assert sorted(letters(session, "ann")[-1]) == ["evening", "noon"]


def test_whoever_had_the_story_in_a_digest_gets_no_flash_of_it(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "old", now=NOW, timing=REAL_TIME)
        article = file(session, "Lundi", at=NOW)
    run(product, MORNING)
    with product.database.transaction() as session:
        make_reader(session, "new", now=MORNING, timing=REAL_TIME)
        later = file(session, "Mardi", at=MORNING + HOUR, story=article.story_id)
    assert flash(product, later.id, MORNING + 2 * HOUR) == 1
    with product.database.reading() as session:
        assert (letters(session, "old"), letters(session, "new")) == ([["Lundi"]], [["Mardi"]])


def test_a_reader_gets_so_many_in_a_day_and_the_rest_with_their_digest(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        articles = [file(session, f"No {number}", at=NOW - HOUR) for number in range(6)]
    sent = [flash(product, article.id, NOW + number * HOUR) for number, article in enumerate(articles[:4])]
    assert sent == [1, 1, 1, 0]
    assert flash(product, articles[4].id, NOW + DAY) == 1, "24 hours after the first there is room for one"
    with product.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Edition)) == 4, "without readers there is no edition"
    run(product, NOW + DAY + HOUR)
    with product.database.reading() as session:
        *flashes, digest = letters(session, "ann")
        assert [len(each) for each in flashes] == [1, 1, 1, 1]
        assert sorted(digest) == ["No 3", "No 5"]


def test_it_leaves_once_and_says_who_was_first(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        article = file(session, "Une fois", at=NOW - HOUR)
    with product.database.reading() as session:
        late = set_flash(session, article.id, config=product.config, links=product.links, now=NOW)
    assert flash(product, article.id) == 1
    with pytest.raises(TransitionRefused, match="2026-03-17 at 12:00 UTC, by ada"):
        flash(product, article.id)
    with pytest.raises(TransitionRefused, match="by ada"), product.database.transaction() as session:
        start_flash(session, late, per_day=9, actor="bob", now=NOW)
    with product.database.reading() as session:
        assert [each.by for each in session.scalars(select(Flash))] == ["ada"]
        assert session.scalar(select(func.count()).select_from(Chunk)) == 1


def test_what_may_not_leave_or_is_not_known_yet_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        kept, muted, fresh = (file(session, title, at=NOW - HOUR) for title in ("gardé", "muet", "neuf"))
        set_embargo(session, article_id=kept.id, until=NOW + HOUR, actor="ada@desk.example", now=NOW)
        session.get_one(Story, muted.story_id).muted_at = NOW
        fresh.classified_at = None
    for article, why in ((kept, "gardé"), (muted, "muted"), (fresh, "a minute")):
        with pytest.raises(InputRefused, match=why):
            flash(product, article.id)


def test_what_changed_since_its_letter_was_set_does_not_leave(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        article = file(session, "Vite", at=NOW - HOUR)
    with product.database.reading() as session:
        ready = set_flash(session, article.id, config=product.config, links=product.links, now=NOW)
    with product.database.transaction() as session:
        session.merge(article).revision = 2
    with pytest.raises(EditionChanged), product.database.transaction() as session:
        start_flash(session, ready, per_day=3, actor="ada", now=NOW)
    with product.database.transaction() as session:
        set_embargo(session, article_id=article.id, until=NOW + HOUR, actor="ada@desk.example", now=NOW)
    with pytest.raises(InputRefused, match="may not leave"), product.database.transaction() as session:
        start_flash(session, ready, per_day=3, actor="ada", now=NOW)
    with product.database.reading() as session:
        assert session.scalars(select(Flash.article_id)).all() == []


def test_it_does_not_name_what_was_held_back_since_its_letter_was_set(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        article = file(session, "Vite", at=NOW - HOUR)
        other = file(session, "Ailleurs", at=NOW - HOUR, story=article.story_id)
        other.link = "https://elsewhere.example/1"
    with product.database.reading() as session:
        ready = set_flash(session, article.id, config=product.config, links=product.links, now=NOW)
        assert other.link in ready.letters[0][0].parts.html
    with product.database.transaction() as session:
        set_embargo(session, article_id=other.id, until=NOW + HOUR, actor="ada@desk.example", now=NOW)
    with pytest.raises(EditionChanged), product.database.transaction() as session:
        start_flash(session, ready, per_day=3, actor="ada", now=NOW)


def test_who_pauses_gets_none_and_the_count_says_how_many_do(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        paused = make_reader(session, "bob", now=NOW, timing=REAL_TIME)
        pause(session, public_id=paused.public_id, until=(NOW + 9 * DAY).date(), now=NOW)
        article = file(session, "Une", at=NOW - HOUR)
    with product.database.reading() as session:
        groups = plan_flash(session, article.id, taxonomy=load(None), now=NOW)
        assert count_flash(session, article.id, groups, per_day=3, now=NOW) == 1
    assert flash(product, article.id) == 1


def test_who_reads_two_newsletters_in_real_time_gets_it_once_and_counts_once(product: Product) -> None:
    with product.database.transaction() as session:
        one = make_reader(session, "now", now=NOW, timing=REAL_TIME)
        session.add(
            Subscription(
                newsletter_id=add_second(session, product.config).id, subscriber_id=one.subscriber_id, language="fr",
                status=SubscriptionStatus.CONFIRMED, requested_at=NOW, confirmed_at=NOW, rhythm_id=one.rhythm_id,
                gets_flashes=True,
            )
        )  # fmt: skip
        make_reader(session, "other", now=NOW, timing=REAL_TIME)
        article = file(session, "Bakou", topics="place:AZ", at=NOW - HOUR)
    with product.database.reading() as session:
        groups = plan_flash(session, article.id, taxonomy=load(), now=NOW)
        counted = [count_flash(session, article.id, groups, per_day=3, limit=each, now=NOW) for each in (None, 9, 1)]
    assert counted == [2, 2, 1]
    assert flash(product, article.id) == 2


def test_it_overtakes_digests_and_is_no_number_of_the_newsletter(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        make_reader(session, "daily", now=NOW, timing=DAILY)
        article = file(session, "Une", at=NOW - HOUR)
    flash(product, article.id)
    run(product, MORNING)
    with product.database.reading() as session:
        rows = session.execute(select(Edition.kind, Chunk.priority).join(Chunk, Chunk.edition_id == Edition.id))
        priorities = {kind: priority for kind, priority in rows}  # noqa: C416 - a Row is no tuple
        assert priorities[EditionKind.FLASH] < priorities[EditionKind.NUMBER]
        listed = session.scalars(select(Edition).where(is_listed(MORNING))).all()
        assert EditionKind.FLASH not in {each.kind for each in listed}


class SlowLinks(Links):
    """Links of a digest that takes its time: while its second letter is set, an editor lets a flash go."""

    def __init__(self, product: Product, article_id: int) -> None:
        super().__init__(product.config.public_url, product.link_tokens)
        self._product, self._article_id, self._letters = product, article_id, 0

    def view(self, language: str, edition_public_id: str) -> str:
        self._letters += 1
        if self._letters == 2:
            assert flash(self._product, self._article_id, MORNING) == 2
        return super().view(language, edition_public_id)


def test_a_flash_that_leaves_while_a_digest_is_set_is_not_repeated_by_it(product: Product) -> None:
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        make_reader(session, "baku", now=NOW, timing=REAL_TIME, interests=BAKU)
        article = file(session, "Bakou", topics="place:AZ", at=NOW - HOUR)
        file(session, "Paris", topics="place:FR", at=NOW - HOUR)
    links = SlowLinks(product, article.id)
    for _ in range(2):  # the first finds that it knows too little, and the next tells who had what
        run_due_schedules(product.database, now=MORNING, config=product.config, links=links)
    with product.database.reading() as session:
        assert (letters(session, "ann"), letters(session, "baku")) == ([["Bakou"], ["Paris"]], [["Bakou"]])


def test_a_flash_that_expired_comes_with_a_later_digest(product: Product) -> None:
    """While it waits it counts as had; given up, it has brought nothing."""
    with product.database.transaction() as session:
        make_reader(session, "ann", now=NOW, timing=REAL_TIME)
        article = file(session, "Une", at=NOW - HOUR)
    flash(product, article.id)
    run(product, MORNING, arrives=False)
    over = NOW + GIVE_UP_AFTER + timedelta(minutes=1)
    with product.database.transaction() as session:
        expire_copies(session, now=over, on_expired=give_back)
    run(product, MORNING + 5 * DAY)
    with product.database.reading() as session:
        assert letters(session, "ann") == [["Une"], ["Une"]], "the copy that expired, and the digest"
