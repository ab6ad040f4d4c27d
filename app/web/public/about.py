"""What a page says of itself to search engines, feed readers and whoever shows its address elsewhere."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from flask import url_for

from app import i18n
from app.editions.excerpts import shorten
from app.i18n import gettext
from app.newsletters.models import Newsletter
from app.web import product

#: Search engines show about so much of a description.
DESCRIPTION_LENGTH = 160
LOCALES = {"fr": "fr_FR", "en": "en_GB"}


@dataclass(frozen=True)
class FeedLink:
    """A feed that goes with a page."""

    title: str
    content_type: str
    href: str


@dataclass(frozen=True)
class About:
    """The page's own words: `kind` is Open Graph's, `alternates` its address by language, `data` its JSON-LD."""

    title: str
    description: str
    canonical: str
    locale: str
    alternates: Sequence[tuple[str, str]] = ()
    feeds: Sequence[FeedLink] = ()
    kind: str = "website"
    published_at: datetime | None = None
    modified_at: datetime | None = None
    is_indexed: bool = True
    data: dict[str, object] = field(default_factory=dict)


def about_page(
    path: Callable[[str], str],
    language: str,
    *,
    title: str,
    description: str,
    feeds: Sequence[FeedLink] = (),
    query: dict[str, object] | None = None,
    is_indexed: bool = True,
    languages: Collection[str] = tuple(i18n.LANGUAGES),
    listed: Iterable[tuple[str, str]] = (),
) -> About:
    """Describe a page that there is in each language, and which lists things: their addresses and names.

    `path` gives its path in a language; `query` is what follows it on a page that is not the first: only the first has
    a twin, and only among the `languages` in which it is to be indexed: search engines believe no other.
    """
    canonical = absolute(path(language)) + (f"?{urlencode(query)}" if query else "")
    twins = [(code, absolute(path(code))) for code in i18n.LANGUAGES if code in languages]
    description = shorten(description, DESCRIPTION_LENGTH)
    return About(
        title=title,
        description=description,
        canonical=canonical,
        locale=LOCALES[language],
        alternates=() if query or not is_indexed or len(twins) < 2 else twins,
        feeds=feeds,
        is_indexed=is_indexed,
        data=collection(title, description, canonical, language, listed),
    )


def edition_feeds(language: str, newsletter: Newsletter | None = None) -> list[FeedLink]:
    """Return the feeds of a newsletter's editions in a language; those of the first one without."""
    name = newsletter.in_language(language).name if newsletter else product().config.identity.publication
    slug = newsletter.address_slug if newsletter else None
    title = gettext(language, "%(publication)s: editions", publication=name)
    return feed_links(title, url_for("public.edition_atom", language=language, slug=slug))


def topic_feeds(language: str, *, kind: str, name: str, label: str) -> list[FeedLink]:
    """Return the feeds of a topic in a language."""
    title = f"{product().config.identity.publication} · {label}"
    return feed_links(title, url_for("public.topic_atom", language=language, kind=kind, name=name))


def feed_links(title: str, atom: str) -> list[FeedLink]:
    """Return both forms of a feed, given the path of the first."""
    json = atom.removesuffix(".atom") + ".json"
    return [FeedLink(title, "application/atom+xml", atom), FeedLink(title, "application/feed+json", json)]


def absolute(path: str) -> str:
    """Return the address of a path under the public URL, whatever host the request named."""
    return product().links.public_url + path


def collection(
    title: str, description: str, url: str, language: str, listed: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """Return the JSON-LD of a page that lists things (schema.org CollectionPage)."""
    items = [
        {"@type": "ListItem", "position": place, "url": address, "name": name}
        for place, (address, name) in enumerate(listed, start=1)
    ]
    return {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": title,
        "description": description,
        "url": url,
        "inLanguage": language,
        "isPartOf": {"@type": "WebSite", "name": product().config.identity.publication, "url": absolute("/")},
        **({"mainEntity": {"@type": "ItemList", "itemListElement": items}} if items else {}),
    }


def web_site(title: str, description: str, url: str, language: str) -> dict[str, object]:
    """Return the JSON-LD of a front page (schema.org WebSite), by which search engines learn the name of a site."""
    identity = product().config.identity
    return {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": identity.publication,
        "headline": title,
        "description": description,
        "url": url,
        "inLanguage": language,
        "publisher": {"@type": "Organization", "name": identity.publisher, "url": absolute("/")},
    }


def news_article(
    title: str,
    description: str,
    url: str,
    language: str,
    *,
    at: datetime,
    modified_at: datetime,
    listed: Iterable[tuple[str, str]],
) -> dict[str, object]:
    """Return the JSON-LD of an edition (schema.org NewsArticle), with the articles that it tells of as citations."""
    identity = product().config.identity
    publisher = {"@type": "Organization", "name": identity.publisher, "url": absolute("/")}
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": shorten(title, 110),
        "description": description,
        "url": url,
        "mainEntityOfPage": url,
        "inLanguage": language,
        "datePublished": at.isoformat(timespec="seconds"),
        "dateModified": modified_at.isoformat(timespec="seconds"),
        "isAccessibleForFree": True,
        "author": publisher,
        "publisher": publisher,
        "citation": [{"@type": "CreativeWork", "url": address, "name": name} for address, name in listed],
    }
