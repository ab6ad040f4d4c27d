"""The form in which readers choose what to read and when: what stands in it, and what it comes to.

It is shown again as it was sent where something in it cannot be: nothing is lost, and each problem names its field.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from babel import Locale
from werkzeug.datastructures import MultiDict

from app.choices.choices import MONTHDAYS, TOPICS_MAX, Interests, Timing
from app.choices.choosing import Chosen
from app.choices.models import Cadence
from app.clock import zones
from app.errors import InputRefused
from app.i18n import LANGUAGES
from app.topics.taxonomy import Taxonomy
from app.topics.topic import TopicKind
from app.topics.words import words_of

#: Instead of a cadence: as the newsletter comes.
NEWSLETTER = "newsletter"
#: What the fields of time hold before anything was chosen.
HOUR, WEEKDAY, MONTHDAY = 7, 0, 1
#: Characters of what one may write in a field.
WRITTEN_MAX = 400
#: Unknown names that are told at once: to look for what may have been meant takes milliseconds for each.
UNKNOWN_TOLD = 3
#: How alike a name is to what may have been meant: "Frence" and France, but not Atlantis and Albania.
ALIKE = 0.7
#: The beginnings of the zones that are offered: those that are named by a place.
AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_BETWEEN_NAMES = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field, named by its id: that nothing is called as `written`, or too much was chosen.

    `hint` is what may have been meant, or the topic that is both followed and left out.
    """

    field: str
    written: str = ""
    hint: str = ""


class ChoicesRefused(InputRefused):
    """What stands in the form cannot be chosen; `problems` says where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("these choices cannot be")


@dataclass(frozen=True)
class ChoiceForm:
    """What stands in the form: boxes that are ticked, and texts as they were written.

    `follow_more` and `mute_more` are names of places, to be ticked from then on.
    """

    also_reads: bool = False
    followed: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()
    follow_more: str = ""
    mute_more: str = ""
    cadence: str = NEWSLETTER
    hour: str = str(HOUR)
    weekday: str = str(WEEKDAY)
    monthday: str = str(MONTHDAY)
    timezone: str = ""

    @classmethod
    def sent(cls, fields: MultiDict[str, str]) -> "ChoiceForm":
        """Return the form as a reader sent it."""
        texts = ("follow_more", "mute_more", "cadence", "hour", "weekday", "monthday", "timezone")
        return cls(
            also_reads="also_reads" in fields,
            followed=frozenset(fields.getlist("followed")),
            muted=frozenset(fields.getlist("muted")),
            **{name: fields.get(name, "")[:WRITTEN_MAX].strip() for name in texts},
        )

    @classmethod
    def filled(cls, chosen: Chosen, *, language: str, timezone: str) -> "ChoiceForm":
        """Return the form as it says what was chosen by a reader of `language`; the zone is the newsletter's before."""
        interests, timing = chosen.interests, chosen.timing
        form = cls(
            also_reads=bool({*interests.also_reads} - {language}), followed=interests.followed, muted=interests.muted
        )
        if timing is None:
            return replace(form, timezone=timezone)
        form = replace(form, cadence=timing.cadence.value, hour=str(timing.hour), timezone=timing.timezone)
        if timing.cadence is Cadence.WEEKLY:
            return replace(form, weekday=str(timing.day))
        return replace(form, monthday=str(timing.day)) if timing.cadence is Cadence.MONTHLY else form

    def read(self, taxonomy: Taxonomy) -> Chosen:
        """Return what it comes to.

        Raises ChoicesRefused, with each problem, for what a reader may write, InputRefused for what no page offers.
        """
        problems: list[Problem] = []
        followed = self.followed | _places(self.follow_more, taxonomy, "follow-more", problems)
        muted = self.muted | _places(self.mute_more, taxonomy, "mute-more", problems)
        if len(followed | muted) > TOPICS_MAX:
            problems.append(Problem("themes"))
        both = sorted(followed & muted & taxonomy.topics.keys())
        problems += [Problem("left-out", hint=topic) for topic in both[:UNKNOWN_TOLD]]
        timing = self._timing(problems)
        if problems:
            raise ChoicesRefused(problems)
        also_reads = tuple(LANGUAGES) if self.also_reads else ()
        interests = Interests.checked(also_reads=also_reads, followed=followed, muted=muted, known=taxonomy.topics)
        return Chosen(interests, timing)

    def _timing(self, problems: list[Problem]) -> Timing | None:
        if self.cadence == NEWSLETTER:
            return None
        if self.cadence not in list(Cadence):
            raise InputRefused("there is no such cadence")
        cadence = Cadence(self.cadence)
        day = {Cadence.WEEKLY: self.weekday, Cadence.MONTHLY: self.monthday}.get(cadence, "0")
        zone = _zone(self.timezone, problems)
        if zone is None:
            return None
        return Timing.checked(cadence=cadence, hour=_number(self.hour), day=_number(day), timezone=zone)


