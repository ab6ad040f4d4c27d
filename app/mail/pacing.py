"""When to try again: pure functions of what happened and the time."""

from datetime import datetime, timedelta

from app.mail.transport import Fault, Outcome, OutcomeKind

#: Two tries in the first hour, then every two to three hours, for four to five days (RFC 5321 §4.5.4.1).
FIRST_DELAY = timedelta(minutes=30)
LATER_DELAY = timedelta(hours=2, minutes=30)
GIVE_UP_AFTER = timedelta(days=4, hours=12)
#: A greylist lets the same envelope in after a few minutes (RFC 6647 §2).
GREYLIST_DELAY = timedelta(minutes=10)
GREYLIST_CODES = frozenset({421, 450, 451})
GREYLIST_STATUSES = frozenset({"4.7.1", "4.2.0", None})
#: Time for the server that never answered to have done what it was going to do.
UNCERTAIN_DELAY = timedelta(minutes=15)
#: Retries are spread by up to this share, so that they do not all come back at once.
JITTER = 0.2


def retry_at(
    *, attempt: int, outcome: Outcome, first_at: datetime, now: datetime, jitter: float = 0.0
) -> datetime | None:
    """Return when to try again after the `attempt`-th try (from 1) ended in `outcome`, or None to give up.

    `first_at` is when the letter was queued; `jitter` lies from -1 to 1.
    """
    due = now + _delay(attempt, outcome) * (1 + JITTER * jitter)
    return due if due - first_at <= GIVE_UP_AFTER else None


def _delay(attempt: int, outcome: Outcome) -> timedelta:
    if outcome.kind is OutcomeKind.UNCERTAIN:
        return UNCERTAIN_DELAY
    if attempt == 1 and _looks_like_greylist(outcome):
        return GREYLIST_DELAY
    return FIRST_DELAY if attempt <= 2 else LATER_DELAY


def _looks_like_greylist(outcome: Outcome) -> bool:
    return (
        outcome.code in GREYLIST_CODES and outcome.enhanced in GREYLIST_STATUSES and outcome.fault is not Fault.MAILBOX
    )
