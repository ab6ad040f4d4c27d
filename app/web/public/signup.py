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
from app.errors import AddressInvalid, NotFound, ProofNeeded
from app.i18n import gettext
from app.mail.address import Address, parse_address, suggest
from app.newsletters.models import ConsentWording, PrivacyPolicy, current_policy, current_wording, newsletter_by_slug
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
from app.web.public import LANGUAGE, bp
from app.web.public.about import About, about_page, absolute, edition_feeds, web_site
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


@dataclass(frozen=True)
class FormTexts:
    """What the form's page takes from the database."""

    wording: ConsentWording
    policy: PrivacyPolicy
    tagline: str
    timezone: str

    @property
    def shown(self) -> ShownTexts:
        """The versions that a page with these texts shows."""
        return ShownTexts(self.wording.language, self.wording.id, self.policy.id)


@bp.get("/", provide_automatic_options=False)
def start() -> BaseResponse:
    """Send a visitor to the form in their language; French where they name neither of ours."""
    language = request.accept_languages.best_match(list(i18n.LANGUAGES), default=i18n.DEFAULT_LANGUAGE)
    response = redirect(url_for("public.home", language=language))
    response.vary.add("Accept-Language")
    return response


@bp.get(f"/{LANGUAGE}/", provide_automatic_options=False)
def home(language: str) -> Response:
    """Show the sign-up page."""
    return _form_page(language, is_embedded=False)


@bp.get(f"/{LANGUAGE}/embed", provide_automatic_options=False)
def embed(language: str) -> Response:
    """Show the form alone, for a frame on another site."""
    return _form_page(language, is_embedded=True)


@bp.post(f"/{LANGUAGE}/subscribe", provide_automatic_options=False)
def signup_submit(language: str) -> BaseResponse:
    """Take a sign-up; the answer never tells what is known of the address."""
    form = SignupForm.read(request.form)
    is_embedded = "embedded" in request.args
    if form.is_trapped:
        return _answer(language, is_embedded)
    age, shown = read_form_token(product().form_tokens, form.token, language=language, now=now())
    if shown is None:
        return _form_page(language, is_embedded=is_embedded, form=form, problem=Problem(age.name.lower()))
    address, problem = read_address(form)
    if address is None or problem is not None:
        return _form_page(language, is_embedded=is_embedded, form=form, problem=problem, shown=shown)
    try:
        if _store(is_embedded, address, shown, read_evidence(form, address), chosen_with(request.form)):
            return _answer(language, is_embedded)
        problem = Problem(FormAge.TOO_OLD.name.lower())
    except ChoicesRefused as refusal:
        problem = Problem(CHOICES, choices=refusal.problems)
    except ProofNeeded:
        problem = Problem(BUSY, waited=wait_mark(form, address))
    return _form_page(language, is_embedded=is_embedded, form=form, problem=problem, shown=shown)


@bp.get(f"/{LANGUAGE}/check-your-mail", provide_automatic_options=False)
def check_mail(language: str) -> Response:
    """Say where to look next; the same for everyone."""
    is_embedded = "embedded" in request.args
    config = product().config
    page = render_template(
        "public/check_mail_embedded.html" if is_embedded else "public/check_mail.html",
        sender=config.mail.sender,
        confirm_hours=config.retention.confirm_hours,
    )
    return make_response(page)


def show_resend_form(language: str, status: int) -> Response:
    """Show that a confirm link is no longer good, with the form that brings a new one."""
    page = _render_form(
        "public/link_over.html", language, None, None, None, confirm_hours=product().config.retention.confirm_hours
    )
    return make_response(page, status)


def current_texts(language: str) -> FormTexts:
    """Return the texts in force. Raises NotFound where there are none yet."""
    with product().database.reading() as session:
        wording = session.scalars(current_wording(language)).one_or_none()
        policy = session.scalars(current_policy(language)).one_or_none()
        newsletter = session.scalars(newsletter_by_slug()).one_or_none()
    if wording is None or policy is None or newsletter is None:
        raise NotFound("the newsletter is not set up yet: run flask db upgrade")
    return FormTexts(wording, policy, newsletter.in_language(language).description, newsletter.timezone)


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
    """Store the request; False when the form's texts are not in the database, as after a restored backup.

    Counted and stored in one transaction: what fails has cost nothing, and may be sent again. Raises SignupThrottled,
    and ProofNeeded.
    """
    wired, at = product(), now()
    limits, keys = wired.config.signups, counter_keys(at)
    with wired.database.transaction() as session:
        newsletter_id = newsletter_of_form(session, shown)
        if newsletter_id is None:
            return False
        count_network(session, network=network(), limits=limits, keys=keys, now=at)
        is_proven = evidence.spend(session)
        has_room = count_letter(session, address=address, is_proven=is_proven, limits=limits, keys=keys, now=at)
        request_subscription(
            session,
            address=address,
            language=shown.language,
            newsletter_id=newsletter_id,
            form_url=wired.links.home(shown.language) + ("embed" if is_embedded else ""),
            method=ConsentMethod.EMBEDDED_FORM if is_embedded else ConsentMethod.FORM,
            wording_id=shown.wording_id,
            policy_id=shown.policy_id,
            suppression_key=wired.config.suppression_key,
            has_room=has_room,
            find_wish=partial(find_wish, chosen=chosen),
            now=at,
        )
    return True


def _answer(language: str, is_embedded: bool) -> BaseResponse:
    page = url_for("public.check_mail", language=language)
    return redirect(f"{page}?embedded" if is_embedded else page, code=303)


def _form_page(
    language: str,
    *,
    is_embedded: bool,
    form: SignupForm | None = None,
    problem: Problem | None = None,
    shown: ShownTexts | None = None,
) -> Response:
    """Show the form, empty or with the address that was given; `shown` keeps the mark of a form that was in order."""
    if is_embedded:
        page = _render_form("public/embed.html", language, form, problem, shown, is_embedded=True)
    else:
        page = _render_form("public/home.html", language, form, problem, shown, offers_choices=True)
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
    form: SignupForm | None,
    problem: Problem | None,
    shown: ShownTexts | None,
    *,
    is_embedded: bool = False,
    offers_choices: bool = False,
    **more: object,
) -> str:
    texts = current_texts(language)
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
        tagline=texts.tagline,
        is_reading_counted=product().config.measurement is not Measurement.OFF,
        digest_day=_weekday(language, product().config.digest_cron),
        about=_about_form(language, texts),
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
        timezone=texts.timezone,
        sent=sent,
        problems=problem.choices if problem else (),
    )
    untouched = ChoiceForm(timezone=texts.timezone)
    return {**panel, "is_begun": sent is not None and sent != untouched}


def _about_form(language: str, texts: FormTexts) -> About:
    about = about_page(
        lambda code: url_for("public.home", language=code),
        language,
        title=texts.wording.heading,
        description=gettext(
            language, "Subscribe to the newsletter: cyberspace and geopolitics, in French and English."
        ),
        feeds=edition_feeds(language),
    )
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
