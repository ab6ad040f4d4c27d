"""What the public forms may carry: named fields only, and the signed mark that says what they showed, and when."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from werkzeug.datastructures import MultiDict

from app.errors import TokenInvalid
from app.i18n import is_line
from app.newsletters.wordings import ShownTexts
from app.tokens import Tokens

#: Seconds: nobody reads the form and types an address sooner; after a day its texts may have changed.
FORM_MIN_AGE_S = 2
FORM_MAX_AGE_S = 24 * 3600
#: What a page gives back of a field that was refused; longer is no address.
KEPT_CHARACTERS = 320

#: The field that people never see; programs that fill in everything fill it in.
TRAP = "subject"


class FormAge(Enum):
    """Whether a form's mark can be taken."""

    GOOD = auto()
    TOO_YOUNG = auto()
    TOO_OLD = auto()


@dataclass(frozen=True)
class SignupForm:
    """The sign-up form as sent. `suggested` is set when the reader took the correction we offered; `asked_about` is the
    address whose correction we offered, and which they may insist on. `proof` and `waited` are `app.web.proving`'s."""

    email: str
    token: str
    suggested: str
    asked_about: str
    is_trapped: bool
    proof: str
    waited: str

    @classmethod
    def read(cls, fields: MultiDict[str, str]) -> "SignupForm":
        """Return the named fields; any other is ignored."""
        return cls(
            email=_clean(fields.get("email", "")),
            token=form_mark(fields),
            suggested=_clean(fields.get("suggested", "")),
            asked_about=_clean(fields.get("asked_about", "")),
            is_trapped=bool(fields.get(TRAP, "").strip()),
            proof=fields.get("proof", ""),
            waited=fields.get("waited", "")[:200],
        )

    @property
    def address_text(self) -> str:
        """The address meant."""
        return self.suggested or self.email


def form_mark(fields: MultiDict[str, str]) -> str:
    """Return the mark that a form was sent with, unread."""
    return fields.get("token", "")[:200]


def make_form_token(tokens: Tokens, shown: ShownTexts) -> str:
    """Return the mark of a form made now with these texts."""
    return tokens.sign("form", f"{shown.wording_id}-{shown.policy_id}-{secrets.token_hex(6)}")


def read_form_token(
    tokens: Tokens, token: str, *, language: str, now: datetime, min_age_s: int = FORM_MIN_AGE_S
) -> tuple[FormAge, ShownTexts | None]:
    """Return whether the age of a form in `language` is right, and what it showed.

    A missing or forged mark counts as too old.
    """
    try:
        age_s = tokens.age_s("form", token, now_s=now.timestamp())
        value = tokens.read("form", token, max_age_s=FORM_MAX_AGE_S)
        wording_id, policy_id = (int(part) for part in value.split("-")[:2])
    except (TokenInvalid, ValueError):
        return FormAge.TOO_OLD, None
    if age_s < min_age_s:
        return FormAge.TOO_YOUNG, None
    return FormAge.GOOD, ShownTexts(language, wording_id, policy_id)


def printable(value: str) -> str:
    """Return what of a field may stand in a page again, or be searched for: PostgreSQL takes no NUL."""
    return "".join(filter(is_line, value))[:KEPT_CHARACTERS]


def _clean(value: str) -> str:
    """Return `value` without the blanks around it; what is too long is cut, but not so far that it could pass."""
    return value.strip(" \t\u00a0")[: KEPT_CHARACTERS + 1]
