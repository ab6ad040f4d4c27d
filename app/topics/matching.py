"""Finds terms in words: a tree of words, walked once, the longest phrase first. Knows no scores.

Measured on texts of 600 words against `ahocorasick-rs` and one compiled expression: docs/topics.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.topics.terms import Capitals, Term
from app.topics.words import Words

#: Shouted words of so few letters are not taken for acronyms: "TELL US MORE".
SHOUTED_ACRONYM_MIN_CHARS = 4
#: First words whose places in the tree are remembered; more than any language has in daily use.
REMEMBERED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Target:
    """What a term counts for: a topic's key, or an actor's beside it. Without a key it only keeps its words."""

    key: str | None
    term: Term
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found: for what, where its first word stands, and how it is written there."""

    target: Target
    at: int
    written: str


@dataclass(slots=True)
class _Node:
    words: dict[str, "_Node"] = field(default_factory=dict)
    prefixes: dict[str, "_Node"] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)

    def steps(self, word: str) -> list["_Node"]:
        exact = self.words.get(word)
        found = [node for prefix, node in self.prefixes.items() if word.startswith(prefix)]
        return [exact, *found] if exact is not None else found


class Matcher:
    """A tree of terms. Built once, shared by threads: looking something up changes nothing but what is remembered."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._root = _Node()
        self._starts: dict[str, list[_Node]] = {}
        for target in targets:
            for spelling in target.term.spellings():
                self._put(spelling, target)

    def find(self, words: Words) -> Iterator[Hit]:
        """Yield the terms in `words`, left to right; a word belongs to one phrase only."""
        folded, at, is_shouted = words.folded, 0, words.is_shouted
        while at < len(folded):
            starts = self._starts.get(folded[at])
            if starts is None:
                starts = self._remember(folded[at])
            end: int = at
            targets: list[Target] = []
            for node in starts:
                here = self._longest(node, words, at, at + 1, is_shouted=is_shouted)
                if here[0] > end:
                    end, targets = here
            for target in targets:
                yield Hit(target, at, words.written(at, end))
            at = max(end, at + 1)

    def _longest(self, node: _Node, words: Words, start: int, at: int, *, is_shouted: bool) -> tuple[int, list[Target]]:
        """Return where the longest phrase ends that goes on from `node`, and its terms; `start` where there is none."""
        if at < len(words.folded) and (node.words or node.prefixes):
            for step in node.steps(words.folded[at]):
                found = self._longest(step, words, start, at + 1, is_shouted=is_shouted)
                if found[0] > start:
                    return found
        here = [target for target in node.targets if _fits(target.term, words, start, is_shouted=is_shouted)]
        return (at, here) if here else (start, [])

    def _remember(self, word: str) -> list[_Node]:
        if len(self._starts) >= REMEMBERED_MAX:
            self._starts.clear()
        steps = self._root.steps(word)
        self._starts[word] = steps
        return steps

    def _put(self, spelling: tuple[str, ...], target: Target) -> None:
        node = self._root
        for word in spelling:
            branch = node.prefixes if word.endswith("*") else node.words
            node = branch.setdefault(word.removesuffix("*"), _Node())
        # Two terms of one topic may have a form in common, as a singular and a plural that an editor wrote out.
        mark = (target.key, target.actor, target.term.capitals)
        if mark not in {(each.key, each.actor, each.term.capitals) for each in node.targets}:
            node.targets.append(target)


def _fits(term: Term, words: Words, start: int, *, is_shouted: bool) -> bool:
    for place, capitals in enumerate(term.capitals):
        word = words.cased[start + place]
        if capitals is Capitals.ALL and not (
            word.isupper() and not (is_shouted and len(word) < SHOUTED_ACRONYM_MIN_CHARS)
        ):
            return False
        if capitals is Capitals.FIRST and not word[0].isupper():
            return False
    return True
