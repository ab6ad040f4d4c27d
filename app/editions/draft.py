"""What an editor may change while an edition is a draft: its texts, its order, what it carries."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, may_leave
from app.editions.compile import also_of, items_of
from app.editions.headlines import checked_preheader, checked_subject, preheader_for, subject_for
from app.editions.introduction import MAX_CHARACTERS
from app.editions.lines import Line, may_stand_in
from app.editions.models import UNSENT, Edition, EditionItem, EditionStatus
from app.editions.states import (
    OWN_WORDS,
    TEXTS,
    Place,
    State,
    checked_words,
    layout_of,
    move,
    read_layout,
    state_of,
    taken_out,
)
from app.editions.twins import place_among
from app.errors import InputRefused, NotFound, TransitionRefused


def set_texts(session: Session, *, edition_id: int, subject: str, preheader: str, introduction: str) -> Edition:
    """Replace the texts of a draft; `introduction` is Markdown.

    Raises InputRefused (HeaderInvalid for control characters) with the reason in words, TransitionRefused once started.
    """
    edition = draft(session, edition_id)
    subject = checked_subject(subject)
    preheader = checked_preheader(preheader, subject)
    introduction = introduction.replace("\r\n", "\n").strip()
    if len(introduction) > MAX_CHARACTERS:
        raise InputRefused(f"the introduction has more than {MAX_CHARACTERS} characters")
    edition.subject, edition.preheader, edition.introduction = subject, preheader, introduction
    session.flush()
    return edition


def set_layout(session: Session, *, edition_id: int, layout: str) -> Edition:
    """Put the items of a draft into the order, and under the headings, of `layout`, as `app.editions.states` writes it.

    Raises InputRefused unless it names each of them once.
    """
    edition = draft(session, edition_id)
    places, items = read_layout(layout), {item.article_id: item for item in edition.items}
    if {place.article_id for place in places} != set(items):
        raise InputRefused("the order must name each article of the edition once")
    for place in places:
        items[place.article_id].section = place.section
    return _place(session, edition, [items[place.article_id] for place in places], told=titles_of(edition))


def move_entry(session: Session, *, edition_id: int, entry: str, by: int) -> Edition:
    """Move an article, by its id, or a heading, as `# Heading`, `by` lines in the layout of a draft, down if positive.

    It stops at either end. Raises NotFound where there is no such line.
    """
    edition = draft(session, edition_id)
    layout = state_of(edition, before={})["layout"]
    if entry not in layout.splitlines():
        raise NotFound("no such article or section in this edition")
    return set_layout(session, edition_id=edition_id, layout=move(layout, entry, by))


def start_section(session: Session, *, edition_id: int, article_id: int, heading: str) -> Edition:
    """Let a section of a draft begin with an article; those behind it come under the heading up to the next one.

    Where it is the first of a section, that one has the new heading, and none if that is empty: its articles then join
    what stands before them. Raises InputRefused, NotFound.
    """
    edition = draft(session, edition_id)
    lines = state_of(edition, before={})["layout"].splitlines()
    place = lines.index(str(_item(edition, article_id).article_id))
    if place and lines[place - 1].startswith("# "):
        place -= 1
        del lines[place]
    lines[place:place] = [f"# {heading.strip()}"] if heading.strip() else []
    return set_layout(session, edition_id=edition_id, layout="\n".join(lines))


def set_lead(session: Session, *, edition_id: int, article_id: int, lead_id: int) -> Edition:
    """Let another article of the same story, one named beside it, stand in the place of an article of a draft.

    Raises NotFound where it is none of those.
    """
    edition = draft(session, edition_id)
    item = _item(edition, article_id)
    lead = next((other.article for other in item.also if other.article_id == lead_id), None)
    if lead is None:
        raise NotFound(f"no article {lead_id} beside {article_id} in this edition")
    [made] = items_of([lead], also_of(session, [lead], language=edition.language, until=edition.until))
    made.section, made.title, made.teaser = item.section, item.title, item.teaser
    items = list(edition.items)
    items[items.index(item)] = made
    return _place(session, edition, items, told=titles_of(edition))


def remove_item(session: Session, *, edition_id: int, article_id: int) -> Edition:
    """Take one article out of a draft; no later edition is barred from carrying it."""
    edition = draft(session, edition_id)
    item = _item(edition, article_id)
    rest = [other for other in edition.items if other is not item]
    return _place(session, edition, rest, told=titles_of(edition))


def put_state(session: Session, *, edition_id: int, state: State, now: datetime) -> Edition:
    """Bring a draft into a state that it had.

    Articles that are gone, may not leave at `now` or stand in another edition meanwhile are left out; where one may not
    leave, the headlines stay, since those of `state` may tell of it. Raises InputRefused for texts that cannot be sent.
    """
    edition = draft(session, edition_id)
    ids = [place.article_id for place in read_layout(state["layout"])]
    articles = {each.id: each for each in session.scalars(select(Article).where(Article.id.in_(ids)))}
    told = [state.get(f"title:{key}") or articles[key].title for key in ids if key in articles]
    return _put(session, edition, state, now, told=told)


def change_state(session: Session, *, edition_id: int, state: State, now: datetime) -> Edition:
    """Bring a draft into a state that an editor made of the one it has; headlines as proposed follow its titles.

    Leaves out, and raises, as `put_state` does.
    """
    edition = draft(session, edition_id)
    return _put(session, edition, state, now, told=titles_of(edition))


def _put(session: Session, edition: Edition, state: State, now: datetime, *, told: Sequence[str]) -> Edition:
    """Bring a draft into a state, whose texts were written when it had the titles `told`."""
    places = read_layout(state["layout"])
    items = {item.article_id: item for item in edition.items}
    missing = [each.article_id for each in places if each.article_id not in items]
    texts = {name: state[name] for name in TEXTS}
    if missing and session.scalar(select(Article.id).where(Article.id.in_(missing), ~may_leave(now)).limit(1)):
        texts |= {"subject": edition.subject, "preheader": edition.preheader}
        told = titles_of(edition)
    set_texts(session, edition_id=edition.id, **texts)
    items |= _returning(session, edition, missing, now)
    kept = [place for place in places if place.article_id in items]
    for place in kept:
        item = items[place.article_id]
        item.section = place.section
        own = {name: checked_words(name, state.get(f"{name}:{place.article_id}", "")) for name in OWN_WORDS}
        item.title, item.teaser = own["title"], own["teaser"]
    return _place(session, edition, [items[place.article_id] for place in kept], told=told)


def bring_back(session: Session, *, edition_id: int, article_id: int, state: State, now: datetime) -> Edition:
    """Put an article that was taken out of a draft, whose last known `state` is given, back at its end.

    Raises NotFound where it never was, TransitionRefused where it is back already or may not stand in it again.
    """
    places = read_layout(state["layout"])
    if article_id not in {*taken_out(state), *(place.article_id for place in places)}:
        raise NotFound(f"article {article_id} was not taken out of this edition")
    return _insert(session, edition_id=edition_id, article_id=article_id, place=len(places), state=state, now=now)


def put_in(
    session: Session, *, edition_id: int, article_id: int, twin: Edition | None, state: State, now: datetime
) -> Edition:
    """Put an article in the language of a draft, whose last known `state` is given, where its story stands in the twin.

    Without a twin that tells the story it comes last. Raises NotFound where there is no such article, TransitionRefused
    where it may not leave at `now`, or stands in this edition or in another.
    """
    edition, article = draft(session, edition_id), session.get(Article, article_id)
    if article is None or article.language != edition.language:
        raise NotFound(f"no article {article_id} in the language of this edition")
    place = place_among(edition, twin, story_id=article.story_id) if twin else len(edition.items)
    return _insert(session, edition_id=edition_id, article_id=article_id, place=place, state=state, now=now)


def _insert(session: Session, *, edition_id: int, article_id: int, place: int, state: State, now: datetime) -> Edition:
    """Put an article into a draft behind its first `place` articles, under the heading of the one that it follows."""
    places = read_layout(state["layout"])
    if article_id in {each.article_id for each in places}:
        raise TransitionRefused("this edition has the article already")
    section = places[max(place - 1, 0)].section if places else None
    places.insert(place, Place(article_id, section))
    edition = change_state(session, edition_id=edition_id, state={**state, "layout": layout_of(places)}, now=now)
    if article_id not in {item.article_id for item in edition.items}:
        raise TransitionRefused("this article may not leave yet, or another edition has it")
    return edition


def draft(session: Session, edition_id: int) -> Edition:
    """Return the draft, locked against a start until this transaction ends. Raises NotFound, TransitionRefused."""
    session.execute(select(Edition.id).where(Edition.id == edition_id).with_for_update(key_share=True))
    session.get(Edition, edition_id, populate_existing=True)
    edition = read_unsent(session, edition_id)
    if edition.status is not EditionStatus.DRAFT:
        raise TransitionRefused("only a draft can be changed")
    return edition


def read_unsent(session: Session, edition_id: int) -> Edition:
    """Return an edition that has not started, for looking at. Raises NotFound, TransitionRefused."""
    edition = session.get(Edition, edition_id)
    if edition is None:
        raise NotFound(f"no edition {edition_id}")
    if edition.status not in UNSENT:
        raise TransitionRefused(f"the edition is {edition.status.value}")
    return edition


def proposed_headlines(edition: Edition, titles: Sequence[str]) -> tuple[str, str]:
    """Return the subject and the preheader that are proposed for an edition that has the `titles`."""
    preheader = preheader_for(titles, edition.language, since=edition.since, until=edition.until, zone=edition.zone)
    return subject_for(titles, edition.language, at=edition.until, zone=edition.zone), preheader


def titles_of(edition: Edition) -> list[str]:
    """Return the titles that an edition shows, in order."""
    return [item.shown_title for item in edition.items]


def fingerprint(edition: Edition) -> str:
    """Return a hash of what readers would see, so that nothing is sent that its sender has not looked at."""
    articles = [
        (
            (item.article.revision, *_shown_of(item.article), item.section, item.shown_title, item.shown_summary),
            [_shown_of(other.article) for other in item.also],
        )
        for item in edition.items
    ]
    frame = edition.template_version, edition.masthead
    seen = repr((edition.subject, edition.preheader, edition.introduction, articles, frame))
    return hashlib.sha256(seen.encode()).hexdigest()


def _shown_of(article: Article) -> tuple[object, ...]:
    """Return what a letter shows of an article beside its words; none of this counts as another revision of it."""
    source = article.source.name if article.source else None
    return article.id, article.link, article.language, article.published_at.timestamp(), source


def _item(edition: Edition, article_id: int) -> EditionItem:
    found = next((item for item in edition.items if item.article_id == article_id), None)
    if found is None:
        raise NotFound(f"no article {article_id} in this edition")
    return found


def _returning(session: Session, edition: Edition, ids: Sequence[int], now: datetime) -> Mapping[int, EditionItem]:
    """Return new items for those of the articles that may stand in a draft again, by article id."""
    if not ids:
        return {}
    query = select(Article).where(Article.id.in_(ids), may_stand_in(Line.of(session, edition), edition, now))
    articles = session.scalars(query).all()
    also = also_of(session, articles, language=edition.language, until=edition.until)
    return {item.article.id: item for item in items_of(articles, also)}


def _place(session: Session, edition: Edition, items: Sequence[EditionItem], *, told: Sequence[str]) -> Edition:
    """Give a draft its items; subject and preheader follow them where they are as proposed for the titles `told`."""
    headlines = (edition.subject, edition.preheader), proposed_headlines(edition, told)
    for place, item in enumerate(items, start=1):
        item.position = place
    edition.items[:] = items
    edition.subject, edition.preheader = (
        new if text == old else text
        for text, old, new in zip(*headlines, proposed_headlines(edition, titles_of(edition)), strict=True)
    )
    session.flush()
    return edition
