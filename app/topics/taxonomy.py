"""The taxonomy: themes, places and regions with their names in both languages, and the words by which they are known.

It comes from a file that editors may replace (`taxonomy.toml` is ours) and from CLDR, which names all countries.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

from app.errors import InputRefused
from app.topics.matching import Matcher
from app.topics.reading import LANGUAGES, WORD_WEIGHT, Reader
from app.topics.topic import Topic, TopicKind
from app.topics.words import words_of

OURS = Path(__file__).with_name("taxonomy.toml")
FILE_MAX_BYTES = 2_000_000
#: Raised when the rules change what they make of the same file and text: all articles are classified anew.
RULES = 2


class TaxonomyInvalid(InputRefused):
    """A taxonomy's file is wrong; `problems` holds a sentence for each thing, with the place where it stands."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{file}: " + "; ".join(problems))


class Taxonomy:
    """All topics, and what finds them in texts. `digest` changes whenever a text might be classified otherwise."""

    def __init__(self, reader: Reader, digest: str) -> None:
        self.digest = digest
        self.topics = reader.topics
        #: What an actor is called, by its key ("actor:nso-group").
        self.actors = reader.actors
        self._targets = reader.targets
        self._matchers: dict[tuple[str, bool], Matcher] = {}
        self._ordered: dict[tuple[TopicKind, str], list[Topic]] = {}
        self._regions: dict[str, tuple[str, ...]] = {
            country: tuple(topic.key for topic in self.topics.values() if country in topic.countries)
            for country in self.topics
        }

    @property
    def terms(self) -> int:
        """How many terms there are."""
        return sum(len(targets) for targets in self._targets.values())

    def label(self, key: str, language: str) -> str:
        """Return what the topic of `key` is called in `language`; the key itself where the taxonomy has lost it."""
        topic = self.topics.get(key)
        return topic.labels[language] if topic else key

    def regions_of(self, country: str) -> tuple[str, ...]:
        """Return the keys of the regions in which a country lies, given its key ("place:AZ")."""
        return self._regions.get(country, ())

    @cached_property
    def words_for_places(self) -> Mapping[str, str]:
        """The keys of places by the folded words that surely mean them in a text, such as "usa" or "birmanie"."""
        found: dict[str, set[str]] = {}
        for target in (each for targets in self._targets.values() for each in targets):
            is_place = target.key is not None and not target.key.startswith(TopicKind.THEME.prefix)
            if not is_place or target.actor or target.term.is_unsure or target.term.weight < WORD_WEIGHT:
                continue
            for spelling in target.term.spellings():
                found.setdefault(" ".join(spelling), set()).add(str(target.key))
        return {words: min(keys) for words, keys in found.items() if len(keys) == 1}

    def of_kind(self, kind: TopicKind, language: str) -> list[Topic]:
        """Return the topics of one kind, ordered by their names in `language`, accents aside."""
        if (kind, language) not in self._ordered:
            chosen = (topic for topic in self.topics.values() if topic.kind is kind)
            self._ordered[kind, language] = sorted(chosen, key=lambda topic: words_of(topic.labels[language]).folded)
        return self._ordered[kind, language].copy()

    def theme_matcher(self, language: str) -> Matcher:
        """Return what finds themes in texts of `language`; the words of all languages for one that we don't speak."""
        return self._matcher(language, is_theme=True)

    def place_matcher(self, language: str) -> Matcher:
        """Return what finds places, regions and actors in texts of `language`, as `theme_matcher` does."""
        return self._matcher(language, is_theme=False)

    def _matcher(self, language: str, *, is_theme: bool) -> Matcher:
        found = self._matchers.get((language, is_theme))
        if found is None:
            spoken = [language] if language in LANGUAGES else [*LANGUAGES]
            targets = [target for each in (*spoken, None) for target in self._targets[each]]
            start = TopicKind.THEME.prefix
            wanted = (each for each in targets if each.key is None or each.key.startswith(start) is is_theme)
            found = self._matchers[language, is_theme] = Matcher(wanted)
        return found


@cache
def load(path: Path | None = None) -> Taxonomy:
    """Return the taxonomy in the file at `path`, else ours; a file is read once in a process.

    Raises TaxonomyInvalid, with every problem, for a file that cannot be read or is wrong.
    """
    file = path or OURS
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_MAX_BYTES + 1)
        if len(data) > FILE_MAX_BYTES:
            raise TaxonomyInvalid(file, [f"the file is larger than {FILE_MAX_BYTES // 1_000_000} MB"])
        tables = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise TaxonomyInvalid(file, [f"the file cannot be read: {error.strerror}"]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaxonomyInvalid(file, [f"the file is no TOML in UTF-8: {error}"]) from error
    reader = Reader(tables)
    if reader.problems:
        raise TaxonomyInvalid(file, reader.problems)
    made_of = f"{RULES} {version('babel')} ".encode() + data
    return Taxonomy(reader, hashlib.sha256(made_of).hexdigest()[:32])
