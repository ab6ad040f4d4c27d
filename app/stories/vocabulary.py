"""The words that French and English begin differently, each pair under one key (`vocabulary.toml`)."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.topics.matching import Matcher, Target
from app.topics.terms import parse_term

_FILE = Path(__file__).with_name("vocabulary.toml")


@cache
def vocabulary_matcher(language: str) -> Matcher:
    """Return what finds these words in texts of `language`; nothing in those of a third one."""
    return Matcher(_targets(language))


def _targets(language: str) -> Iterator[Target]:
    for name, terms in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        for written in terms.get(language, ()):
            yield Target(f"word:{name}", parse_term(written, language=language, weight=1.0))
