"""The subject and preheader of an edition: those we propose, and what an editor's own must keep to."""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.editions.excerpts import shorten
from app.errors import HeaderInvalid, InputRefused
from app.i18n import gettext, ngettext, plain_day
from app.mail.letter import check_subject

#: Most inboxes show no more of a subject.
SUBJECT_LENGTH = 90
MAX_SUBJECT_LENGTH = 200
#: A shorter preheader lets the first words of the letter run into it; a longer one is cut.
PREHEADER_LENGTH = (40, 110)


def subject_for(titles: Sequence[str], language: str, *, at: datetime, zone: str) -> str:
    """Return the subject of a digest: its first title that can stand in a header, or else the day of `at` in `zone`."""
    for title in titles:
        try:
            return check_subject(shorten(title, SUBJECT_LENGTH))
        except HeaderInvalid:
            continue
    return gettext(language, "The edition of %(day)s", day=plain_day(language, _day(at, zone)))


def preheader_for(titles: Sequence[str], language: str, *, since: datetime, until: datetime, zone: str) -> str:
    """Return what the inbox shows after the subject: the next titles, or how much there is to read, of which days."""
    low, high = PREHEADER_LENGTH
    others = " · ".join(titles[1:])
    if others:
        others = shorten(gettext(language, "Also to read: %(titles)s", titles=others), high)
    if len(others) >= low:
        return others
    first, last = _day(since, zone), _day(until, zone)
    if first == last:
        return ngettext(
            language,
            "%(num)s article to read, from what came on %(day)s",
            "%(num)s articles to read, from what came on %(day)s",
            len(titles),
            day=plain_day(language, last),
        )
    return ngettext(
        language,
        "%(num)s article to read, from %(since)s to %(until)s",
        "%(num)s articles to read, from %(since)s to %(until)s",
        len(titles),
        since=plain_day(language, first),
        until=plain_day(language, last),
    )


def checked_subject(subject: str) -> str:
    """Return an editor's subject, trimmed. Raises HeaderInvalid or InputRefused, saying why."""
    subject = check_subject(subject.strip())
    if len(subject) > MAX_SUBJECT_LENGTH:
        raise InputRefused(f"the subject has more than {MAX_SUBJECT_LENGTH} characters")
    return subject


def checked_preheader(preheader: str, subject: str) -> str:
    """Return an editor's preheader, trimmed. Raises HeaderInvalid or InputRefused, saying why."""
    preheader = one_line(preheader)
    low, high = PREHEADER_LENGTH
    if not low <= len(preheader) <= high:
        raise InputRefused(f"the preheader takes {low} to {high} characters; this one has {len(preheader)}")
    if preheader.casefold() == subject.casefold():
        raise InputRefused("the preheader repeats the subject")
    return preheader


def one_line(text: str) -> str:
    """Return a line of plain text, trimmed. Raises HeaderInvalid for control characters and line breaks."""
    text = unicodedata.normalize("NFC", text.strip())
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise HeaderInvalid("this is to be one line of plain text")
    return text


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()
