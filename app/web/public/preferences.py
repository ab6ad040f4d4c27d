"""A reader's own page, reached by the link of any letter: language, what to read and when, pause, and the way out.

Letters are forwarded: whoever holds the link sees no more than these choices and a masked address. All else needs a
data link.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.choices.choosing import Chosen, choose, chosen_by
from app.clock import months_later, now
from app.digests.coverage import covered_since, without_gap
from app.digests.schedule import ensure_schedules
from app.errors import InputRefused, NotFound, TransitionRefused
from app.mail.address import mask
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock_confirmed
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.subscriptions.preferences import PAUSE_MAX_MONTHS, PauseSpan, change_language, resume
from app.subscriptions.preferences import pause as begin_pause
from app.subscriptions.rights.data_link import request_own_data_link
from app.subscriptions.silence import silence_of
from app.web import product, taxonomy_in_use
from app.web.public import LANGUAGE, about_newsletter, bp, page_language
from app.web.public.asked import newsletter_of_link
from app.web.public.choice_form import ChoiceForm, ChoicesRefused, Problem, choices_panel
from app.web.public.counting import counting_form

#: Names the choice of a day instead of a span.
BY_DAY = "day"


@bp.get(f"/{LANGUAGE}/preferences/<token>", provide_automatic_options=False)
def preferences(language: str, token: str) -> Response:
    """Show the choices; to somebody who has left, or whose data is gone, the way back in."""
    return _page(language, token, product().link_tokens.read("preferences", token))


@bp.post(f"/{LANGUAGE}/preferences/<token>", provide_automatic_options=False)
def preferences_submit(language: str, token: str) -> BaseResponse:
    """Store the language, and show the page in it."""
    public_id = product().link_tokens.read("preferences", token)
    chosen = request.form.get("letters_language", "")
    try:
        with product().database.transaction() as session:
            subscription = lock_confirmed(session, public_id)
            with without_gap(session, subscription.subscriber_id, now()):
                change_language(session, public_id=public_id, language=chosen, now=now())
            ensure_schedules(session, subscription, now())
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=chosen, token=token, saved=""), code=303)


@bp.get(f"/{LANGUAGE}/preferences/<token>/choices", endpoint="choices", provide_automatic_options=False)
@bp.get(f"/{LANGUAGE}/preferences/<token>/pause", endpoint="pause", provide_automatic_options=False)
def refused_form(language: str, token: str) -> BaseResponse:
    """Lead back to the choices whoever reloads the page on which something could not be."""
    return redirect(url_for("public.preferences", language=language, token=token))


@bp.post(f"/{LANGUAGE}/preferences/<token>/choices", provide_automatic_options=False)
def choices_submit(language: str, token: str) -> BaseResponse:
    """Store what to read and when, or that it is everything as the newsletter comes."""
    public_id = product().link_tokens.read("preferences", token)
    form = ChoiceForm() if "everything" in request.form else ChoiceForm.sent(request.form)
    try:
        chosen = form.read(taxonomy_in_use())
        with product().database.transaction() as session:
            _choose(session, public_id, chosen)
    except ChoicesRefused as refusal:
        return _page(language, token, public_id, form=form, problems=refusal.problems)
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    page = url_for("public.preferences", language=language, token=token, saved="choices", _anchor="choices")
    return redirect(page, code=303)


@bp.post(f"/{LANGUAGE}/preferences/<token>/pause", provide_automatic_options=False)
def pause_submit(language: str, token: str) -> BaseResponse:
    """Send no letters for a while."""
    public_id = product().link_tokens.read("preferences", token)
    with product().database.reading() as session:
        newsletter = newsletter_of_link(session, public_id)
    zone = ZoneInfo(newsletter.timezone if newsletter else product().config.timezone)
    until = _chosen_day(request.form.get("span", ""), request.form.get("until", ""), zone)
    if until is None:
        return _page(language, token, public_id, is_no_day=True)
    try:
        with product().database.transaction() as session:
            begin_pause(session, public_id=public_id, until=until, now=now())
    except InputRefused:
        return _page(language, token, public_id, is_no_day=True)
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=language, token=token, saved=""), code=303)


@bp.post(f"/{LANGUAGE}/preferences/<token>/resume", provide_automatic_options=False)
def resume_submit(language: str, token: str) -> BaseResponse:
    """Send letters again."""
    public_id = product().link_tokens.read("preferences", token)
    try:
        with product().database.transaction() as session:
            resume(session, public_id=public_id, now=now())
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=language, token=token, saved=""), code=303)


@bp.post(f"/{LANGUAGE}/preferences/<token>/data-link", provide_automatic_options=False)
def own_data_link_submit(language: str, token: str) -> BaseResponse:
    """Mail a data link to the reader's address, which this page does not tell."""
    public_id = product().link_tokens.read("preferences", token)
    with product().database.transaction() as session:
        request_own_data_link(session, subscription_public_id=public_id, language=language, now=now())
    return redirect(url_for("public.my_data", language=language, sent=""), code=303)


