"""Feeds of editions and of each topic, as Atom (RFC 4287) and JSON Feed 1.1; both say the same."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from flask import Response, render_template, url_for

from app.clock import now
from app.digests.errata import errata_of
from app.digests.models import Erratum
from app.editions.archive import newest_editions, sent_at
from app.editions.clippings import Clip
from app.editions.introduction import introduction_html
from app.editions.models import Edition, EditionItem
from app.editions.pieces import pieces_of
from app.i18n import bound
from app.web import product, taxonomy_in_use
from app.web.public import LANGUAGE, SECOND, bp
from app.web.public.about import absolute, edition_feeds, feed_links
from app.web.public.asked import newsletter_asked, newsletter_with_page
from app.web.public.caching import FEED_MAX_AGE_S, cached
from app.web.public.errata import changed_at, told
from app.web.public.topics import TOPIC, clips_on, place_of, topic_asked

#: Entries of a feed; readers' programs look more often than so many come.
EDITIONS, ARTICLES = 20, 40
JSON_FEED = "https://jsonfeed.org/version/1.1"
#: What XML cannot hold, even written as a reference (XML 1.0 §2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """An edition or an article. `key` is its address for ever, `link` where it is to be read.

    `changed_at` is when readers were last told of a mistake in it, or when it was sent.
    """

    key: str
    link: str
    title: str
    summary: str
    html: str
    author: str
    language: str
    at: datetime
    changed_at: datetime
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A feed before it is written; `changed_at` is when its newest entry came to be there, or one was corrected."""

    title: str
    home: str
    atom: str
    json: str
    language: str
    changed_at: datetime
    entries: Sequence[Entry]


@bp.get(f"/{LANGUAGE}/feed.atom", provide_automatic_options=False)
@bp.get(f"{SECOND}/feed.atom", provide_automatic_options=False)
def edition_atom(language: str, slug: str | None = None) -> Response:
    """Give a newsletter's newest editions as Atom."""
    return as_atom(feed_of_editions(language, slug))


@bp.get(f"/{LANGUAGE}/feed.json", provide_automatic_options=False)
@bp.get(f"{SECOND}/feed.json", provide_automatic_options=False)
def edition_json(language: str, slug: str | None = None) -> Response:
    """Give a newsletter's newest editions as JSON Feed."""
    return as_json(feed_of_editions(language, slug))


@bp.get(f"{TOPIC}/feed.atom", provide_automatic_options=False)
def topic_atom(language: str, kind: str, name: str) -> Response:
    """Give the newest articles on a topic as Atom."""
    return as_atom(feed_of_topic(language, kind, name))


@bp.get(f"{TOPIC}/feed.json", provide_automatic_options=False)
def topic_json(language: str, kind: str, name: str) -> Response:
    """Give the newest articles on a topic as JSON Feed."""
    return as_json(feed_of_topic(language, kind, name))


def feed_of_editions(language: str, slug: str | None) -> Feed:
    """Return the newest editions of a newsletter in a language, each with all it tells of. Raises NotFound."""
    with product().database.reading() as session:
        newsletter = newsletter_with_page(session, slug, language)
        editions = newest_editions(session, newsletter_id=newsletter.id, language=language, length=EDITIONS, now=now())
        errata = errata_of(session, [item for edition, _ in editions for item in edition.items])
        entries = [_edition_entry(edition, zone, errata) for edition, zone in editions]
    home = product().links.archive(language, newsletter.address_slug)
    feed = edition_feeds(language, newsletter)[0]
    title, atom = feed.title, feed.href
    return _feed(
        title, home, atom, language, entries, [newsletter.created_at, *(edition.finished_at for edition, _ in editions)]
    )


