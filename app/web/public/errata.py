"""What readers were told was corrected of articles, beside these wherever they are shown in public."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from app.digests.errata import errata_of
from app.digests.models import Erratum
from app.editions.clippings import Clip
from app.editions.introduction import introduction_html
from app.web import product


@dataclass(frozen=True)
class Told:
    """An erratum as a page shows it; the note is empty where none was written in the page's language."""

    on: date
    note: Markup


def told(errata: Sequence[Erratum], *, language: str, zone: str) -> list[Told]:
    """Return errata for a page in `language`, dated in `zone`."""
    return [Told(_day(each, zone), introduction_html(each.notes.get(language, ""), language)) for each in errata]


def changed_at(at: datetime, errata: Iterable[Erratum]) -> datetime:
    """Return when something that was sent `at` that time was last corrected, or `at`."""
    return max([at, *(each.at for each in errata)])


def corrected_on(clips: Collection[Clip]) -> Mapping[Clip, date]:
    """Return when clippings were last corrected, for those that were."""
    with product().database.reading() as session:
        found = errata_of(session, clips)
    return {clip: _day(errata[-1], clip.zone) for clip, errata in found.items() if errata}


def _day(erratum: Erratum, zone: str) -> date:
    return erratum.at.astimezone(ZoneInfo(zone)).date()
