"""The ways from a letter to its articles, where the newsroom counts them, and the reader's say over it.

These GETs add to a number and change nothing else: whoever reads on is led on, whatever became of the count. No cookie
is set, and nothing kept of who asked.
"""

import base64
import logging
import re
from collections.abc import Callable
from functools import partial

from flask import Response, abort, redirect, request, url_for
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.clock import now
from app.editions.counting import (
    Way,
    add_click,
    count_click,
    count_opening,
    edition_of_value,
    find_way,
    withdraw_counting,
)
from app.errors import NotFound, TextsNotShown, TransitionRefused
from app.newsletters.models import WordingPurpose, current_policy, current_wording
from app.newsletters.wordings import ShownTexts, cut_statement
from app.settings.publication import Measurement
from app.subscriptions.counting import allow_counting
from app.subscriptions.models import Subscription
from app.web import product
from app.web.forms import form_mark, make_form_token, read_form_token
from app.web.public import LANGUAGE, bp

log = logging.getLogger(__name__)

#: One transparent point.
IMAGE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PLACE = "<int(max=999):place>"
#: Programs that follow links, by words of their names, and clients that fetch before anybody looks.
_MACHINE = re.compile(
    r"bot\b|bot/|crawl|spider|scan|preview|monitor|fetch|proofpoint|mimecast|barracuda|urldefense|safelinks|headless"
    r"|externalhit|whatsapp|python|curl|wget|java/|go-http|okhttp|httpclient|libwww|axios|undici|guzzle",
    re.IGNORECASE,
)


@bp.get(f"/{LANGUAGE}/go/<token>/{PLACE}", provide_automatic_options=False)
def go(language: str, token: str, place: int) -> BaseResponse:
    """Lead on to an article; the way is the same for all readers, and so is the number it adds to."""
    return _lead_on(product().link_tokens.read("go", token), place, add_click)


@bp.get(f"/{LANGUAGE}/reading/<token>/{PLACE}", provide_automatic_options=False)
def reading(language: str, token: str, place: int) -> BaseResponse:
    """Lead on to an article, and count it for a reader who lets us."""
    value = product().link_tokens.read("reading", token)
    is_asked = product().config.measurement is Measurement.CONSENT
    count = partial(count_click, value=value, now=now()) if is_asked else add_click
    return _lead_on(edition_of_value(value), place, count)


@bp.get(f"/{LANGUAGE}/reading/<token>/image.gif", provide_automatic_options=False)
def reading_image(language: str, token: str) -> Response:
    """Give the point at the end of a letter, and note that it was opened by a reader who lets us."""
    value = product().link_tokens.read("reading", token)
    if product().config.measurement is Measurement.CONSENT:
        _count(partial(count_opening, value=value, now=now()))
    return Response(IMAGE, content_type="image/gif")


@bp.post(f"/{LANGUAGE}/preferences/<token>/counting", provide_automatic_options=False)
def counting_submit(language: str, token: str) -> BaseResponse:
    """Store whether the reader lets us count; the mark of the form says which texts stood beside the box."""
    public_id = product().link_tokens.read("preferences", token)
    try:
        with product().database.transaction() as session:
            _store(session, language, public_id)
    except TextsNotShown:
        return redirect(url_for("public.preferences", language=language, token=token, again=""), code=303)
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=language, token=token, saved=""), code=303)


def counting_form(session: Session, language: str, subscription: Subscription) -> dict[str, object] | None:
    """Return what `_partials/counting.html` shows, in a language of the newsletter, or None where nobody is counted.

    Whoever agreed before it ceased to can still take that back.
    """
    if product().config.measurement is not Measurement.CONSENT and not subscription.is_counted:
        return None
    wording = session.scalars(current_wording(subscription.newsletter_id, language, WordingPurpose.MEASUREMENT)).one()
    policy = session.scalars(current_policy(language)).one()
    shown = ShownTexts(language, wording.id, policy.id)
    return {
        "language": language,
        "statement": cut_statement(wording.statement),
        "mark": make_form_token(product().form_tokens, shown),
        "is_counted": subscription.is_counted,
    }


def _store(session: Session, language: str, public_id: str) -> None:
    if request.form.get("counting") != "yes":
        withdraw_counting(session, public_id=public_id, now=now())
        return
    _, shown = read_form_token(
        product().form_tokens, form_mark(request.form), language=language, now=now(), min_age_s=0
    )
    if shown is None or product().config.measurement is not Measurement.CONSENT:
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


def _lead_on(edition_public_id: str, place: int, count: Callable[[Session, Way], None]) -> BaseResponse:
    """Lead to the article, and `count` that somebody followed the way to it."""
    with product().database.reading() as session:
        way = find_way(session, edition_public_id=edition_public_id, place=place)
    if way is None:
        abort(404)
    if product().config.measurement is not Measurement.OFF:
        _count(lambda session: count(session, way))
    return redirect(way.target)


def _count(count: Callable[[Session], None]) -> None:
    """Count in a transaction of its own, where a person asks; a database that is busy keeps nobody from reading on."""
    if not is_person():
        return
    try:
        with product().database.transaction() as session:
            count(session)
    except OperationalError as error:
        log.warning("what somebody read was not counted: %s", error.orig)
