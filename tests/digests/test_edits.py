"""What editors made of a digest reaches its variants: what they took out is in none, what leads leads."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests
from app.digests.looking import look_as
from app.digests.schedule import _run_schedule
from app.digests.starting import read_digest, variant_number
from app.editions.draft import bring_back, move_entry, remove_item, set_lead
from app.editions.embargo import set_embargo
from app.editions.history import recorded
from app.editions.lines import Schedule
from app.editions.models import Edition
from app.product import Product
from app.stories.models import Story
from app.stories.ranking import HALF_LIFE
from app.topics.taxonomy import load
from tests.digests.readers import DAY, HOUR, begin_anew, file, letters, make_reader, run
from tests.editions.press import make_draft

#: A Tuesday; the newsletter comes on Mondays.
NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)
ADA = "ada@desk.example"
TOPICS = ["place:AZ", "place:FR", "theme:espionage"]
#: Of each story: its topic, its hours of age, and whether English tells of it, and another French source.
newsrooms = st.lists(
    st.tuples(st.sampled_from(TOPICS), st.integers(1, 60), st.booleans(), st.booleans()), min_size=2, max_size=6
)
wishes = st.builds(
    Interests, st.sampled_from([(), ("en",)]), st.frozensets(st.sampled_from(TOPICS), max_size=2),
    st.frozensets(st.sampled_from(TOPICS), max_size=1),
)  # fmt: skip
#: Which of the articles there are is taken out, moved to the top, led by another of its story, or brought back.
acts = st.lists(st.tuples(st.sampled_from(["out", "top", "lead", "back"]), st.integers(0, 5)), max_size=6)


@pytest.fixture(autouse=True)
def _schedules(product: Product) -> None:
    with product.database.transaction() as session:
        begin_anew(session, product, now=NOW)


def monday(session: Session) -> datetime:
    return session.scalars(select(Schedule.next_run_at).where(Schedule.rhythm_id.is_(None))).first() or NOW


def tell(session: Session, title: str, *, topic: str, at: datetime, english: bool = False, twice: bool = False) -> int:
    """A story in French, perhaps in English too, perhaps by another source; its id."""
    story_id = file(session, title, topics=topic, at=at).story_id
    assert story_id is not None
    if english:
        file(session, f"{title} in English", topics=topic, language="en", story=story_id, at=at)
    if twice:
        file(session, f"{title} bis", topics=topic, story=story_id, at=at).link = f"https://other.example/{title}"
    session.flush()
    return story_id


def compile_french(product: Product, at: datetime) -> int:
    """The French digest that is due, compiled and not yet started."""
    with product.database.reading() as session:
        french = session.scalars(select(Schedule.id).where(Schedule.language == "fr")).one()
    compilation = _run_schedule(product.database, french, at, half_life=HALF_LIFE)
    assert compilation is not None
    assert compilation.edition_id is not None
    return compilation.edition_id


@dataclass
class Desk:
    """An editor at a draft, who remembers which article they put first, until it is out."""

    session: Session
    edition: Edition
    lead: int | None = None

    def do(self, act: str, number: int) -> None:
        """Do one thing to one of the articles, if it can be done."""
        with recorded(self.session, edition_id=self.edition.id, actor=ADA, now=NOW) as (edition, state):
            out = [int(line) for line in state["out"].split()]
            if act == "back" and out:
                article_id = out[number % len(out)]
                bring_back(self.session, edition_id=edition.id, article_id=article_id, state=state, now=NOW)
            elif edition.items and act != "back":
                self._change(act, edition.items[number % len(edition.items)].article_id)

    def _change(self, act: str, article_id: int) -> None:
        key, others = self.edition.id, self._also(article_id)
        if act == "out":
            remove_item(self.session, edition_id=key, article_id=article_id)
            self.lead = None if self.lead == article_id else self.lead
        elif act == "top" and article_id != self.edition.items[0].article_id:
            move_entry(self.session, edition_id=key, entry=str(article_id), by=-99)
            self.lead = article_id
        elif act == "lead" and others:
            set_lead(self.session, edition_id=key, article_id=article_id, lead_id=others[0])
            self.lead = others[0] if self.lead == article_id else self.lead

    def _also(self, article_id: int) -> list[int]:
        item = next(item for item in self.edition.items if item.article_id == article_id)
        return [other.article_id for other in item.also if other.article.language == self.edition.language]


@given(newsrooms, st.lists(wishes, min_size=1, max_size=4), acts)
@example(
    [("theme:espionage", 1, False, False), ("place:FR", 1, False, False)],
    [Interests(followed=frozenset({"theme:espionage", "place:FR"}))],
    [("top", 1), ("top", 1)],
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_variant_has_what_is_out_and_what_leads_leads_in_all(
    product: Product, stories: list[tuple[str, int, bool, bool]], readers: list[Interests], acts: list[tuple[str, int]]
) -> None:
    with product.database.transaction() as session:
        begin_anew(session, product, now=NOW)
        at = monday(session)
        for number, (topic, age, english, twice) in enumerate(stories):
            tell(session, f"Sujet {number}", topic=topic, at=at - age * HOUR, english=english, twice=twice)
        for number, interests in enumerate(readers):
            make_reader(session, f"r{number}", now=NOW, interests=interests)
    edition_id = compile_french(product, at)
    with product.database.transaction() as session:
        desk = Desk(session, session.get_one(Edition, edition_id))
        compiled = [item.article_id for item in desk.edition.items]
        for act in acts:
            desk.do(*act)
    with product.database.snapshot() as session:
        story_of = dict(session.execute(select(Article.id, Article.story_id)).all())
        edition = session.get_one(Edition, edition_id)
        held = {story_of[item.article_id]: item.article_id for item in edition.items}
        plan = read_digest(session, edition_id, taxonomy=load(), half_life=HALF_LIFE, now=at).plan
    nobodys_choice = next((story_of[each] for each in compiled if story_of[each] in held), None)
    for variant in plan.variants:
        told = {story_of[article_id]: article_id for article_id in variant.articles}
        assert not told.keys() - held.keys(), "all that came was in French, so what the digest has not was taken out"
        assert {story: held[story] for story in told} == told, "in the words of one article"
        leads = desk.lead is not None and desk.lead == edition.items[0].article_id and story_of[desk.lead]
        if leads and leads != nobodys_choice and leads in told:
            assert variant.articles[0] == desk.lead


def edit(product: Product, edition_id: int, *acts: tuple[str, int]) -> None:
    with product.database.transaction() as session:
        desk = Desk(session, session.get_one(Edition, edition_id))
        for act in acts:
            desk.do(*act)


def newsroom(product: Product) -> tuple[datetime, int]:
    """A digest of three stories, the newest first, for readers who chose nothing, and this or that."""
    with product.database.transaction() as session:
        at = monday(session)
        for age, topic in ((1, "theme:diplomacy"), (2, "theme:conflict"), (3, "theme:espionage")):
            tell(session, topic, topic=topic, at=at - age * HOUR, english=True)
        for name, interests in (
            ("all", Interests()),
            ("keen", Interests(followed=frozenset({"theme:espionage", "theme:conflict"}))),
            ("quiet", Interests(also_reads=("en",), muted=frozenset({"place:IL"}))),
        ):
            make_reader(session, name, now=NOW, interests=interests)
    return at, compile_french(product, at)


def carried(product: Product, at: datetime) -> list[list[str]]:
    run(product, at)
    with product.database.reading() as session:
        return [letter for name in ("all", "keen", "quiet") for letter in letters(session, name)]


def test_letters_leave_as_editors_made_them(product: Product) -> None:
    at, draft = newsroom(product)
    edit(product, draft, ("top", 2), ("out", 1))
    assert carried(product, at) == [["theme:espionage", "theme:conflict"]] * 3


def test_what_follows_what_was_taken_out_is_put_first_by_nobody(product: Product) -> None:
    """Whoever follows topics has a fresh story before one that more sources told days ago; others have it behind."""
    with product.database.transaction() as session:
        at = monday(session)
        for title, hours, sources in (("all tell it", 1, 8), ("two told it", 100, 2), ("fresh", 2, 1)):
            story_id = tell(session, title, topic="place:AZ", at=at - hours * HOUR)
            session.get_one(Story, story_id).sources = sources
        make_reader(session, "all", now=NOW)
        make_reader(session, "keen", now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
    edit(product, compile_french(product, at), ("out", 0))
    run(product, at)
    with product.database.reading() as session:
        assert letters(session, "all") == [["two told it", "fresh"]]
        assert letters(session, "keen") == [["fresh", "two told it"]]


def test_an_embargo_takes_out_an_article_and_not_what_others_tell(product: Product) -> None:
    with product.database.transaction() as session:
        at = monday(session)
        tell(session, "Bakou", topic="place:AZ", at=at - HOUR, twice=True)
        tell(session, "Paris", topic="place:FR", at=at - 2 * HOUR)
        make_reader(session, "all", now=NOW)
        make_reader(session, "keen", now=NOW, interests=Interests(followed=frozenset({"place:AZ"})))
    draft = compile_french(product, at)
    with product.database.transaction() as session:
        held = session.get_one(Edition, draft).items[0].article_id
        set_embargo(session, article_id=held, until=at + DAY, actor=ADA, now=NOW)
    assert carried(product, at) == [["Paris"], ["Bakou bis"]]


def test_a_digest_is_shown_as_some_reader_would_get_it_after_the_edits(product: Product) -> None:
    at, draft = newsroom(product)
    edit(product, draft, ("top", 2), ("out", 1))
    keen = Interests(followed=frozenset({"theme:conflict", "theme:diplomacy", "theme:espionage"}))
    with product.database.reading() as session:
        shown = look_as(
            session, session.get_one(Edition, draft), keen, taxonomy=load(), config=product.config,
            links=product.links, now=at,
        )  # fmt: skip
    assert shown.titles == ("theme:espionage", "theme:conflict")


def test_a_variant_announces_what_editors_made_of_its_titles(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        for item in edition.items:
            item.title = f"Ce que nous avons vu en mer {item.position}"
        articles = [item.article for item in reversed(edition.items)]
        number = variant_number(edition, articles, {each.id: [] for each in articles}, since=edition.since)
        assert number.subject == "Ce que nous avons vu en mer 3"
        assert "Ce que nous avons vu en mer 2 · Ce que nous avons vu en mer 1" in number.preheader
