"""The tree of all the product's exceptions.

AppError
├── InputRefused             what a person or a file gave cannot be taken; the message says why
│   ├── AddressInvalid       not an address that mail can be sent to
│   ├── PasswordRefused      too short, too long or too easy to guess; carries which
│   ├── ListRefused          a file that is no list of readers; carries what is wrong with it
│   ├── FactorRefused        a second factor that does not hold
│   ├── ReasonRefused        why something may be done all the same, in too few or too many words
│   ├── AdminKnown           an address that is an admin's already
│   ├── FieldsRefused        fields of a form that cannot be taken; carries which, and why
│   ├── SheetRefused         an article written by hand that cannot be taken; carries the field
│   ├── TemplateRefused      a newsroom's own template cannot be used; carries what is wrong, and on which line
│   ├── LetterUnsettable     no letter can be set from what it is to say; carries why
│   └── HeaderInvalid        a value that would break out of its header field
├── TokenInvalid             forged, truncated, of another purpose, or not a token at all
│   └── TokenExpired         genuine, but older than its purpose allows
├── NotFound                 no such row
├── TextsNotShown            nobody can agree to a wording and a policy that no page showed them
├── TransitionRefused        the row's state does not allow this (confirm, send, pause, …)
│   ├── EditionChanged       the draft is not the one that was looked at
│   ├── ChangedMeanwhile     somebody changed the row after the form that changes it was opened
│   ├── DraftConflict        two editors changed the same part of a draft; carries both versions
│   ├── GateClosed           a check fails, and nobody said why the edition may leave all the same; carries which
│   ├── NewsletterClosed     nobody new may come to this newsletter
│   ├── DepartureStands      a departure that cannot be taken back any more; carries why
│   ├── ApprovalRefused      somebody else has to agree first, or this person may not be the one
│   └── LastAdmin            the only one who may let others into the desk
├── SigninRefused            wrong address or password, or a used one-time link
│   └── SigninThrottled      too many failures; carries the seconds to wait
├── SignupThrottled          too many sign-ups from one network; carries the seconds to wait
├── ProofNeeded              so many sign-ups arrive that this one must prove that somebody means it
├── HookRefused              a provider's report that is not signed as it should be, or is none; the message says why
├── FetchRefused             a feed or page that may not or could not be fetched; the message says why
│   └── HostAway             its host is not known or does not answer: it need not be asked for anything else now
├── RecordsUnavailable       DNS gives no answer; the message says to which question
├── MailboxUnavailable       a mailbox that is away, or does not let us in; the message says which and why
└── DrillFailed              a drill could not be carried out: it shows nothing, neither good nor bad

Wrong settings are `config.SettingsInvalid`: they are found before there is an app. A remote server's refusal of a
letter is not an exception but an `Outcome` (`app.mail.transport`).
"""

from collections.abc import Mapping
from types import MappingProxyType


class AppError(Exception):
    """Root of what the product raises on purpose; its text may be shown to the person concerned."""


class InputRefused(AppError):
    """What was given cannot be taken."""


class AddressInvalid(InputRefused):
    """Not an e-mail address that we can send to."""


class PasswordRefused(InputRefused):
    """The password may not be used; `weakness` says why ("short", "long", "easy")."""

    def __init__(self, weakness: str) -> None:
        super().__init__(f"the password is too {weakness}")
        self.weakness = weakness


class ListRefused(InputRefused):
    """The file is no list of readers; `fault` says why ("large", "empty", "kind", "header", "wide")."""

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class FactorRefused(InputRefused):
    """The second factor does not hold, so it is not taken on."""


class AdminKnown(InputRefused):
    """There is an admin of this address."""


class ReasonRefused(InputRefused):
    """Why an edition may leave in spite of what fails is not said, or at too great length."""


