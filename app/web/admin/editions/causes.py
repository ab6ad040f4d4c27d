"""Why copies of an edition did not arrive: the readers behind each reason, a page at a time."""

from flask import render_template, request
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.admins.models import AuditAct, Role
from app.delivery.models import Delivery, DeliveryState
from app.editions.progress import UNHAPPY, unhappy_copies
from app.mail.meanings import Meaning
from app.subscriptions.models import Subscriber
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act
from app.web.admin.editions.drafts import load_edition
from app.web.admin.listing import asked_before, newest_first


@bp.get(f"{EDITION}/copies")
@needs(Role.ADMIN)
def copies(edition_id: int) -> str:
    """List the copies of an edition that are not well, each with its reader."""
    state, meaning = _asked_state(), Meaning.__members__.get(request.args.get("meaning", ""))
    before = asked_before()
    query: Select[Delivery] = unhappy_copies(edition_id, state=state, meaning=meaning, before=before)
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        page = newest_first(session, query.options(joinedload(Delivery.chunk)), Delivery.id, before=before)
        readers = select(Subscriber).where(Subscriber.id.in_([row.subscriber_id for row in page.rows]))
        by_id = {reader.id: reader for reader in session.scalars(readers)}
    with product().database.transaction() as session:  # apart: nobody else writes to SQLite while one is open
        note_act(session, AuditAct.READERS_LISTED, f"edition:{edition_id}", f"rows {len(page.rows)}")
    return render_template(
        "admin/editions/copies.html", edition=edition, page=page, readers=by_id, state=state, meaning=meaning
    )


def _asked_state() -> DeliveryState | None:
    state = request.args.get("state", type=DeliveryState)
    return state if state in UNHAPPY else None
