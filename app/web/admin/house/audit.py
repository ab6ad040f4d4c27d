"""The audit log: who did what, newest first."""

from functools import partial

from flask import render_template, request

from app.admins.audit import find_entries
from app.admins.models import AuditAct, AuditEntry, Role
from app.i18n import gettext
from app.retold import retell
from app.web import product
from app.web.admin import bp
from app.web.admin.access import desk_language, needs
from app.web.admin.listing import asked_before, newest_first
from app.web.forms import printable

ACTOR_MAX = 254
#: What entries say beside what was done; other details are names and addresses, and what people wrote.
DETAILS = (
    "rows %(rows)s",
    "entries %(entries)s",
    "copies %(copies)s",
    "uncertain copies %(copies)s",
    "rejected copies %(copies)s",
    "readers %(readers)s",
    "readers %(readers)s, %(number)s a day",
    "octets %(octets)s",
    "articles %(articles)s",
    "sessions %(sessions)s",
    "factors %(factors)s",
    "revision %(revision)s restored",
    "revision %(revision)s",
    "comment %(comment)s",
    "article %(article)s kept back",
    "article %(article)s removed",
    "article %(article)s brought back",
    "article %(article)s put in",
    "article %(article)s for %(other)s",
    "section at article %(article)s",
    "fr compiled %(edition)s",
    "en compiled %(edition)s",
    "fr nothing new",
    "en nothing new",
    "after a restore",
    "sign-in link",
    "recovery-code",
    "authenticator",
    "passkey",
    "password",
    "needed",
    "not-needed",
    "import %(import)s",
    "subscribed %(rows)s",
    "held %(rows)s",
    "known %(rows)s",
    "suppressed %(rows)s",
    "refused %(rows)s",
    "nothing",
    "texts",
    "order",
    "%(entry)s up",
    "%(entry)s down",
    "words of article %(article)s",
    "undone",
    "redone",
    "again",
    "forgotten",
    "address",
    "language",
    "newsletter",
    "status",
    "topic",
    "cadence",
    "origin",
    "since",
    "bounced",
    "restricted",
    "merged",
    "split",
    "pinned",
    "unpinned",
    "muted",
    "unmuted",
    "flash",
    "erratum",
    "viewer",
    "editor",
    "publisher",
    "admin",
)
#: What people wrote themselves stands as it is, whatever it looks like.
WRITTEN = frozenset({AuditAct.EDITION_OVERRIDDEN, AuditAct.SOURCE_CHANGED, AuditAct.SOURCE_REMOVED})
#: Details that are lists: of what became of an import's rows, and of a filter's fields.
LISTED = frozenset({AuditAct.READERS_IMPORTED, AuditAct.READERS_EXPORTED, AuditAct.FILTER_SAVED})


@bp.get("/audit")
@needs(Role.ADMIN)
def audit() -> str:
    """List the entries, of one actor or of one kind where these are asked for."""
    actor, act = _asked_actor(), request.args.get("act", type=AuditAct)
    with product().database.reading() as session:
        page = newest_first(session, find_entries(actor=actor, act=act), AuditEntry.id, before=asked_before())
    return render_template(
        "admin/house/audit.html", page=page, actor=actor, act=act, acts=AuditAct,
        told=partial(tell, desk_language()),
    )  # fmt: skip


def tell(language: str, entry: AuditEntry) -> str:
    """Return what an entry says beside what was done, in `language`."""
    detail = entry.detail or ""
    if entry.act in WRITTEN:
        return detail
    if entry.act not in LISTED:
        return retell(language, DETAILS, detail)
    whole, _, parts = detail.rpartition(": ")
    told = ", ".join(retell(language, DETAILS, part) for part in parts.split(", "))
    named = retell(language, DETAILS, whole)
    return gettext(language, "%(whole)s: %(parts)s", whole=named, parts=told) if whole else told


def _asked_actor() -> str:
    return printable(request.args.get("actor", "").strip()[:ACTOR_MAX])
