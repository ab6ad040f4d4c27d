"""A reader's receipt at the desk: to print and send to whoever asks, and as the signed file."""

import json

from flask import Response, render_template, url_for

from app import templating
from app.admins.models import AuditAct, Role
from app.clock import now
from app.subscriptions.rights.receipts import Receipt, make_receipt
from app.web import product
from app.web.admin import READER, bp
from app.web.admin.access import desk_language, freshly, needs
from app.web.admin.acts import note_act
from app.web.admin.readers.reader import find_reader


@bp.get(f"{READER}/receipt")
@needs(Role.ADMIN)
@freshly
def receipt(public_id: str) -> str:
    """Show the receipt in the language that the reader chose."""
    made = _make(public_id)
    language = made.places[0].subscription.language if made.places else desk_language()
    return render_template(
        "public/receipt.html",
        receipt=made,
        file_url=url_for("admin.receipt_file", public_id=public_id),
        **templating.words(language),
    )


@bp.get(f"{READER}/receipt.json")
@needs(Role.ADMIN)
@freshly
def receipt_file(public_id: str) -> Response:
    """Serve the signed file."""
    return Response(
        json.dumps(_make(public_id).document, ensure_ascii=False, indent=1),
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="receipt-{public_id}.json"'},
    )


def _make(public_id: str) -> Receipt:
    """Make the receipt, and put into the audit log that somebody has it. Raises NotFound."""
    with product().database.transaction() as session:
        made = make_receipt(session, find_reader(session, public_id), product=product(), now=now())
        note_act(session, AuditAct.RECEIPT_MADE, f"reader:{public_id}")
    return made