def feed_of_topic(language: str, kind: str, name: str) -> Feed:
    """Return the newest articles on a topic. Raises NotFound where there is none."""
    topic = topic_asked(kind, name)
    clips = clips_on(topic, language, length=ARTICLES)
    title = f"{product().config.identity.publication} · {topic.labels[language]}"
    with product().database.reading() as session:
        errata = errata_of(session, clips)
    entries = [_article_entry(clip, language, errata[clip]) for clip in clips]
    home = absolute(url_for("public.topic", language=language, kind=kind, name=name))
    atom = url_for("public.topic_atom", language=language, kind=kind, name=name)
    return _feed(title, home, atom, language, entries, [clip.filed_at for clip in clips])


def as_atom(feed: Feed) -> Response:
    """Write a feed as Atom."""
    body = _NOT_XML.sub(
        "", render_template("public/feed.xml", feed=feed, publisher=product().config.identity.publisher)
    )
    return cached(
        body,
        content_type="application/atom+xml; charset=utf-8",
        max_age_s=FEED_MAX_AGE_S,
        changed_at=feed.changed_at,
    )


def as_json(feed: Feed) -> Response:
    """Write a feed as JSON Feed."""
    said = {
        "version": JSON_FEED,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.json,
        "language": feed.language,
        "authors": [{"name": product().config.identity.publisher}],
        "items": [_item(entry) for entry in feed.entries],
    }
    body = json.dumps(said, ensure_ascii=False, indent=1) + "\n"
    return cached(body, content_type="application/feed+json", max_age_s=FEED_MAX_AGE_S, changed_at=feed.changed_at)


def _feed(
    title: str, home: str, atom: str, language: str, entries: Sequence[Entry], times: Sequence[datetime | None]
) -> Feed:
    as_atom, as_json = feed_links(title, atom)
    changes = [*times, *(entry.changed_at for entry in entries)]
    changed_at = max((at for at in changes if at is not None), default=None) or _began_at()
    return Feed(title, home, absolute(as_atom.href), absolute(as_json.href), language, changed_at, entries)


def _began_at() -> datetime:
    """Return when the newsletter was set up: an empty feed is as old. Raises NotFound before that."""
    with product().database.reading() as session:
        return newsletter_asked(session, None).created_at


def _edition_entry(edition: Edition, zone: str, errata: Mapping[EditionItem, Sequence[Erratum]]) -> Entry:
    url = product().links.archived_edition(edition.language, edition.public_id)
    introduction = introduction_html(edition.introduction, edition.language)
    pieces = pieces_of(edition, zone=zone, publication=product().config.identity.publication)
    corrected = [told(errata[item], language=edition.language, zone=zone) for item in edition.items]
    return Entry(
        key=url,
        link=url,
        title=bound(edition.subject, edition.language),
        summary=bound(edition.preheader, edition.language),
        html=render_template(
            "public/feed_edition.html", pieces=list(zip(pieces, corrected, strict=True)), introduction=introduction
        ),
        author=product().config.identity.publisher,
        language=edition.language,
        at=sent_at(edition),
        changed_at=changed_at(sent_at(edition), chain.from_iterable(errata[item] for item in edition.items)),
    )


def _article_entry(clip: Clip, language: str, errata: Sequence[Erratum]) -> Entry:
    place = absolute(place_of(clip, language))
    return Entry(
        key=place,
        link=clip.piece.link or place,
        title=clip.piece.title,
        summary=clip.piece.summary,
        html=render_template(
            "public/feed_article.html",
            piece=clip.piece,
            place=place,
            errata=told(errata, language=language, zone=clip.zone),
        ),
        author=clip.piece.source,
        language=clip.piece.language,
        at=clip.sent_at,
        changed_at=changed_at(clip.sent_at, errata),
        topics=tuple(taxonomy_in_use().label(key, language) for key in clip.topics),
    )


def _item(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.key,
        "url": entry.key,
        **({"external_url": entry.link} if entry.link != entry.key else {}),
        "title": entry.title,
        "content_html": entry.html,
        **({"summary": entry.summary} if entry.summary else {}),
        "date_published": entry.at.isoformat(timespec="seconds"),
        "date_modified": entry.changed_at.isoformat(timespec="seconds"),
        "authors": [{"name": entry.author}],
        "language": entry.language,
        **({"tags": list(entry.topics)} if entry.topics else {}),
    }
