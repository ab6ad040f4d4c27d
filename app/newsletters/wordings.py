"""What the sign-up form says, and the privacy policy: numbered versions that are added to and never changed, so that
each sign-up can prove what was on the page (GDPR art. 7(1))."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from app.newsletters.models import (
    ConsentWording,
    Newsletter,
    NewsletterLanguage,
    PrivacyPolicy,
    WordingPurpose,
    current_policy,
    current_wording,
    text_hash,
)

#: Where the statement's link to the policy stands: `… our [privacy policy] …`.
LINK = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Statement:
    """A statement cut where its link stands."""

    before: str
    link: str
    after: str


@dataclass(frozen=True)
class ShownTexts:
    """The versions of wording and policy that a page showed, and in which language."""

    language: str
    wording_id: int
    policy_id: int


class FormOf(NamedTuple):
    """The newsletter that a form is for."""

    newsletter_id: int
    slug: str
    is_open: bool


def store_wording(
    session: Session,
    *,
    newsletter_id: int,
    language: str,
    heading: str,
    statement: str,
    button: str,
    now: datetime,
    purpose: WordingPurpose = WordingPurpose.NEWSLETTER,
    written_by: str | None = None,
) -> ConsentWording:
    """Return a newsletter's version in force with these texts; a new version is added where they changed.

    Without `written_by` they come with the product, and stand back for what somebody wrote. Raises ValueError where
    `statement` has not exactly one [link to the privacy policy].
    """
    if len(LINK.findall(statement)) != 1:
        raise ValueError("the statement must hold one [link to the privacy policy]")
    newest = session.scalars(current_wording(newsletter_id, language, purpose)).one_or_none()
    if newest is not None and (
        _outranks(newest, written_by) or newest.says(heading=heading, statement=statement, button=button)
    ):
        return newest
    version = newest.version + 1 if newest else 1
    wording = ConsentWording(
        newsletter_id=newsletter_id,
        purpose=purpose,
        language=language,
        version=version,
        heading=heading,
        statement=statement,
        button=button,
        sha256=text_hash(str(version), heading, statement, button),
        created_at=now,
        written_by=written_by,
    )
    session.add(wording)
    session.flush()
    return wording


def store_policy(
    session: Session, *, language: str, body: str, now: datetime, written_by: str | None = None
) -> PrivacyPolicy:
    """Return the policy in force with this HTML; a new version is added where it changed.

    Without `written_by` it comes with the product, and stands back for what somebody wrote.
    """
    newest = session.scalars(current_policy(language)).one_or_none()
    if newest is not None and (_outranks(newest, written_by) or newest.body == body):
        return newest
    version = newest.version + 1 if newest else 1
    policy = PrivacyPolicy(
        language=language,
        version=version,
        body=body,
        sha256=text_hash(str(version), body),
        created_at=now,
        written_by=written_by,
    )
    session.add(policy)
    session.flush()
    return policy


def _outranks(newest: ConsentWording | PrivacyPolicy, written_by: str | None) -> bool:
    """Whether somebody wrote the version in force, and the text that is to be stored comes with the product."""
    return newest.written_by is not None and written_by is None


def texts_in_force(session: Session, newsletter_id: int, language: str) -> ShownTexts:
    """Return a newsletter's wording and the policy in force in `language`."""
    wording = session.scalars(current_wording(newsletter_id, language)).one()
    policy = session.scalars(current_policy(language)).one()
    return ShownTexts(language, wording.id, policy.id)


def cut_statement(statement: str) -> Statement:
    """Return the three pieces of a stored statement, for a page to put its link around the middle one."""
    before, link, after = LINK.split(statement, maxsplit=1)
    return Statement(before, link, after)


def audit_name(slug: str, wording: ConsentWording) -> str:
    """Return how the audit log names a version of the wording of the newsletter `slug`."""
    return f"wording:{slug} {wording.purpose} {wording.language} {wording.version}"


#: Built once: it runs with every sign-up, and to build it costs as much as to run it.
_NEWSLETTER_OF_FORM = select(Newsletter.id, Newsletter.slug, Newsletter.closed_at.is_(None)).where(
    Newsletter.id == ConsentWording.newsletter_id,
    ConsentWording.id == bindparam("wording_id"),
    ConsentWording.language == bindparam("language"),
    ConsentWording.purpose == WordingPurpose.NEWSLETTER,
    exists().where(PrivacyPolicy.id == bindparam("policy_id"), PrivacyPolicy.language == bindparam("language")),
    exists().where(
        NewsletterLanguage.newsletter_id == Newsletter.id, NewsletterLanguage.language == bindparam("language")
    ),
)


def newsletter_of_form(session: Session, shown: ShownTexts) -> FormOf | None:
    """Return the newsletter that a form with these texts is for; None where a text, or the language, is not there."""
    values = {"language": shown.language, "wording_id": shown.wording_id, "policy_id": shown.policy_id}
    found = session.connection().execute(_NEWSLETTER_OF_FORM, values).one_or_none()
    return FormOf(*found) if found else None


def policy_versions(session: Session, *, language: str) -> list[PrivacyPolicy]:
    """Return all versions of the privacy policy, newest first."""
    query = select(PrivacyPolicy).where(PrivacyPolicy.language == language).order_by(PrivacyPolicy.version.desc())
    return list(session.scalars(query))
