"""The search over what sent editions carried."""

from flask import Response, render_template, request, url_for

from app.clock import now
from app.editions.clippings import Clip, clippings
from app.i18n import gettext
from app.topics.word_index import TEXT_MAX, asked_words
from app.web import product, taxonomy_in_use
from app.web.forms import printable
from app.web.public import LANGUAGE, bp
from app.web.public.about import About, about_page, edition_feeds
from app.web.public.caching import cached
from app.web.public.errata import corrected_on
from app.web.public.topics import PAGE_LENGTH, before_asked


@bp.get(f"/{LANGUAGE}/search", provide_automatic_options=False)
def search(language: str) -> Response:
    """Show the articles whose title and summary have all the words that are asked for, newest first."""
    text = printable(request.args.get("q", "")).strip()[:TEXT_MAX]
    words, before = asked_words(text), before_asked()
    clips = _found(words, language, before) if words else []
    page = render_template(
        "public/search.html",
        about=_about_search(text, language),
        asked=text,
        words=words,
        clips=clips,
        corrected_on=corrected_on(clips),
        older=clips[-1].number if len(clips) == PAGE_LENGTH else None,
        is_first=before is None,
        taxonomy=taxonomy_in_use(),
    )
    return cached(page)


def _found(words: tuple[str, ...], language: str, before: int | None) -> list[Clip]:
    publication = product().config.identity.publication
    with product().database.reading() as session:
        return clippings(
            session, language=language, words=words, before=before, length=PAGE_LENGTH, publication=publication,
            now=now(),
        )  # fmt: skip


def _about_search(text: str, language: str) -> About:
    return about_page(
        lambda code: url_for("public.search", language=code),
        language,
        title=gettext(language, "Search: %(text)s", text=text) if text else gettext(language, "Search"),
        description=gettext(language, "Search the articles of all our past editions."),
        feeds=edition_feeds(language),
        query={"q": text} if text else None,
        is_indexed=False,
    )
