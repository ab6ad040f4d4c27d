"""The letter in a browser, and the public archive of what was sent."""

from collections.abc import Mapping, Sequence
from itertools import chain

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from app.clock import now
from app.digests.errata import errata_of
from app.digests.models import Erratum
from app.editions.archive import PastEdition, past_edition, past_editions, sent_at, sent_on
from app.editions.clippings import primary_topics
from app.editions.compose import newsletter_of, preview
from app.editions.embargo import refuse_early
from app.editions.excerpts import shorten
from app.editions.introduction import introduction_html
from app.editions.models import Edition, EditionItem
from app.editions.pieces import Piece, pieces_of
from app.errors import NotFound
from app.i18n import gettext
from app.newsletters.models import Newsletter
from app.web import product, taxonomy_in_use
from app.web.public import LANGUAGE, SECOND, bp, check_language, own_page, page_language
from app.web.public.about import DESCRIPTION_LENGTH, LOCALES, About, about_page, edition_feeds, news_article
from app.web.public.asked import newsletter_with_page
from app.web.public.caching import cached
from app.web.public.errata import changed_at, told

PAGE_LENGTH = 50

#: A letter brings its styles inline, which no other page may; in return nothing in it can run, post, or be framed.
LETTER_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox allow-popups allow-top-navigation-by-user-activation"
    ),
    # A browser refuses to open a sandboxed page that asks for an opener policy as well.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}


@bp.get(f"/{LANGUAGE}/view/<token>", provide_automatic_options=False)
def view(language: str, token: str) -> Response:
    """Show the letter of an edition without anything personal; the token opens this page and no other.

    Where the letter is no longer kept, a page names the articles that it carried.
    """
    wired = product()
    public_id = wired.link_tokens.read("view", token)
    with wired.database.reading() as session:
        edition = session.scalars(select(Edition).where(Edition.public_id == public_id)).one_or_none()
        if edition is None:
            raise NotFound("no such edition")
        if edition.cleared_at is not None:
            refuse_early(session, edition=edition, now=now())
            errata = errata_of(session, edition.items)
            return make_response(_edition_page(session, edition, _pieces(session, edition), errata, about=None))
        letter = preview(session, edition=edition, config=wired.config, links=wired.links, now=now())
    return Response(letter.html, content_type="text/html; charset=utf-8", headers=LETTER_HEADERS)


@bp.get(f"/{LANGUAGE}/archive", provide_automatic_options=False)
@bp.get(f"{SECOND}/archive", provide_automatic_options=False)
def archive(language: str, slug: str | None = None) -> Response:
    """List a newsletter's editions sent in this language, newest first, a page at a time."""
    before = request.args.get("before")
    with product().database.reading() as session:
        newsletter = newsletter_with_page(session, slug, language)
        editions = past_editions(
            session, newsletter_id=newsletter.id, language=language, before=before, length=PAGE_LENGTH, now=now()
        )
    page = render_template(
        "public/archive.html",
        about=_about_archive(newsletter, editions, language, before),
        **own_page(newsletter, language),
        editions=editions,
        older=editions[-1].public_id if len(editions) == PAGE_LENGTH else None,
        is_first=before is None,
    )
    return cached(page)


@bp.get(f"/{LANGUAGE}/archive/<public_id>", provide_automatic_options=False)
def archived_edition(language: str, public_id: str) -> AnyResponse:
    """Show one sent edition as a page; an edition has one language, so in another there is the list, if that."""
    with product().database.reading() as session:
        edition = past_edition(session, public_id=public_id, now=now())
        if edition.language != language:
            newsletter = newsletter_of(session, edition)
            check_language(newsletter, language)
            return redirect(url_for("public.archive", language=language, slug=newsletter.address_slug))
        pieces = _pieces(session, edition)
        errata = errata_of(session, edition.items)
        about = _about_edition(newsletter_of(session, edition), edition, pieces, errata)
        page = _edition_page(session, edition, pieces, errata, about=about)
    return cached(page)


def _pieces(session: Session, edition: Edition) -> list[Piece]:
    zone = newsletter_of(session, edition).timezone
    return pieces_of(edition, zone=zone, publication=product().config.identity.publication)


def _edition_page(
    session: Session,
    edition: Edition,
    pieces: list[Piece],
    errata: Mapping[EditionItem, Sequence[Erratum]],
    *,
    about: About | None,
) -> str:
    """Return the page of an edition; without `about`, that of one whose letter is no longer kept."""
    newsletter = newsletter_of(session, edition)
    topics = primary_topics(session, [item.article_id for item in edition.items])
    return render_template(
        "public/archived_edition.html",
        about=about,
        **own_page(newsletter, page_language()),
        subject=edition.subject,
        sent_on=sent_on(edition, newsletter.timezone),
        introduction=introduction_html(edition.introduction, edition.language),
        pieces=[
            (
                item.position,
                piece,
                topics.get(item.article_id, ()),
                told(errata[item], language=edition.language, zone=newsletter.timezone),
            )
            for item, piece in zip(edition.items, pieces, strict=True)
        ],
        taxonomy=taxonomy_in_use(),
    )


def _about_archive(newsletter: Newsletter, editions: list[PastEdition], language: str, before: str | None) -> About:
    slug, title = newsletter.address_slug, gettext(language, "Past editions")
    return about_page(
        lambda code: url_for("public.archive", language=code, slug=slug),
        language,
        title=f"{title} · {newsletter.in_language(language).name}" if slug else title,
        description=gettext(
            language, "All editions that we sent: cyberspace and geopolitics, with the sources of every article."
        ),
        feeds=edition_feeds(language, newsletter),
        languages=newsletter.language_codes,
        query={"before": before} if before else None,
        is_indexed=bool(editions) or before is None,
        listed=[(product().links.archived_edition(language, each.public_id), each.subject) for each in editions],
    )


def _about_edition(
    newsletter: Newsletter,
    edition: Edition,
    pieces: list[Piece],
    errata: Mapping[EditionItem, Sequence[Erratum]],
) -> About:
    url, at = product().links.archived_edition(edition.language, edition.public_id), sent_at(edition)
    modified_at = changed_at(at, chain.from_iterable(errata.values()))
    description = shorten(edition.preheader, DESCRIPTION_LENGTH)
    listed = [(piece.link, piece.title) for piece in pieces if piece.link]
    return About(
        title=edition.subject,
        description=description,
        canonical=url,
        locale=LOCALES[edition.language],
        feeds=edition_feeds(edition.language, newsletter),
        kind="article",
        published_at=at,
        modified_at=modified_at if modified_at > at else None,
        data=news_article(
            edition.subject, description, url, edition.language, at=at, modified_at=modified_at, listed=listed
        ),
    )
