"""The letter in a browser, and the public archive of what was sent."""

from flask import Response, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from app.clock import now
from app.editions.archive import past_edition, past_editions, sent_on
from app.editions.compose import newsletter_of, preview
from app.editions.introduction import introduction_html
from app.editions.models import Edition
from app.editions.typeset import pieces_of
from app.errors import NotFound
from app.web import product
from app.web.public import LANGUAGE, bp

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
    """Show the letter of an edition without anything personal; the token opens this page and no other."""
    wired = product()
    public_id = wired.link_tokens.read("view", token)
    with wired.database.reading() as session:
        edition = session.scalars(select(Edition).where(Edition.public_id == public_id)).one_or_none()
        if edition is None:
            raise NotFound("no such edition")
        letter = preview(session, edition=edition, config=wired.config, links=wired.links, now=now())
    return Response(letter.html, content_type="text/html; charset=utf-8", headers=LETTER_HEADERS)


@bp.get(f"/{LANGUAGE}/archive", provide_automatic_options=False)
def archive(language: str) -> str:
    """List the editions sent in this language, newest first, a page at a time."""
    before = request.args.get("before")
    with product().database.reading() as session:
        editions = past_editions(session, language=language, before=before, length=PAGE_LENGTH, now=now())
    older = editions[-1].public_id if len(editions) == PAGE_LENGTH else None
    return render_template("public/archive.html", editions=editions, older=older, is_first=before is None)


@bp.get(f"/{LANGUAGE}/archive/<public_id>", provide_automatic_options=False)
def archived_edition(language: str, public_id: str) -> str | AnyResponse:
    """Show one sent edition as a page; an edition has one language, so in another there is only the list."""
    wired = product()
    with wired.database.reading() as session:
        edition = past_edition(session, public_id=public_id, now=now())
        if edition.language != language:
            return redirect(url_for("public.archive", language=language))
        zone = newsletter_of(session, edition).timezone
        pieces = pieces_of(edition, zone=zone, publication=wired.config.identity.publication)
    return render_template(
        "public/archived_edition.html",
        subject=edition.subject,
        preheader=edition.preheader,
        sent_on=sent_on(edition, zone),
        introduction=introduction_html(edition.introduction),
        pieces=pieces,
    )
