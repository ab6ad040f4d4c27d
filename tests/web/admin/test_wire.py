"""The wire at the desk: what an editor sees of it, and each act on it, with and without script."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditEntry, Role
from app.articles.clean import plain
from app.articles.floods import hold
from app.articles.models import Article, FloodReason, Source
from app.clock import now
from app.product import Product
from app.stories.grouping import group_new
from app.stories.merging import begin_story
from app.stories.models import Story, StoryEvent
from app.topics.classifying import classify_articles
from app.topics.corrections import topics_of
from app.topics.models import Correction, TopicCorrection
from app.topics.taxonomy import load
from tests import make
from tests.security.payloads import payloads
from tests.security.shapes import Shape
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, STORM, file_article
from tests.web import desk

SWAP = {"HX-Request": "true"}
HOUR = timedelta(hours=1)


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    """An editor in front of a breach that three newsrooms report, one of them in French, and a storm."""
    desk.make_admin(product)
    desk.sign_in(client)
    with product.database.transaction() as session:
        for number, text in enumerate((BREACH, BREACH_TOLD_ANEW)):
            file_article(session, text, f"c{number}", at=now() - 2 * HOUR)
        file_article(session, BREACH_FR, "d", at=now() - 2 * HOUR, language="fr")
        file_article(session, STORM, "b", at=now() - HOUR)
    group_new(product.database, load(), now=now())
    classify_articles(product.database, load(), now=now())
    return client


def article_id(product: Product, text: tuple[str, str]) -> int:
    with product.database.reading() as session:
        return session.scalars(select(Article.id).where(Article.title == text[0])).one()


def story_id(product: Product, text: tuple[str, str]) -> int:
    with product.database.reading() as session:
        return session.scalars(select(Article.story_id).where(Article.title == text[0])).one() or 0


def acts(product: Product) -> list[tuple[str, str | None, str | None]]:
    with product.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [(row.act.value, row.target, row.detail) for row in rows if row.act.value != "sign-in"]


@contextmanager
def counted(product: Product) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(product.database.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(product.database.engine, "before_cursor_execute", note)


def test_a_story_is_told_with_what_an_editor_wants_to_know(admin: FlaskClient) -> None:
    page = admin.get("/admin/articles").text
    breach = page.partition('class="story"')[2].partition('class="story"')[0]
    assert BREACH[0] in breach
    assert "3 independent sources" in breach
    assert f'<span lang="fr">{BREACH_FR[0]}</span>' in breach
    assert "3 articles tell it" in breach
    assert "2\u00a0hours\u00a0ago" in breach
    assert 'value="place:EE"' in breach
    assert page.index(BREACH[0]) < page.index(STORM[0]), "three sources weigh more than an hour"
    newest = admin.get("/admin/articles?order=newest").text
    assert newest.index(STORM[0]) < newest.index(BREACH[0])


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("language=fr", [BREACH]), ("q=porto", [STORM]), ("q=Storm%C2%A0Ingrid", [STORM]),
        ("q=Orvane&language=fr", [BREACH]), ("place=estonie", [BREACH]),
        ("place=Atlantis", []), ("since=day", [BREACH, STORM]), ("state=pinned", []), ("state=muted", []),
        ("state=unclassified", []), ("state=flash", []), ("state=embargo", []), ("source=0", []), ("q=%2C", []),
        ("state=none&since=ever&language=xx&source=x&order=odd&before=x.y", [BREACH, STORM]),
    ],
)  # fmt: skip
def test_filters_and_words_narrow_the_wire(admin: FlaskClient, asked: str, shown: list[tuple[str, str]]) -> None:
    page = admin.get(f"/admin/articles?{asked}").text
    assert [text for text in (BREACH, STORM) if f"{text[0]}</a></h2>" in page] == shown
    assert ("No story is like this." in page) == (not shown)


@pytest.mark.parametrize(
    ("act", "end", "word"), [("pin", "story-unpinned", "Pinned"), ("mute", "story-unmuted", "Muted: in no digest")]
)
def test_a_story_is_pinned_or_muted_and_that_is_taken_back(
    admin: FlaskClient, product: Product, act: str, end: str, word: str
) -> None:
    storm = story_id(product, STORM)
    data = {"back": "/admin/articles?language=en"}
    answer = admin.post(f"/admin/stories/{storm}/{act}", data=data)
    assert answer.status_code == 303
    assert answer.location.startswith(
        f"/admin/articles?language=en&note={'story-pinned' if act == 'pin' else 'story-m'}"
    )
    assert answer.location.endswith(f"#story-{storm}")
    page = admin.get(answer.location.partition("#")[0]).text
    assert 'name="event" value="1"' in page, "undo is offered"
    assert word in admin.get(f"/admin/articles?state={'pinned' if act == 'pin' else 'muted'}").text
    assert admin.post("/admin/stories/undo", data={"event": "1"}).status_code == 303
    with product.database.reading() as session:
        story = session.get_one(Story, storm)
        assert (story.pinned_at, story.muted_at) == (None, None)
    admin.post(f"/admin/stories/{storm}/{act}")
    admin.post(f"/admin/stories/{storm}/{act}")
    admin.post(f"/admin/stories/{storm}/{act}/end")
    done, *_ = end.partition("-un")
    noted = [name for name, target, _ in acts(product) if target == f"story:{storm}"]
    assert noted == [f"{done}-{end[8:]}", "story-act-undone", f"{done}-{end[8:]}", end], "a repeated press is no act"


def test_merged_stories_are_one_row_and_undo_parts_them(admin: FlaskClient, product: Product) -> None:
    breach, storm = story_id(product, BREACH), story_id(product, STORM)
    swapped = admin.post("/admin/stories/merge", data={"story": [breach, storm]}, headers=SWAP).text
    oldest, gone = sorted((breach, storm))
    assert f'<hx-partial hx-target="#story-{oldest}" hx-swap="outerHTML">' in swapped
    assert f'<hx-partial hx-target="#story-{gone}" hx-swap="delete">' in swapped
    assert "The stories are one." in swapped
    assert story_id(product, BREACH) == story_id(product, STORM)
    assert acts(product)[-1] == ("stories-merged", f"story:{oldest}", f"story:{gone}")
    back = admin.post("/admin/stories/undo", data={"event": "1"}, headers=SWAP).text
    assert f'<hx-partial hx-target="#story-{oldest}" hx-swap="outerHTML">' in back
    assert [f'id="story-{each}"' in back for each in (oldest, gone)] == [True, True]
    assert (story_id(product, BREACH), story_id(product, STORM)) == (breach, storm)
    assert acts(product)[-1] == ("story-act-undone", f"story:{oldest}", "merged")
    again = admin.post("/admin/stories/undo", data={"event": "1"})
    assert again.status_code == 409
    assert "has changed meanwhile" in again.text


def test_a_split_makes_a_row_more_and_undo_joins_them(admin: FlaskClient, product: Product) -> None:
    breach, told_anew = story_id(product, BREACH), article_id(product, BREACH_TOLD_ANEW)
    answer = admin.post(f"/admin/stories/{breach}/split", data={"article": str(told_anew)}, headers=SWAP).text
    parted = story_id(product, BREACH_TOLD_ANEW)
    assert parted != breach
    assert [f'id="story-{each}"' in answer for each in (breach, parted)] == [True, True]
    assert acts(product)[-1] == ("story-split", f"story:{breach}", f"story:{parted}")
    joined = admin.post("/admin/stories/undo", data={"event": "1"}, headers=SWAP).text
    assert f'hx-target="#story-{parted}" hx-swap="delete"' in joined
    assert story_id(product, BREACH_TOLD_ANEW) == breach


def test_what_cannot_be_done_is_said_and_changes_nothing(admin: FlaskClient, product: Product) -> None:
    breach = story_id(product, BREACH)
    for path, data, status, told in (
        ("merge", {"story": str(breach)}, 422, "select two stories"),
        ("merge", {"story": ["x", "-1", "9" * 30]}, 422, "select two stories"),
        (f"{breach}/split", {}, 422, "tick some of the articles"),
        ("undo", {}, 422, "has changed meanwhile"),
    ):
        for headers in ({}, SWAP):
            answer = admin.post(f"/admin/stories/{path}", data=data, headers=headers)
            assert answer.status_code == status
            assert told in answer.text
    for path in ("999/pin", "999/split", "undo"):
        assert admin.post(f"/admin/stories/{path}", data={"event": "999", "article": "1"}).status_code == 404
    assert acts(product) == []
    with product.database.reading() as session:
        assert session.scalars(select(StoryEvent)).all() == []


def test_undo_is_offered_to_whoever_acted_only(admin: FlaskClient, product: Product) -> None:
    admin.post(f"/admin/stories/{story_id(product, STORM)}/pin")
    with product.database.transaction() as session:
        session.get_one(StoryEvent, 1).actor = "eve@desk.example"
    page = admin.get("/admin/articles?note=story-pinned&event=1&event=x&_external=1&_scheme=javascript").text
    assert 'name="event"' not in page
    assert 'href="javascript' not in page
    assert 'value="http' not in page


def test_topics_are_taken_away_and_added_by_name_in_their_row(admin: FlaskClient, product: Product) -> None:
    storm = article_id(product, STORM)
    added = admin.post(f"/admin/articles/{storm}/topics", data={"topic": "PORTUGAL"}, headers=SWAP).text
    assert f'hx-target="#story-{story_id(product, STORM)}" hx-swap="outerHTML"' in added
    assert 'value="place:PT"' in added
    removed = admin.post(f"/admin/articles/{storm}/topics/removal", data={"topic": "place:PT"}, headers=SWAP).text
    assert 'value="place:PT"' not in removed.partition('hx-target="#note"')[0]
    wrong = admin.post(f"/admin/articles/{storm}/topics", data={"topic": "Atlantis"}, headers=SWAP)
    assert wrong.status_code == 422
    assert "no topic of this name" in wrong.text
    with product.database.reading() as session:
        assert "place:PT" not in [each.topic for each in session.scalars(topics_of([storm]))]


def test_a_topic_taken_away_by_mistake_is_put_back_with_one_press(admin: FlaskClient, product: Product) -> None:
    def press(page: str) -> str:
        note = page.partition('hx-target="#note"')[2]
        [(path, back, topic)] = re.findall(
            r'hx-post="([^"]+)".*?name="back" value="([^"]+)".*?value="([^"]+)"', note, re.S
        )
        return admin.post(path, data={"topic": topic, "back": back}, headers=SWAP).text

    breach = article_id(product, BREACH)
    with product.database.reading() as session:
        before = {each.topic: (each.rank, each.words) for each in session.scalars(topics_of([breach]))}
    topics = f"/admin/articles/{breach}/topics"
    removed = admin.post(f"{topics}/removal", data={"topic": "place:EE"}, headers=SWAP).text
    undone = press(removed)
    assert "It is as it was." in undone
    assert "data-undo" not in undone
    with product.database.reading() as session:
        assert {each.topic: (each.rank, each.words) for each in session.scalars(topics_of([breach]))} == before
        assert session.scalars(select(TopicCorrection)).all() == [], "the rules hold again"
    admin.post(topics, data={"topic": "Portugal"}, headers=SWAP)
    put_back = press(admin.post(f"{topics}/removal", data={"topic": "place:PT"}, headers=SWAP).text)
    assert "The topic is added, and stays." in put_back, "an editor's word is put back, not the rules'"
    with product.database.reading() as session:
        assert [each.correction for each in session.scalars(select(TopicCorrection))] == [Correction.ADDED]


def test_an_article_is_read_and_kept_back_in_its_row(admin: FlaskClient, product: Product) -> None:
    storm = article_id(product, STORM)
    panel = admin.get(f"/admin/articles/{storm}", headers=SWAP).text
    assert "<html" not in panel
    assert STORM[1] in panel
    assert f'id="until-{storm}"' in panel
    answer = admin.post(f"/admin/articles/{storm}/embargo", data={"until": "2099-01-01T06:00"}, headers=SWAP)
    kept = admin.get(answer.location, headers=SWAP).text
    assert "kept back until then" in kept
    assert "Kept back until" in admin.get("/admin/articles?state=embargo").text


def test_a_story_of_which_another_article_is_kept_back_is_not_called_so(admin: FlaskClient, product: Product) -> None:
    french = article_id(product, BREACH_FR)
    admin.post(f"/admin/articles/{french}/embargo", data={"until": "2099-01-01T06:00"})
    row = admin.get("/admin/articles?state=embargo").text.partition('class="story"')[2]
    marks = row.partition('class="marks"')[2].partition("</p>")[0]
    assert "Another article on it is kept back" in marks
    assert "Kept back until" not in marks
    told = [each for each in row.split('class="told"')[1:] if "Kept back until" in each]
    assert [BREACH_FR[0] in each for each in told] == [True]


def test_the_page_says_what_is_wrong_and_what_is_new(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        source = session.scalars(select(Source)).first()
        assert source is not None
        source.failure, source.name = "the server answers 503", "Le <Phare>"
        hold(session, source=source, reason=FloodReason.SURGE, number=7, now=now())
        make.make_article(session, title="Tout juste arrivé", link="https://wire.example/new")
        make.make_article(session, title="Alerte : un câble", link="https://wire.example/alert")
    page = admin.get("/admin/articles").text
    assert ">Alerte\u00a0: un câble</a>" in page
    assert "Le &lt;Phare&gt; could not be read." in page
    assert "7 articles are held" in page
    assert "Just in" in page
    assert "Tout juste arrivé" in page


def test_filters_agree_with_what_they_filter_in_french(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    offered = r'<select id="(?:f-)?(\w+)"[^>]*>\s*<option value="">(\w+)</option>'
    whole = dict(re.findall(offered, client.get("/admin/articles").text + client.get("/admin/readers").text))
    assert {name for name, word in whole.items() if word == "Toutes"} == {"language", "source", "origin"}
    assert {name for name, word in whole.items() if word == "Tous"} >= {"topic", "status", "cadence"}


def test_an_empty_wire_says_what_to_do(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    assert "aucun flux n’est suivi" in client.get("/admin/articles").text
    with product.database.transaction() as session:
        make.make_source(session)
    assert "Aucun article n’est encore arrivé" in client.get("/admin/articles").text


@pytest.mark.parametrize(
    "hostile",
    ['"><img src=x onerror=alert(1)><script>alert(2)</script>', "{{ 7 * 7 }}{% print 7 %}", "' hx-get='/x' a='",
     "</hx-partial><hx-partial hx-target='body'>"],
)  # fmt: skip
def test_what_a_feed_says_is_shown_as_text_in_rows_and_pieces(
    admin: FlaskClient, product: Product, hostile: str
) -> None:
    with product.database.transaction() as session:
        article = make.make_article(session, title=hostile, summary=f"{hostile}.", link="javascript:alert(3)")
        article.story_id = story = begin_story(session, now()).id
        article.grouped_at, article.body = now(), f"{hostile}\n\n{hostile}"
    pieces = [
        admin.get("/admin/articles").text,
        admin.post(f"/admin/stories/{story}/pin", headers=SWAP).text,
        admin.get(f"/admin/articles/{article.id}", headers=SWAP).text,
    ]
    for piece in pieces:
        assert "<img src=x" not in piece
        assert "<script>alert" not in piece
        assert "hx-target='body'" not in piece
        assert "' hx-get='/x'" not in piece
        assert 'href="javascript:' not in piece


def test_a_viewer_reads_the_wire_and_is_offered_no_act(
    client: FlaskClient, admin: FlaskClient, product: Product
) -> None:
    desk.make_admin(product, email="vic@desk.example", role=Role.VIEWER)
    desk.sign_in(client, email="vic@desk.example")
    page = client.get("/admin/articles").text
    assert BREACH[0] in page
    assert "hx-post" not in page.partition('<section class="wire"')[2]
    assert "Write an article" not in page
    assert "hx-post" not in client.get(f"/admin/articles/{article_id(product, STORM)}", headers=SWAP).text
    for path in ("stories/1/pin", "stories/merge", "stories/undo", "articles/new"):
        assert client.post(f"/admin/{path}", data={"story": ["1", "2"], "event": "1"}).status_code == 403
    assert client.get("/admin/articles/new").status_code == 403
    with product.database.reading() as session:
        assert session.scalars(select(StoryEvent)).all() == []


def test_payloads_in_articles_and_names_of_feeds_do_nothing(admin: FlaskClient, product: Product) -> None:
    attempts = payloads("xss", "naughty-strings", "ssti")[::12][-150:]
    with product.database.transaction() as session:
        for number, attempt in enumerate(attempts):
            text = plain(attempt)[:250]
            article = make.make_article(session, title=text, summary=f"{text}.", link=attempt[:2000].replace("\0", ""))
            article.source = make.make_source(session, location=f"https://s{number}.example/feed")
            article.source.name, article.body = text[:200], f"{text}\n\n{text}"
            article.story_id, article.grouped_at = begin_story(session, now()).id, now()
    path, pages = "/admin/articles", 0
    while path:
        page = admin.get(path)
        assert (page.status_code, Shape(page.text).active) == (200, [])
        pages += 1
        older = page.text.partition('class="older"')[2].partition('href="')[2].partition('"')[0]
        path = older.replace("&amp;", "&")
    assert pages >= 3
    for number in range(5, 5 + len(attempts), 10):
        assert Shape(admin.get(f"/admin/articles/{number}", headers=SWAP).text).active == []


def test_fifty_stories_cost_as_many_queries_as_one(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(60):
            source = make.make_source(session, location=f"https://s{number}.example/feed")
            article = make.make_article(
                session, title=f"Story {number}", link=f"https://s{number}.example/1", source=source
            )
            article.story_id = begin_story(session, article.published_at).id
            article.grouped_at = now()
        session.get_one(Story, 1).pinned_at = now()
    classify_articles(product.database, load(), now=now())
    for path in (
        "/admin/articles?note=story-pinned&event=1",
        "/admin/articles?language=fr&q=story",
        "/admin/articles?language=fr",
    ):
        with counted(product) as statements:
            assert admin.get(path).text.count("data-story") >= 50
        assert len([each for each in statements if each.startswith("SELECT")]) <= 12, statements
