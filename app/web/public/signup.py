"""The sign-up form, as a page and as a frame under other sites' articles. It answers at once and the same to all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from babel.dates import get_day_names
from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.choices.choices import Interests
from app.choices.choosing import Chosen, find_wish
from app.clock import now
from app.errors import AddressInvalid, ProofNeeded
from app.i18n import gettext
from app.mail.address import Address, parse_address, suggest
from app.newsletters.letterhead import sender_of
from app.newsletters.models import address_slug, open_newsletters
from app.newsletters.wordings import ShownTexts, cut_statement, newsletter_of_form
from app.settings.publication import Measurement
from app.subscriptions.form.limits import count_letter, count_network
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.signup import request_subscription
from app.web import product, taxonomy_in_use
from app.web.forms import (
    TRAP,
    FormAge,
    SignupForm,
    make_form_token,
    printable,
    read_form_token,
)
from app.web.network import network
from app.web.proving import Evidence, challenge_for_page, counter_keys, read_evidence, wait_mark
from app.web.public import LANGUAGE, SECOND, bp, own_page
from app.web.public.about import About, about_page, absolute, edition_feeds, web_site
from app.web.public.asked import FormTexts, current_texts, digest_cron, newsletter_asked, newsletter_with_page
from app.web.public.choice_form import ChoiceForm, ChoicesRefused, choices_panel
from app.web.public.choice_form import Problem as ChoiceProblem

REFUSED = 422
#: Why the form comes back where too many sign-ups arrive, and how.
BUSY, UNAVAILABLE = "busy", 503
#: Why it does where something cannot be chosen.
CHOICES = "choices"


@dataclass(frozen=True)
class Problem:
    """Why the form is shown again: one of the reasons that `_partials/signup_form.html` has words for.

    `waited` marks since when a form waits that comes back because too many sign-ups arrive; `choices` says what of the
    choices cannot be.
    """

    reason: str
    suggestion: str = ""
    waited: str = ""
    choices: Sequence[ChoiceProblem] = ()


@bp.get("/", provide_automatic_options=False)
def start() -> BaseResponse:
    """Send a visitor to the form in their language; French where they name neither of ours."""
    language = request.accept_languages.best_match(list(i18n.LANGUAGES), default=i18n.DEFAULT_LANGUAGE)
    response = redirect(url_for("public.home", language=language))
    response.vary.add("Accept-Language")
    return response


@bp.get(f"/{LANGUAGE}/", provide_automatic_options=False)
@bp.get(f"{SECOND}/", provide_automatic_options=False)
def home(language: str, slug: str | None = None) -> Response:
    """Show the sign-up page of a newsletter."""
    return _form_page(language, slug, is_embedded=False)


@bp.get(f"/{LANGUAGE}/embed", provide_automatic_options=False)
@bp.get(f"{SECOND}/embed", provide_automatic_options=False)
def embed(language: str, slug: str | None = None) -> Response:
    """Show the form alone, for a frame on another site."""
    return _form_page(language, slug, is_embedded=True)


@bp.post(f"/{LANGUAGE}/subscribe", provide_automatic_options=False)
@bp.post(f"{SECOND}/subscribe", provide_automatic_options=False)
def signup_submit(language: str, slug: str | None = None) -> BaseResponse:
    """Take a sign-up to the newsletter whose texts the form showed; the answer never tells who is known."""
    form = SignupForm.read(request.form)
    is_embedded = "embedded" in request.args
    if form.is_trapped:
        return _answer(language, slug, is_embedded)
    age, shown = read_form_token(product().form_tokens, form.token, language=language, now=now())
    if shown is None:
        reason = age.name.lower() if form.address_text else "empty"
        return _form_page(language, slug, is_embedded=is_embedded, form=form, problem=Problem(reason))
    address, problem = read_address(form)
    if address is None or problem is not None:
        return _form_page(language, slug, is_embedded=is_embedded, form=form, problem=problem, shown=shown)
    try:
        if _store(is_embedded, address, shown, read_evidence(form, address), chosen_with(request.form)):
            return _answer(language, slug, is_embedded)
        problem = Problem(FormAge.TOO_OLD.name.lower())
    except ChoicesRefused as refusal:
        problem = Problem(CHOICES, choices=refusal.problems)
    except ProofNeeded:
        problem = Problem(BUSY, waited=wait_mark(form, address))
    return _form_page(language, slug, is_embedded=is_embedded, form=form, problem=problem, shown=shown)


@bp.get(f"/{LANGUAGE}/subscribe", provide_automatic_options=False)
@bp.get(f"{SECOND}/subscribe", provide_automatic_options=False)
def form_again(language: str, slug: str | None = None) -> BaseResponse:
    """Lead to the form: a form that was refused stands at this address, to which browsers come back later."""
    page = "public.embed" if "embedded" in request.args else "public.home"
    return redirect(url_for(page, language=language, slug=slug))


@bp.get(f"/{LANGUAGE}/check-your-mail", provide_automatic_options=False)
@bp.get(f"{SECOND}/check-your-mail", provide_automatic_options=False)
def check_mail(language: str, slug: str | None = None) -> Response:
    """Say where to look next; the same for everyone."""
    is_embedded = "embedded" in request.args
    config = product().config
    with product().database.reading() as session:
        newsletter = newsletter_with_page(session, slug, language)
    page = render_template(
        "public/check_mail_embedded.html" if is_embedded else "public/check_mail.html",
        sender=sender_of(newsletter, config.mail),
        **own_page(newsletter, language),
        confirm_hours=config.retention.confirm_hours,
    )
    return make_response(page)


def show_resend_form(language: str, slug: str | None, status: int) -> Response:
    """Show that a confirm link is no longer good, with the form that brings a new one."""
    confirm_hours = product().config.retention.confirm_hours
    page = _render_form("public/link_over.html", language, slug, None, None, None, confirm_hours=confirm_hours)
    return make_response(page, status)


def read_address(form: SignupForm) -> tuple[Address | None, Problem | None]:
    """Return the address, or why the form must be shown again; a likely slip is asked about once, never corrected."""
    if not form.address_text:
        return None, Problem("empty")
    try:
        address = parse_address(form.address_text)
    except AddressInvalid:
        return None, Problem("invalid")
    better = suggest(address.display)
    if better and not form.suggested and form.asked_about != form.email:
        return address, Problem("typo", suggestion=better)
    return address, None


def chosen_with(fields: MultiDict[str, str]) -> Chosen:
    """Return what was chosen beside the address; nothing by a form that offers no choices. Raises as the form does."""
    if "cadence" not in fields:
        return Chosen(Interests(), None)
    return ChoiceForm.sent(fields).read(taxonomy_in_use())


def _store(is_embedded: bool, address: Address, shown: ShownTexts, evidence: Evidence, chosen: Chosen) -> bool:
    """Store the request; False for a newsletter that was closed, or when the form's texts are not in the database, as
    after a restored backup.

    Counted and stored in one transaction: what fails has cost nothing, and may be sent again. Raises SignupThrottled,
    and ProofNeeded.
    """
    wired, at = product(), now()
    limits, keys = wired.config.signups, counter_keys(at)
    with wired.database.transaction() as session:
        form_of = newsletter_of_form(session, shown)
        if form_of is None or not form_of.is_open:
            return False
        count_network(session, network=network(), limits=limits, keys=keys, now=at)
        is_proven = evidence.spend(session)
        has_room = count_letter(session, address=address, is_proven=is_proven, limits=limits, keys=keys, now=at)
        request_subscription(
            session,
            address=address,
            newsletter_id=form_of.newsletter_id,
            form_url=wired.links.home(shown.language, address_slug(form_of.slug)) + ("embed" if is_embedded else ""),
            method=ConsentMethod.EMBEDDED_FORM if is_embedded else ConsentMethod.FORM,
            shown=shown,
            suppression_key=wired.config.suppression_key,
            has_room=has_room,
            find_wish=partial(find_wish, chosen=chosen),
            now=at,
        )
    return True


def _answer(language: str, slug: str | None, is_embedded: bool) -> BaseResponse:
    page = url_for("public.check_mail", language=language, slug=slug)
    return redirect(f"{page}?embedded" if is_embedded else page, code=303)


def _form_page(
    language: str,
    slug: str | None,
    *,
    is_embedded: bool,
    form: SignupForm | None = None,
    problem: Problem | None = None,
    shown: ShownTexts | None = None,
) -> Response:
    """Show the form, empty or with the address that was given; `shown` keeps the mark of a form that was in order."""
    if is_embedded:
        page = _render_form("public/embed.html", language, slug, form, problem, shown, is_embedded=True)
    else:
        page = _render_form("public/home.html", language, slug, form, problem, shown, offers_choices=True)
    response = make_response(page)
    response.status_code = REFUSED if problem else 200
    if problem and problem.reason == BUSY:
        response.status_code = UNAVAILABLE
        response.headers["Retry-After"] = str(product().config.signups.wait_minutes * 60)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _render_form(
    template: str,
    language: str,
    slug: str | None,
    form: SignupForm | None,
    problem: Problem | None,
    shown: ShownTexts | None,
    *,
    is_embedded: bool = False,
    offers_choices: bool = False,
    **more: object,
) -> str:
    with product().database.reading() as session:
        texts = current_texts(session, newsletter_asked(session, slug), language)
        others = [each for each in session.scalars(open_newsletters()) if each.id != texts.newsletter.id]
        digest_day = _weekday(language, digest_cron(session, texts.newsletter.id, language))
    is_kept = form is not None and shown == texts.shown
    return render_template(
        template,
        wording=texts.wording,
        statement=cut_statement(texts.wording.statement),
        token=form.token if form and is_kept else make_form_token(product().form_tokens, texts.shown),
        trap=TRAP,
        wait_minutes=product().config.signups.wait_minutes,
        challenge=challenge_for_page(is_asked=problem is not None and problem.reason == BUSY),
        is_embedded=is_embedded,
        email=printable(form.email) if form else "",
        problem=problem,
        choices=_choices(language, problem, texts) if offers_choices else None,
        is_closed=texts.newsletter.closed_at is not None,
        others=others,
        is_reading_counted=product().config.measurement is not Measurement.OFF,
        digest_day=digest_day,
        about=_about_form(language, texts),
        **own_page(texts.newsletter, language),
        **more,
    )


def _choices(language: str, problem: Problem | None, texts: FormTexts) -> dict[str, object]:
    """Return what may be chosen with a sign-up, as it stands in the form that was sent."""
    sent = ChoiceForm.sent(request.form) if "cadence" in request.form else None
    panel = choices_panel(
        taxonomy_in_use(),
        Chosen(Interests(), None),
        letters_language=language,
        page_language=language,
        timezone=texts.newsletter.timezone,
        sent=sent,
        problems=problem.choices if problem else (),
    )
    untouched = ChoiceForm(timezone=texts.newsletter.timezone)
    return {**panel, "is_begun": sent is not None and sent != untouched}


def _about_form(language: str, texts: FormTexts) -> About:
    slug, face = texts.newsletter.address_slug, texts.newsletter.in_language(language)
    about = about_page(
        lambda code: url_for("public.home", language=code, slug=slug),
        language,
        title=f"{texts.wording.heading} · {face.name}" if slug else texts.wording.heading,
        description=face.description
        if slug
        else gettext(language, "Subscribe to the newsletter: cyberspace and geopolitics, in French and English."),
        feeds=edition_feeds(language, texts.newsletter),
        languages=texts.newsletter.language_codes,
    )
    if slug:
        return about
    return replace(
        about,
        alternates=[*about.alternates, ("x-default", absolute(url_for("public.start")))],
        data=web_site(about.title, about.description, about.canonical, language),
    )


def _weekday(language: str, cron: str) -> str | None:
    """Return the day's name of a cron line that means once a week, else None."""
    minute, hour, day, month, weekday = cron.split()
    if not (minute.isdigit() and hour.isdigit() and weekday.isdigit() and (day, month) == ("*", "*")):
        return None
    return str(get_day_names("wide", locale=language)[(int(weekday) - 1) % 7])
