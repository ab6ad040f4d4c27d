"""New versions of what readers are shown when they agree to something, as people write them.

A version is never changed: the proof of each consent names the one that was shown (GDPR art. 7(1)).
"""

from dataclasses import dataclass
from datetime import datetime

import nh3
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import ChangedMeanwhile, FieldsRefused
from app.i18n import LANGUAGES, as_line, is_line
from app.newsletters.models import (
    ConsentWording,
    Newsletter,
    PrivacyPolicy,
    WordingPurpose,
    current_policy,
    current_wording,
)
from app.newsletters.wordings import LINK, store_policy, store_wording

#: Characters.
HEADING_MAX, STATEMENT_MAX, BUTTON_MAX, BODY_MAX = 120, 2_000, 60, 60_000
#: What a policy is made of; the product's own has nothing else.
_TAGS = {"h2", "h3", "p", "ul", "ol", "li", "dl", "div", "dt", "dd", "a", "strong", "em", "br", "span"}


@dataclass(frozen=True)
class WordingText:
    """What a form says: heading, statement with one [link to the policy], button; only the statement beside a box."""

    heading: str
    statement: str
    button: str

    @classmethod
    def typed(cls, purpose: WordingPurpose, *, heading: str, statement: str, button: str) -> "WordingText":
        """Return what was typed, each in one line; what stands beside a box has a statement alone."""
        texts = [as_line(text) for text in (heading, statement, button)]
        return cls(*texts) if purpose is WordingPurpose.NEWSLETTER else cls("", texts[1], "")

    def faults(self, purpose: WordingPurpose) -> dict[str, str]:
        """Return what cannot be taken as it is: "empty", "long" or "link", by field."""
        limits = {"heading": HEADING_MAX, "statement": STATEMENT_MAX, "button": BUTTON_MAX}
        wanted = limits if purpose is WordingPurpose.NEWSLETTER else {"statement": STATEMENT_MAX}
        found = {}
        for field, limit in wanted.items():
            text = getattr(self, field)
            if not text or not is_line(text):
                found[field] = "empty"
            elif len(text) > limit:
                found[field] = "long"
        if "statement" not in found and len(LINK.findall(self.statement)) != 1:
            found["statement"] = "link"
        return found


def write_wording(
    session: Session,
    *,
    newsletter_id: int,
    purpose: WordingPurpose,
    language: str,
    text: WordingText,
    seen: int,
    actor: str,
    now: datetime,
) -> ConsentWording:
    """Put a new wording of a newsletter in force, in a language that it has, in place of version `seen`.

    Raises FieldsRefused, for a text that is in force already too, and ChangedMeanwhile where another version is.
    """
    _hold(session)
    newest = session.scalars(current_wording(newsletter_id, language, purpose)).one_or_none()
    if language not in session.get_one(Newsletter, newsletter_id).language_codes:
        raise FieldsRefused({"language": "language"})
    _check_version(newest, seen=seen)
    if faults := text.faults(purpose):
        raise FieldsRefused(faults)
    if newest is not None and newest.says(heading=text.heading, statement=text.statement, button=text.button):
        raise FieldsRefused({"statement": "same"})
    return store_wording(
        session,
        newsletter_id=newsletter_id,
        purpose=purpose,
        language=language,
        heading=text.heading,
        statement=text.statement,
        button=text.button,
        now=now,
        written_by=actor,
    )


def write_policy(session: Session, *, language: str, body: str, seen: int, actor: str, now: datetime) -> PrivacyPolicy:
    """Put a new policy in force in place of version `seen`; of its HTML stays what `clean_policy` leaves.

    Raises FieldsRefused, for a text that is in force already too, and ChangedMeanwhile where another version is.
    """
    _hold(session)
    newest = session.scalars(current_policy(language)).one_or_none()
    if language not in LANGUAGES:
        raise FieldsRefused({"language": "language"})
    _check_version(newest, seen=seen)
    if len(body) > BODY_MAX:
        raise FieldsRefused({"body": "long"})
    cleaned = clean_policy(body)
    if not nh3.clean(cleaned, tags=set()).strip():
        raise FieldsRefused({"body": "empty"})
    if newest is not None and newest.body == cleaned:
        raise FieldsRefused({"body": "same"})
    return store_policy(session, language=language, body=cleaned, now=now, written_by=actor)


def clean_policy(body: str) -> str:
    """Return the HTML of a policy without what a policy does not need: scripts, styles, frames, forms, images."""
    return nh3.clean(
        body.replace("\r\n", "\n").strip(),
        tags=_TAGS,
        attributes={"a": {"href"}, "h2": {"id"}},
        allowed_classes={"span": {"nowrap"}},
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )


def _hold(session: Session) -> None:
    """Hold the newsletters, so that no two people write the next version at once."""
    session.execute(select(Newsletter.id).order_by(Newsletter.id).with_for_update(key_share=True))


def _check_version(newest: ConsentWording | PrivacyPolicy | None, *, seen: int) -> None:
    if seen != (newest.version if newest else 0):
        raise ChangedMeanwhile("somebody wrote another version meanwhile")
