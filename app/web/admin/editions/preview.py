"""An edition as its readers get it: the letter itself in a sandbox, at three widths, light and dark, with its pictures
and without, and as text.
"""

import re

from flask import Response, render_template, request
from sqlalchemy.orm import Session

from app.admins.models import Role
from app.choices.choices import Interests
from app.clock import now
from app.digests.looking import Look, look_as
from app.editions.compose import letterhead_for, newsletter_of
from app.editions.models import Edition
from app.errors import NotFound
from app.i18n import LANGUAGES
from app.topics.topic import TopicKind
from app.web import product, taxonomy_in_use
from app.web.admin import EDITION, bp
from app.web.admin.access import desk_language, needs
from app.web.admin.editions.drafts import load_edition

#: The letter's own styles and pictures, and nothing that acts; a link opens a window of its own.
_LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src {pictures}; frame-ancestors 'self'"
)
#: What a reader sees of the pictures: most, at once; some mail programs and many a reader let none load, so that the
#: alternative texts stand in their place.
PICTURES = {"on": "'self' https:", "off": "'none'"}
#: Something that a mail program fetches as a picture, in whatever way.
_PICTURE = re.compile(r"<img\b|\bbackground=|url\(", re.IGNORECASE)
#: What our layout's one media query for dark rooms becomes in a room that is told to be light, or dark.
SCHEMES = {"light": "not all", "dark": "all"}
_DARK_ROOM = re.compile(r"@media \(prefers-color-scheme: ?dark\)")
_BOTH = re.compile(r"(color-scheme: ?|name=\"(?:supported-)?color-schemes?\" content=\")light dark")


@bp.get(f"{EDITION}/preview")
@needs(Role.VIEWER)
def preview(edition_id: int) -> str:
    """Show the letter at the widths of a phone, a tablet and a computer, and as text, for a reader who chose so."""
    taxonomy, interests = taxonomy_in_use(), _interests()
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        look = _look(session, edition, interests)
        letterhead = letterhead_for(edition, newsletter_of(session, edition), product().config)
    return render_template(
        "admin/editions/preview.html",
        edition=edition,
        look=look,
        letterhead=letterhead,
        interests=interests,
        scheme=_scheme(),
        pictures=_shown_pictures(look),
        asked={name: request.args.getlist(name) for name in ("also", "follow", "mute", "scheme")},
        kinds={kind: taxonomy.of_kind(kind, desk_language()) for kind in TopicKind},
        others=[code for code in LANGUAGES if code != edition.language],
    )


@bp.get(f"{EDITION}/letter")
@needs(Role.VIEWER)
def letter(edition_id: int) -> Response:
    """Serve the HTML part for a frame; its links open in a window of their own."""
    interests = _interests()
    with product().database.reading() as session:
        look = _look(session, load_edition(session, edition_id), interests)
    if look.parts is None:
        raise NotFound("such a reader gets no letter")
    page = in_room(look.parts.html, _scheme()).replace("<head>", '<head><base target="_blank">', 1)
    policy = letter_policy(request.args.get("pictures"))
    return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy})


def letter_policy(pictures: str | None) -> str:
    """Return what a letter in a frame may do; where `pictures` are "off", none is fetched (CSP3 §6.1)."""
    return _LETTER_POLICY.format(pictures=PICTURES.get(pictures or "", PICTURES["on"]))


def in_room(html: str, scheme: str | None) -> str:
    """Return a letter of ours as it looks where the reader has it light, or dark; a frame cannot be told so."""
    if scheme is None:
        return html
    return _BOTH.sub(rf"\g<1>{scheme}", _DARK_ROOM.sub(f"@media {SCHEMES[scheme]}", html))


def _look(session: Session, edition: Edition, interests: Interests) -> Look:
    wired, taxonomy = product(), taxonomy_in_use()
    return look_as(session, edition, interests, taxonomy=taxonomy, config=wired.config, links=wired.links, now=now())


def _interests() -> Interests:
    """Return what the reader chose for whom the letter is shown. Raises InputRefused for what nobody can choose."""
    args = request.args
    return Interests.checked(
        also_reads=args.getlist("also"),
        followed=args.getlist("follow"),
        muted=args.getlist("mute"),
        known=taxonomy_in_use().topics,
    )


def _shown_pictures(look: Look) -> tuple[str, ...]:
    """Return how the letter is shown: with its pictures, without, or both; nothing to choose where it has none."""
    if look.parts is None or not _PICTURE.search(look.parts.html):
        return ()
    asked = request.args.get("pictures", "")
    return (asked,) if asked in PICTURES else tuple(PICTURES)


def _scheme() -> str | None:
    scheme = request.args.get("scheme")
    return scheme if scheme in SCHEMES else None
