"""Which newsletter a public address means, and what the database has for its form."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.digests.scheduling import usual_schedules
from app.editions.lines import Schedule
from app.errors import NotFound
from app.newsletters.models import (
    ConsentWording,
    Newsletter,
    PrivacyPolicy,
    current_policy,
    current_wording,
    newsletter_by_slug,
)
from app.newsletters.wordings import ShownTexts
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.web import product
from app.web.public import check_language


@dataclass(frozen=True)
class FormTexts:
    """What the form's page takes from the database."""

    wording: ConsentWording
    policy: PrivacyPolicy
    newsletter: Newsletter

    @property
    def shown(self) -> ShownTexts:
        """The versions that a page with these texts shows."""
        return ShownTexts(self.wording.language, self.wording.id, self.policy.id)


def newsletter_asked(session: Session, slug: str | None) -> Newsletter:
    """Return the newsletter `slug`, or the first one for an address that names none. Raises NotFound."""
    is_one = slug is None or (slug.isascii() and slug.isprintable())  # PostgreSQL takes no NUL
    found = session.scalars(newsletter_by_slug(slug)).one_or_none() if is_one else None
    if found is None:
        raise NotFound("there is no such newsletter, or none is set up yet: run flask db upgrade")
    return found


def newsletter_with_page(session: Session, slug: str | None, language: str) -> Newsletter:
    """Return the newsletter whose own page is asked for in `language`; else lead there. Raises NotFound."""
    newsletter = newsletter_asked(session, slug)
    check_language(newsletter, language)
    return newsletter


def newsletter_of_link(session: Session, subscription_public_id: str) -> Newsletter | None:
    """Return the newsletter of the subscription that a letter's link names.

    Of one that is gone, or of a link that names none, it is the only newsletter, or None where there are several.
    """
    named = subscription_by_public_id(subscription_public_id).with_only_columns(Subscription.newsletter_id)
    found = session.scalars(select(Newsletter).where(Newsletter.id == named.scalar_subquery())).one_or_none()
    if found is not None:
        return found
    some = session.scalars(select(Newsletter).limit(2)).all()
    return some[0] if len(some) == 1 else None


def current_texts(session: Session, newsletter: Newsletter, language: str) -> FormTexts:
    """Return the texts in force of a newsletter, or lead to the page in a language that it has.

    Raises NotFound where there are none yet.
    """
    check_language(newsletter, language)
    wording = session.scalars(current_wording(newsletter.id, language)).one_or_none()
    policy = session.scalars(current_policy(language)).one_or_none()
    if wording is None or policy is None:
        raise NotFound("the newsletter is not set up yet: run flask db upgrade")
    return FormTexts(wording, policy, newsletter)


def digest_cron(session: Session, newsletter_id: int, language: str) -> str:
    """Return the line of cron by which a newsletter's digest leaves, or that of the settings before it has one."""
    found = usual_schedules().where(Schedule.newsletter_id == newsletter_id, Schedule.language == language)
    schedule = session.scalars(found).one_or_none()
    return schedule.cron if schedule else product().config.digest_cron