def _choose(session: Session, public_id: str, chosen: Chosen) -> None:
    """Store what a reader chose, and let their rhythm have a schedule."""
    at = now()
    since = covered_since(session, lock_confirmed(session, public_id), at)
    subscription = choose(
        session, public_id=public_id, interests=chosen.interests, timing=chosen.timing, since=since, now=at
    )
    ensure_schedules(session, subscription, at)


def _page(
    language: str,
    token: str,
    public_id: str,
    *,
    is_no_day: bool = False,
    form: ChoiceForm | None = None,
    problems: Sequence[Problem] = (),
) -> Response:
    """Show the choices.

    `is_no_day` where the day that was chosen for the end of a pause cannot be; `form` and its `problems` where what was
    chosen to read cannot be.
    """
    with product().database.reading() as session:
        subscription = _confirmed(session, public_id)
        if subscription is None:
            return make_response(_way_back(session, public_id))
        newsletter = session.get_one(Newsletter, subscription.newsletter_id)
        page = render_template(
            "public/preferences.html",
            **about_newsletter(newsletter, language),
            address=mask(subscription.subscriber.email),
            chosen=subscription.language,
            letters_languages=newsletter.language_codes,
            own_names=i18n.LANGUAGES,
            token=token,
            choices=_choices(session, subscription, newsletter, language, sent=form, problems=problems),
            counting=counting_form(session, newsletter.in_language(language).language, subscription),
            leave_token=product().link_tokens.sign("unsubscribe", public_id),
            is_no_day=is_no_day,
            silence=silence_of(subscription, now()),
            **_pause_days(subscription.paused_until, ZoneInfo(newsletter.timezone)),
            **_way_in(),
        )
    return make_response(page, 422 if is_no_day or problems else 200)


def _way_back(session: Session, public_id: str) -> str:
    """Return the page that leads whoever is not subscribed to the sign-up of the newsletter that they had."""
    left = newsletter_of_link(session, public_id)
    return render_template("public/not_subscribed.html", **about_newsletter(left, page_language()))


def _choices(
    session: Session,
    subscription: Subscription,
    newsletter: Newsletter,
    language: str,
    *,
    sent: ChoiceForm | None,
    problems: Sequence[Problem],
) -> dict[str, object]:
    """Return the form of what to read and when, as it was `sent`, else as the reader chose before."""
    return choices_panel(
        taxonomy_in_use(),
        chosen_by(session, subscription),
        letters_language=subscription.language,
        page_language=language,
        timezone=newsletter.timezone,
        sent=sent,
        problems=problems,
    )


def _way_in() -> dict[str, bool | str | None]:
    """Return what the page says of what its reader has just done, as the address that they were led to tells."""
    return {
        "is_welcome": "welcome" in request.args,
        "saved": request.args.get("saved"),
        "is_back": "back" in request.args,
        "is_again": "again" in request.args,
    }


def _pause_days(until: datetime | None, zone: ZoneInfo) -> dict[str, date | None]:
    """Return the end of a pause under way, and the first and the last day on which one may end, in `zone`."""
    today = now().astimezone(zone).date()
    return {
        "paused_until": until.astimezone(zone) if until and until > now() else None,
        "first_day": today + timedelta(days=1),
        "last_day": months_later(today, PAUSE_MAX_MONTHS),
    }


def _chosen_day(span: str, day: str, zone: ZoneInfo) -> date | None:
    """Return the first day with letters again in `zone`, or None where none was chosen."""
    if span == BY_DAY:
        try:
            return date.fromisoformat(day)
        except ValueError:
            return None
    today = now().astimezone(zone).date()
    return PauseSpan[span.upper()].end(today) if span.upper() in PauseSpan.__members__ else None


def _confirmed(session: Session, public_id: str) -> Subscription | None:
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or subscription.status is not SubscriptionStatus.CONFIRMED:
        return None
    return subscription
