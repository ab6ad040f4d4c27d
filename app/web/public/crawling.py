"""What search engines ask for: where the pages are, and where they need not look."""

import itertools
from collections.abc import Iterator, Sequence

from flask import Response, render_template, url_for
from sqlalchemy import select

from app import i18n
from app.clock import now
from app.editions.archive import listed_addresses
from app.newsletters.models import Newsletter
from app.web import product, taxonomy_in_use
from app.web.public import bp
from app.web.public.about import absolute
from app.web.public.caching import FEED_MAX_AGE_S, cached
from app.web.public.topics import counts_by_topic

#: Of one language: a sitemap may have 50,000 addresses (sitemaps.org), of which pages of topics take some hundreds.
EDITIONS_MAX = 20_000
PAGES = ("public.topics", "public.privacy", "public.legal")
#: Of each newsletter.
OWN_PAGES = ("public.home", "public.archive")


@bp.get("/robots.txt", provide_automatic_options=False)
def robots() -> Response:
    """Say that the desk is of no interest; pages with a reader's token say so themselves.

    These are not named here: an engine that may not fetch a page never learns that it is to be in no index.
    """
    lines = ("User-agent: *", "Disallow: /admin/", "", f"Sitemap: {absolute(url_for('public.sitemap'))}", "")
    return cached("\n".join(lines), content_type="text/plain; charset=utf-8", max_age_s=FEED_MAX_AGE_S)


@bp.get("/sitemap.xml", provide_automatic_options=False)
def sitemap() -> Response:
    """List every page that is worth finding, with the day of each edition."""
    sent = []
    with product().database.reading() as session:
        newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
        for language in i18n.LANGUAGES:
            editions = listed_addresses(session, language=language, length=EDITIONS_MAX, now=now())
            sent += [(product().links.archived_edition(language, public_id), at) for public_id, at in editions]
    pages = [(absolute(path), None) for language in i18n.LANGUAGES for path in _paths(language, newsletters)]
    page = render_template("public/sitemap.xml", pages=[*pages, *sent])
    return cached(page, content_type="application/xml; charset=utf-8", max_age_s=FEED_MAX_AGE_S)


def _paths(language: str, newsletters: Sequence[Newsletter]) -> Iterator[str]:
    speaking = [each for each in newsletters if language in each.language_codes]
    for endpoint, newsletter in itertools.product(OWN_PAGES, speaking):
        yield url_for(endpoint, language=language, slug=newsletter.address_slug)
    for endpoint in PAGES:
        yield url_for(endpoint, language=language)
    known = taxonomy_in_use().topics
    for key in sorted(set(counts_by_topic(language)) & set(known)):
        kind, _, name = key.partition(":")
        yield url_for("public.topic", language=language, kind=kind, name=name)
