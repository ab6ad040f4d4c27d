"""Answering the letters that ask: a page with one button each. Opening it changes nothing."""

from zoneinfo import ZoneInfo

from flask import make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.clock import now
from app.errors import NotFound, TokenExpired, TransitionRefused
from app.mail.address import mask
from app.newsletters.models import Newsletter
from app.newsletters.wordings import cut_statement
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.questions.asking import agree, question_by_public_id
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.questions.renewal import shown_texts
from app.subscriptions.silence import silence_of
from app.web import product
from app.web.public import LANGUAGE, about_newsletter, bp, page_language

#: Longer than any question is open: whether an answer still counts, its row tells.
LINK_LIFE_S = 365 * 24 * 3600
_PURPOSES = {QuestionKind.STAY: "stay", QuestionKind.RENEWAL: "renew"}


@bp.get(f"/{LANGUAGE}/stay/<token>", provide_automatic_options=False)
def stay(language: str, token: str) -> Response:
    """Show the button with which a reader stays."""
    return _page(language, token, QuestionKind.STAY)


@bp.post(f"/{LANGUAGE}/stay/<token>", provide_automatic_options=False)
def stay_submit(language: str, token: str) -> Response:
    """Keep the reader."""
    return _answer(language, token, QuestionKind.STAY)


@bp.get(f"/{LANGUAGE}/renew/<token>", provide_automatic_options=False)
def renew(language: str, token: str) -> Response:
    """Show the wording that the letter showed, and the button with which a reader agrees."""
    return _page(language, token, QuestionKind.RENEWAL)


@bp.post(f"/{LANGUAGE}/renew/<token>", provide_automatic_options=False)
def renew_submit(language: str, token: str) -> Response:
    """Record the consent."""
    return _answer(language, token, QuestionKind.RENEWAL)


def _page(language: str, token: str, kind: QuestionKind) -> Response:
    public_id = _read(token, kind)
    with product().database.reading() as session:
        question = session.scalars(question_by_public_id(public_id)).one_or_none() if public_id else None
        if question is None or question.kind is not kind or not _can_be_answered(question):
            return _over(session, question)
        if question.language != language:  # the texts are in one language, and so is what is agreed to
            return redirect(url_for(request.endpoint or "", language=question.language, token=token))
        return make_response(_shown(session, question))


def _answer(language: str, token: str, kind: QuestionKind) -> Response:
    public_id = _read(token, kind)
    try:
        if public_id is None:
            raise NotFound("no such question")
        with product().database.transaction() as session:
            question = agree(session, public_id=public_id, kind=kind, now=now())
            thanks = _thanks(session, question, language)
    except (NotFound, TransitionRefused):
        with product().database.reading() as session:
            return _over(session, session.scalars(question_by_public_id(public_id or "")).one_or_none())
    return make_response(render_template("public/answered.html", **thanks))


def _thanks(session: Session, question: Question, language: str) -> dict[str, object]:
    """Return what the page of thanks shows: it promises letters only where some come."""
    subscription, newsletter = question.subscription, _newsletter_of(session, question)
    until, zone = subscription.paused_until, ZoneInfo(newsletter.timezone)
    return {
        "preferences_token": product().link_tokens.sign("preferences", subscription.public_id),
        **about_newsletter(newsletter, language),
        "silence": silence_of(subscription, now()),
        "paused_until": until.astimezone(zone) if until else None,
    }


def _over(session: Session, question: Question | None) -> Response:
    """Show the way back into the newsletter that was left, as far as a question still tells which."""
    newsletter = _newsletter_of(session, question) if question else None
    return make_response(render_template("public/not_subscribed.html", **about_newsletter(newsletter, page_language())))


def _newsletter_of(session: Session, question: Question) -> Newsletter:
    return session.get_one(Newsletter, question.subscription.newsletter_id)


def _read(token: str, kind: QuestionKind) -> str | None:
    """Return which question a link names, or None where it is over. Raises TokenInvalid for one that was cut."""
    try:
        return product().link_tokens.read(_PURPOSES[kind], token, max_age_s=LINK_LIFE_S)
    except TokenExpired:
        return None


def _can_be_answered(question: Question) -> bool:
    is_confirmed = question.subscription.status is SubscriptionStatus.CONFIRMED
    return is_confirmed or question.state is QuestionState.LAPSED


def _shown(session: Session, question: Question) -> str:
    subscription, newsletter = question.subscription, _newsletter_of(session, question)
    shared = {
        **about_newsletter(newsletter, question.language),
        "address": mask(subscription.subscriber.email),
        "leave_token": product().link_tokens.sign("unsubscribe", subscription.public_id),
    }
    if question.kind is QuestionKind.STAY:
        return render_template("public/stay.html", **shared)
    wording, policy = shown_texts(session, question)
    statement = cut_statement(wording.statement)
    return render_template("public/renew.html", statement=statement, policy_version=policy.version, **shared)
