"""Reads a taxonomy's file into topics and the terms that find them; tells every problem with the place where it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from babel import Locale

from app.topics.matching import Target
from app.topics.terms import BadTerm, Term, parse_term
from app.topics.topic import Topic, TopicKind

LANGUAGES = ("fr", "en")
#: What CLDR names beside the countries of ISO 3166-1 (and Kosovo): unions, islands without a code, test codes.
NO_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
NAME_WEIGHT, WORD_WEIGHT, ACTOR_WEIGHT, THEME_WEIGHT = 1.0, 0.8, 0.6, 1.0
LABEL_MAX = 60
_KEY = re.compile(r"[a-z][a-z0-9-]{1,29}")
_SECTIONS = ("themes", "places", "actors", "regions", "ignore")
_Table = Mapping[str, Any]


class Reader:
    """Reads one file; afterwards `topics`, `actors`, `targets` and `problems` hold what it says."""

    def __init__(self, tables: _Table) -> None:
        self.topics: dict[str, Topic] = {}
        self.actors: dict[str, str] = {}
        #: For each language, or None for all, what its texts are searched for.
        self.targets: dict[str | None, list[Target]] = {None: [], **{language: [] for language in LANGUAGES}}
        self.problems = [f"[{name}] is no section" for name in tables if name not in _SECTIONS]
        self._seen: set[tuple[str | None, str | None, str]] = set()
        for key, table in self._tables(tables, "themes"):
            self._read_topic(TopicKind.THEME, key, table, THEME_WEIGHT)
        self._read_places(self._table(tables, "places", "[places]"))
        for key, table in self._tables(tables, "regions"):
            self._read_region(key, table)
        for country, table in self._tables(tables, "actors"):
            self._read_actors(country, table)
        self._read_terms("[ignore]", self._table(tables, "ignore", "[ignore]"), None, 0.0)

    def _read_topic(self, kind: TopicKind, name: str, table: _Table, weight: float) -> None:
        where, key = f"[{kind}s.{name}]", f"{kind}:{name}"
        if not _KEY.fullmatch(name):
            self.problems.append(f"{where}: a key is 2 to 30 small letters, digits and hyphens")
        labels = self._labels(where, table.get("label"))
        countries = frozenset(f"{TopicKind.PLACE}:{code}" for code in table.get("countries", ()))
        self.topics[key] = Topic(key, labels, countries)
        known = {"label", *LANGUAGES, "any"} | ({"countries"} if kind is TopicKind.REGION else set())
        self._refuse_others(where, table, known)
        self._read_terms(where, table, key, weight)

    def _read_region(self, name: str, table: _Table) -> None:
        self._read_topic(TopicKind.REGION, name, table, WORD_WEIGHT)
        countries = self.topics[f"{TopicKind.REGION}:{name}"].countries
        unknown = sorted(countries - set(self.topics))
        if unknown or not countries:
            self.problems.append(f"[regions.{name}]: {', '.join(unknown) or 'it has no countries; these'} are unknown")

    def _read_places(self, table: _Table) -> None:
        names = {language: _country_names(language) for language in LANGUAGES}
        codes = set(names["en"])
        skipped = set(table.get("skip", ()))
        written = set(table) - {"skip"}
        self.problems += [f"[places] {code}: no country has this code" for code in sorted((written | skipped) - codes)]
        for code in sorted(codes):
            own, key = self._table(table, code, f"[places] {code}"), f"{TopicKind.PLACE}:{code}"
            cldr = {language: names[language][code] for language in LANGUAGES}
            label = own.get("label")
            self.topics[key] = Topic(key, self._labels(f"[places] {code}", label) if label else cldr)
            self._refuse_others(f"[places] {code}", own, {"label", *LANGUAGES, "any"})
            self._read_terms(f"[places] {code}", own, key, WORD_WEIGHT)
            for language, name in cldr.items() if code not in skipped else ():
                self._add(language, Target(key, parse_term(name, language=None, weight=NAME_WEIGHT)))

    def _read_actors(self, country: str, table: _Table) -> None:
        key = f"{TopicKind.PLACE}:{country}"
        if key not in self.topics:
            self.problems.append(f"[actors.{country}]: no country has this code")
        for name, spellings in table.items():
            where, actor = f"[actors.{country}] {name}", f"actor:{name}"
            if not _KEY.fullmatch(name) or actor in self.actors:
                self.problems.append(f"{where}: a key is 2 to 30 small letters, digits and hyphens, and stands once")
            for term in self._terms(where, spellings, None, ACTOR_WEIGHT):
                self.actors.setdefault(actor, term.text)
                self._add(None, Target(key, term, actor))

    def _read_terms(self, where: str, table: _Table, key: str | None, weight: float) -> None:
        for language in (*LANGUAGES, None):
            for term in self._terms(f"{where} {language or 'any'}", table.get(language or "any", ()), language, weight):
                self._add(language, Target(key, term))

    def _terms(self, where: str, written: object, language: str | None, weight: float) -> Iterator[Term]:
        if not isinstance(written, list | tuple) or not all(isinstance(each, str) for each in written):
            self.problems.append(f'{where}: give a list of texts, as ["one", "two"]')
            return
        for each in written:
            try:
                yield parse_term(each, language=language, weight=weight)
            except BadTerm as problem:
                self.problems.append(f"{where}: {problem}")

    def _add(self, language: str | None, target: Target) -> None:
        mark = (language, target.key, target.term.text)
        if mark in self._seen:
            self.problems.append(f"{target.key or '[ignore]'}: {target.term.text!r} stands twice")
        self._seen.add(mark)
        self.targets[language].append(target)

    def _labels(self, where: str, label: object) -> dict[str, str]:
        texts = label if isinstance(label, dict) else {}
        labels = {language: str(texts.get(language, "")).strip() for language in LANGUAGES}
        if not all(0 < len(text) <= LABEL_MAX and text.isprintable() for text in labels.values()):
            self.problems.append(
                f'{where}: label = {{ fr = "…", en = "…" }}, each of 1 to {LABEL_MAX} characters, is missing'
            )
        return labels

    def _refuse_others(self, where: str, table: _Table, known: set[str]) -> None:
        self.problems += [f"{where}: {name!r} means nothing here" for name in sorted(set(table) - known)]

    def _tables(self, tables: _Table, section: str) -> Iterator[tuple[str, _Table]]:
        for name in self._table(tables, section, f"[{section}]"):
            yield name, self._table(tables[section], name, f"[{section}.{name}]")

    def _table(self, tables: _Table, name: str, where: str) -> _Table:
        table = tables.get(name, {})
        if isinstance(table, dict):
            return table
        self.problems.append(f"{where}: it must be a table")
        return {}


def _country_names(language: str) -> dict[str, str]:
    """Return the names of all countries by code, without what stands in brackets behind some."""
    names: Mapping[str, str] = Locale(language).territories
    codes = (code for code in names if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES)
    return {code: re.sub(r"\s*\(.*\)", "", names[code]) for code in codes}