def choices_panel(
    taxonomy: Taxonomy,
    chosen: Chosen,
    *,
    letters_language: str,
    page_language: str,
    timezone: str,
    sent: ChoiceForm | None = None,
    problems: Sequence[Problem] = (),
) -> dict[str, object]:
    """Return what `_partials/choices.html` shows: what is chosen, what may be, and the form.

    The form stands as it was `sent`, where it could not be stored, else as was `chosen` before; then with the zone of
    the newsletter, `timezone`.
    """
    known = Chosen(chosen.interests.among(taxonomy.topics), chosen.timing)
    return {
        **said_choices(taxonomy, chosen, letters_language=letters_language, page_language=page_language),
        "form": sent or ChoiceForm.filled(known, language=letters_language, timezone=timezone),
        "problems": problems,
        "topics": {kind.value: taxonomy.of_kind(kind, page_language) for kind in TopicKind},
        "label": partial(taxonomy.label, language=page_language),
        "topics_max": TOPICS_MAX,
        "zones": offered_zones(),
        "monthdays": MONTHDAYS,
    }


def said_choices(taxonomy: Taxonomy, chosen: Chosen, *, letters_language: str, page_language: str) -> dict[str, object]:
    """Return what says in words what a reader chose whose letters are in `letters_language`."""
    interests = chosen.interests.among(taxonomy.topics)
    return {
        "interests": interests,
        "timing": chosen.timing,
        "has_chosen": chosen != Chosen(Interests(), None),
        "letters_language": letters_language,
        "followed_names": _labels(taxonomy, interests.followed, page_language),
        "left_out_names": _labels(taxonomy, interests.muted, page_language),
    }


def place_names(taxonomy: Taxonomy) -> Mapping[str, str]:
    """Return the keys of countries and regions by all their names, without capitals, accents and signs."""
    places = (topic for topic in taxonomy.topics.values() if topic.kind is not TopicKind.THEME)
    names: dict[str, str] = {}
    for topic in places:
        for label in topic.labels.values():
            names.setdefault(_plain(label), topic.key)
    return names


@cache
def offered_zones() -> tuple[str, ...]:
    """Return the names of the time zones that are offered."""
    return tuple(sorted(zone for zone in zones() if zone.partition("/")[0] in AREAS))


@cache
def zone_names() -> Mapping[str, str]:
    """Return the offered zones by their names, and by those of their cities in all our languages."""
    cities: dict[str, str] = {}
    for zone in offered_zones():
        cities.setdefault(_plain(zone.rpartition("/")[2]), zone)
        for language in LANGUAGES:
            city = Locale(language).time_zones.get(zone, {}).get("city")
            cities.setdefault(_plain(city or zone), zone)
    return cities | {_plain(zone): zone for zone in offered_zones()}


def _labels(taxonomy: Taxonomy, topics: Iterable[str], language: str) -> list[str]:
    return sorted((taxonomy.label(topic, language) for topic in topics), key=_plain)


def _places(written: str, taxonomy: Taxonomy, field: str, problems: list[Problem]) -> frozenset[str]:
    """Return the keys of the places that are named, as pages or texts name them; add a problem for each unknown one."""
    asked = [name.strip() for name in _BETWEEN_NAMES.split(written) if name.strip()]
    if not asked:
        return frozenset()
    names = place_names(taxonomy)
    known = {**taxonomy.words_for_places, **names}
    unknown = [name for name in dict.fromkeys(asked) if _plain(name) not in known]
    problems.extend(Problem(field, name, _nearest(name, names)) for name in unknown[:UNKNOWN_TOLD])
    return frozenset(known[_plain(name)] for name in asked if _plain(name) in known)


def _zone(written: str, problems: list[Problem]) -> str | None:
    """Return the zone of that name, or of that city; where there is none, add the problem."""
    if written in zones():
        return written
    zone = zone_names().get(_plain(written))
    if zone is None:
        problems.append(Problem("timezone", written, _nearest(written, zone_names())))
    return zone


def _nearest(written: str, names: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(_plain(written), names, n=1, cutoff=ALIKE)
    return names[near[0]] if near else ""


def _plain(name: str) -> str:
    return " ".join(words_of(name.replace("_", " ")).folded)


def _number(text: str) -> int:
    """Return the number that a field offers, or -1, which nothing is, for what it does not."""
    return int(text) if text.isascii() and text.isdecimal() else -1
