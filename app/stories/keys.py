"""What an article can be recognised by, in either language: who and where, words, numbers, flaws.

French and English spell most words of a newsroom alike at their beginnings (cyberattaque, cyberattack), and names
almost always: words with the same first letters count as one word (cognates; Simard, Foster and Isabelle, 1992). What
they call otherwise has a second key, which only counts across languages: what it means, by the taxonomy for places and
actors ("place:EE"), by our vocabulary for other words ("word:ransom").
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from babel import Locale

from app.stories.vocabulary import vocabulary_matcher
from app.topics.mentions import mentions
from app.topics.taxonomy import Taxonomy

#: So many letters tell words apart, and leave endings and most differences between the languages out.
STEM_LENGTH = 6
#: Longer numbers are no figures of the news.
NUMBER_LENGTH = 20
TITLE_WEIGHT, TEXT_WEIGHT = 2.0, 1.0
#: A flaw is named by its number: as telling as a word of the title, wherever it stands.
FLAW_WEIGHT = 2.0
#: Flaws are looked for in the first part of the body too.
BODY_CHARS = 5_000
#: Longer articles are recognised by their beginning, as feeds have it.
SUMMARY_CHARS = 1_000
_LANGUAGES = ("fr", "en")

_FLAW = re.compile(r"CVE-\d{4}-\d{4,7}")
_TOKEN = re.compile(r"CVE-\d{4}-\d{4,7}|\d+(?:[.,]\d+)?|[^\W\d_][\w&+]*(?:-\w+)*")
_GROUPED = re.compile(r"(?<=\d)[.,\u00a0\u202f](?=\d{3}(?!\d))")
_COMMON = """
about according across after again against all also amid among and another any are around because been before being
between both but can could did does during each even every few first for from further had has have her here his how
into its itself just last latest like made make makes many may more most much must near new next not now off one only
other our out over own per said same says several she should since some still such than that the their them then there
these they this those three through today too two under until use used uses using very was way ways were what when
where which while who whose why will with within without would year years week weeks month months day days you your
ainsi alors ans apres après assez aucun aussi autre autres aux avant avec avoir avait beaucoup bien car ceci cela celle
celui ces cet cette ceux chaque chez comme comment contre dans depuis dernier derniere des deux dit doit donc dont elle
elles encore entre est etaient etait été etre être eux fait faire faut hors ici ils jour jours jusque jusqu les leur
leurs lors lui mais meme même mois moins non nos notre nous nouveau nouveaux nouvelle nouvelles ont par parmi pas
pendant peu peut peuvent plus plusieurs pour pourquoi premier premiere première puis quand quatre que quel quelle
quelles quels qui quoi sans selon semaine semaines ses seul seulement soit son sont sous sur tandis tel telle tous
tout toute toutes tres très trois trop une vers vos votre vous
"""


def keys_of(taxonomy: Taxonomy, *, title: str, summary: str, body: str, language: str) -> Mapping[str, float]:
    """Return the keys of an article with the weight of each in it, before how rare the key is counts."""
    text = summary[:SUMMARY_CHARS] if summary != title else ""
    keys: dict[str, float] = {}
    named: set[str] = set()
    for matcher in (taxonomy.place_matcher(language), vocabulary_matcher(language)):
        for mention in mentions(matcher, title=title, text=text):
            if not mention.words <= named:
                keys[mention.key] = (TITLE_WEIGHT if mention.is_in_title else TEXT_WEIGHT) * mention.weight
                named |= mention.words
    for part, weight in ((title, TITLE_WEIGHT), (text, TEXT_WEIGHT)):
        for key in _keys(part):
            keys[key] = max(weight, keys.get(key, 0.0))
    for flaw in _FLAW.findall(f"{title}\n{summary}\n{body[:BODY_CHARS]}"):
        keys[flaw] = FLAW_WEIGHT
    return keys


def is_meaning(key: str) -> bool:
    """Tell whether a key is what words mean; those words are keys themselves."""
    return ":" in key


def flaws_of(keys: Mapping[str, float]) -> frozenset[str]:
    """Return the keys that name a flaw by its number (CVE)."""
    return frozenset(key for key in keys if key.startswith("CVE-"))


@lru_cache(maxsize=4_096)
def serial_form(title: str) -> str:
    """Return what stays of a title without numbers, days and months: equal for two numbers of one series."""
    words = (fold(token[0]) for token in _TOKEN.finditer(title) if not token[0][0].isdigit())
    return " ".join(word for word in words if word not in _calendar())


def without_dates(folded: str) -> str:
    """Return folded text without its dates of day, month and year, in either language.

    They stand in the titles of what comes each day, and say when: a broadcast of 28 July is no news of that day.
    """
    return _dates().sub(" ", folded)


def fold(text: str) -> str:
    """Return `text` in small letters, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _keys(text: str) -> Iterator[str]:
    for token in _TOKEN.finditer(without_dates(fold(_GROUPED.sub("", text)))):
        if token[0][0].isdigit():
            number = token[0].replace(",", ".")
            if 1 < len(number) <= NUMBER_LENGTH:
                yield number
        else:
            yield from {word[:STEM_LENGTH] for word in (token[0], *token[0].split("-")) if _tells(word)}


def _tells(word: str) -> bool:
    return len(word) > 1 and word not in _common()


@cache
def _common() -> frozenset[str]:
    """Words that say nothing of an event; those of one or two letters that are no names too."""
    short = "a an as at be by do go he i if in is it me my no of on or so to up us we au ce de du en et il je la le ma "
    short += "me ne ni on ou sa se si ta te tu un va y ai es eu l d s n c j m t qu"
    return frozenset(map(fold, (*_COMMON.split(), *short.split()))) | _calendar()


@cache
def _calendar() -> frozenset[str]:
    names = (
        name
        for language in _LANGUAGES
        for table in (Locale(language).days["format"], Locale(language).months["format"])
        for width in ("wide", "abbreviated")
        for name in table[width].values()
    )
    return frozenset(fold(name).rstrip(".") for name in names) | {"st", "nd", "rd", "th"}


@cache
def _dates() -> re.Pattern[str]:
    months = {
        fold(name).rstrip(".")
        for language in _LANGUAGES
        for width in ("wide", "abbreviated")
        for name in Locale(language).months["format"][width].values()
    }
    month = rf"(?:{'|'.join(sorted(months, key=len, reverse=True))})\b\.?"
    return re.compile(rf"\b(?:\d{{1,2}}(?:er|st|nd|rd|th)? {month}|{month} \d{{1,2}}(?:st|nd|rd|th)?),? \d{{4}}\b")
