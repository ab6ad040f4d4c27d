"""An edition as its readers get it: the letter itself in a sandbox, at two widths, and its text part."""

from flask import Response, render_template

from app.admins.models import Role
from app.clock import now
from app.editions.compose import newsletter_of
from app.editions.compose import preview as compose_preview
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs
from app.web.admin.editions.drafts import load_edition

#: The letter's own styles and pictures, and nothing that acts; a link opens a window of its own.
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' https:; frame-ancestors 'self'"
)


@bp.get(f"{EDITION}/preview")
@needs(Role.VIEWER)
def preview(edition_id: int) -> str:
    """Show the letter at the width of a phone and of a mail program, and as text."""
    wired = product()
    with wired.database.reading() as session:
        edition = load_edition(session, edition_id)
        parts = compose_preview(session, edition=edition, config=wired.config, links=wired.links, now=now())
        face = newsletter_of(session, edition).in_language(edition.language)
    return render_template("admin/editions/preview.html", edition=edition, text=parts.text, sender=face.name)


@bp.get(f"{EDITION}/letter")
@needs(Role.VIEWER)
def letter(edition_id: int) -> Response:
    """Serve the HTML part for a frame; its links open in a window of their own."""
    wired = product()
    with wired.database.reading() as session:
        edition = load_edition(session, edition_id)
        parts = compose_preview(session, edition=edition, config=wired.config, links=wired.links, now=now())
    page = parts.html.replace("<head>", '<head><base target="_blank">', 1)
    return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": LETTER_POLICY})