class SheetRefused(InputRefused):
    """An article written by hand cannot be taken; `field` says why ("language", "title", "link", "known", "text")."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the article cannot be taken as it is: {field}")
        self.field = field


#: What the faults of fields say where there is no form; the desk has its own words, in both languages.
FAULTS: Mapping[str, str] = {
    "empty": "write something, in one line",
    "long": "this is too long",
    "zone": "there is no such time zone; write one as Europe/Paris",
    "label": "take small letters, figures, points and hyphens, as in en.letter",
    "slug": "take small letters, figures and hyphens, as in arctic-weekly, at most 40",
    "taken": "there is one already",
    "fixed": "it can change no more, since letters have left under it",
    "time": "write a time, as 07:30",
    "choice": "this is none of those that there are",
    "cron": "this is no line of cron with five fields that names a day to come",
    "often": "digests leave an hour apart at least; what cannot wait is a flash",
    "language": "the newsletter has no such language",
    "none": "give it a name and a description in one language at least",
    "link": "put one part between square brackets, as in [privacy policy]: it becomes the link",
    "same": "these words are in force already",
    "unchanged": "this is the newest version as it stands",
}


class FieldsRefused(InputRefused):
    """Fields of a form cannot be taken; `faults` says of each, by its name, why.

    `words` has sentences for faults that the settings tell more of than `FAULTS` can.
    """

    def __init__(self, faults: Mapping[str, str], words: Mapping[str, str] = MappingProxyType({})) -> None:
        said = {**FAULTS, **words}
        super().__init__(", ".join(f"{field}: {said.get(fault, fault)}" for field, fault in faults.items()))
        self.faults = faults


class TemplateRefused(InputRefused):
    """A template of one's own cannot be used: `fault` says why, `name` what of it, `line` where, if that is known."""

    def __init__(self, message: str, *, fault: str, name: str, line: int | None) -> None:
        super().__init__(message)
        self.fault, self.name, self.line = fault, name, line


class LetterUnsettable(InputRefused):
    """No letter can be set from what it is to say; `fault` says why ("mark", "long", "deep", "publisher")."""

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class HeaderInvalid(InputRefused):
    """A value holds a control character or line break and may not enter a header field."""


class TokenInvalid(AppError):
    """Not a token of ours for this purpose."""


class TokenExpired(TokenInvalid):
    """A genuine token past its life."""


class NotFound(AppError):
    """No such row."""


class TextsNotShown(AppError):
    """No page showed the reader what they would agree to."""


class TransitionRefused(AppError):
    """The row's present state does not allow the change."""


class EditionChanged(TransitionRefused):
    """The draft is not the one that was looked at."""


class ChangedMeanwhile(TransitionRefused):
    """Somebody else changed the row in the meantime."""


class GateClosed(TransitionRefused):
    """Checks fail; `failures` are their names."""

    def __init__(self, failures: frozenset[str]) -> None:
        super().__init__(f"the edition does not pass: {', '.join(sorted(failures))}")
        self.failures = failures


class NewsletterClosed(TransitionRefused):
    """The newsletter takes no new readers."""


class DepartureStands(TransitionRefused):
    """The departure cannot be taken back; `why` says the reason ("late", "restricted", "stopped", "closed", "gone")."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this departure stands: {why}")
        self.why = why


class ApprovalRefused(TransitionRefused):
    """The edition wants somebody else's word."""


class LastAdmin(TransitionRefused):
    """They are the only one who may let others into the desk."""


class DraftConflict(TransitionRefused):
    """Two editors changed the same `parts` of a draft: `mine`, all that one of them did, and `theirs`, part by part.

    `actor` was the last.
    """

    def __init__(
        self, parts: list[str], mine: dict[str, str], theirs: dict[str, str], actor: str | None = None
    ) -> None:
        super().__init__("somebody else changed this meanwhile")
        self.parts, self.mine, self.theirs, self.actor = parts, mine, theirs, actor


class SigninRefused(AppError):
    """The sign-in did not hold."""


class SigninThrottled(SigninRefused):
    """Too many failures; try again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts, wait {seconds} s")
        self.seconds = seconds


class SignupThrottled(AppError):
    """Too many sign-ups from one network; try again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many sign-ups, wait {seconds} s")
        self.seconds = seconds


class ProofNeeded(AppError):
    """The sign-up must prove that somebody means it: by work, or by waiting."""


class HookRefused(AppError):
    """A mail provider's report is not authentic, too old, or not readable."""


class FetchRefused(AppError):
    """A URL or file could not be fetched or may not be."""


class HostAway(FetchRefused):
    """The host of a feed or page is not known, or does not answer in time."""


class RecordsUnavailable(AppError):
    """DNS does not answer."""


class MailboxUnavailable(AppError):
    """The mailbox of returned mail cannot be read: away, or it does not let us in."""


class DrillFailed(AppError):
    """The drill could not be carried out."""
