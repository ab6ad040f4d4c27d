"""The ways from a letter to its articles, where the newsroom counts them, and the reader's say over it.

These GETs add to a number and change nothing else: whoever reads on is led on, whatever became of the count. No cookie
is set, and nothing kept of who asked.
"""

import base64
import re

from flask import Response, abort, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.clock import now
from app.editions.counting import count_opening, follow, follow_counted, withdraw_counting
from app.errors import NotFound, TextsNotShown, TransitionRefused
from app.newsletters.models import WordingPurpose, current_policy, current_wording
from app.newsletters.wordings import ShownTexts, cut_statement
from app.subscriptions.counting import allow_counting
from app.web import product
from app.web.forms import form_mark, make_form_token, read_form_token
from app.web.public import LANGUAGE, bp
from config import Measurement

#: One transparent point.
IMAGE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PLACE = "<int(max=999):place>"
#: Programs that follow links, by words of their names, and clients that fetch before anybody looks.
_MACHINE = re.compile(
    r"bot\b|bot/|crawl|spider|scan|preview|monitor|fetch|proofpoint|mimecast|barracuda|urldefense|safelinks|headless"
    r"|python|curl|wget|java/|go-http|okhttp|libwww|axios",
    re.IGNORECASE,
)


@bp.get(f"/{LANGUAGE}/go/<token>/{PLACE}", provide_automatic_options=False)
def go(language: str, token: str, place: int) -> BaseResponse:
    """Lead on to an article; the way is the same for all readers, and so is the number it adds to."""
    edition = product().link_tokens.read("go", token)
    with product().database.transaction() as session:
        target = follow(session, edition_public_id=edition, place=place, is_person=is_person())
    return _lead_on(target)


@bp.get(f"/{LANGUAGE}/reading/<token>/{PLACE}", provide_automatic_options=False)
def reading(language: str, token: str, place: int) -> BaseResponse:
    """Lead on to an article, and count it for a reader who lets us."""
    value = product().link_tokens.read("reading", token)
    with product().database.transaction() as session:
        target = follow_counted(session, value=value, place=place, is_person=is_person(), now=now())
    return _lead_on(target)


@bp.get(f"/{LANGUAGE}/reading/<token>/image.gif", provide_automatic_options=False)
def reading_image(language: str, token: str) -> Response:
    """Give the point at the end of a letter, and note that it was opened by a reader who lets us."""
    value = product().link_tokens.read("reading", token)
    if is_person():
        with product().database.transaction() as session:
            count_opening(session, value=value, now=now())
    return Response(IMAGE, content_type="image/gif")


@bp.post(f"/{LANGUAGE}/preferences/<token>/counting", provide_automatic_options=False)
def counting_submit(language: str, token: str) -> BaseResponse:
    """Store whether the reader lets us count; the mark of the form says which texts stood beside the box."""
    public_id = product().link_tokens.read("preferences", token)
    try:
        with product().database.transaction() as session:
            _store(session, language, public_id)
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=language, token=token, saved=""), code=303)


def counting_form(session: Session, language: str, *, is_counted: bool) -> dict[str, object] | None:
    """Return what `_partials/counting.html` shows, or None where the newsroom counts nobody."""
    if product().config.measurement is not Measurement.CONSENT:
        return None
    wording = session.scalars(current_wording(language, WordingPurpose.MEASUREMENT)).one()
    policy = session.scalars(current_policy(language)).one()
    shown = ShownTexts(language, wording.id, policy.id)
    return {
        "statement": cut_statement(wording.statement),
        "mark": make_form_token(product().form_tokens, shown),
        "is_counted": is_counted,
    }


def _store(session: Session, language: str, public_id: str) -> None:
    if request.form.get("counting") != "yes":
        withdraw_counting(session, public_id=public_id, now=now())
        return
    _, shown = read_form_token(
        product().form_tokens, form_mark(request.form), language=language, now=now(), min_age_s=0
    )
    if shown is None:
        raise TextsNotShown("the box was ticked on a page of yesterday")
    allow_counting(session, public_id=public_id, wording_id=shown.wording_id, policy_id=shown.policy_id, now=now())


def is_person() -> bool:
    """Return whether a person may be behind the request: no look ahead, no program that says what it is.

    Apple's mail loads every image of every letter in advance, under a name with nothing but "Mozilla/5.0".
    """
    purposes = " ".join(request.headers.get(name, "") for name in ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"))
    if request.method == "HEAD" or "prefetch" in purposes or "preview" in purposes or "prerender" in purposes:
        return False
    name = request.headers.get("User-Agent", "").strip()
    return len(name) > len("Mozilla/5.0") and _MACHINE.search(name) is None


def _lead_on(target: str | None) -> BaseResponse:
    if target is None:
        abort(404)
    return redirect(target)
