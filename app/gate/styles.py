"""The CSS of a letter: its rules and declarations, and which of them count for an element, light and dark."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from app.gate.markup import Element

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_COMPOUND = re.compile(r"(?P<tag>[a-z][a-z0-9]*|\*)?(?P<rest>(?:[.#][A-Za-z_-][\w-]*)*)")
_PART = re.compile(r"([.#])([\w-]+)")

#: What a rule is for: rooms of one kind, or paper alone, where nobody reads on the letter's own ground.
_SCHEME_ASKED = re.compile(r"prefers-color-scheme\s*:\s*(\w+)")
_ON_PAPER = re.compile(r"@media\s+(?:only\s+)?print\b[^,]*$")


class Scheme(StrEnum):
    """What the reader's device asks for."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Declaration:
    """A property and its value, both in lower case."""

    name: str
    value: str
    is_important: bool = False


@dataclass(frozen=True)
class Rule:
    """Declarations for what a selector matches, under an at-rule such as `@media …` or none."""

    at: str
    selector: str
    declarations: tuple[Declaration, ...]

    def counts_in(self, scheme: Scheme) -> bool:
        """Return whether it counts for colours of `scheme` on a screen; widths make no difference to them."""
        asked = _SCHEME_ASKED.findall(self.at)
        return all(each == scheme.value for each in asked) and not _ON_PAPER.search(self.at)


@lru_cache(2_000)
def read_declarations(text: str) -> tuple[Declaration, ...]:
    """Return the declarations of a style attribute, or of what stands between two braces."""
    found = []
    for part in _split_declarations(text):
        name, colon, value = part.partition(":")
        if colon and value.strip():
            plain = value.strip().lower()
            important = plain.endswith("!important")
            found.append(Declaration(name.strip().lower(), plain.removesuffix("!important").strip(), important))
    return tuple(found)


def read_rules(css: str, at: str = "") -> Iterator[Rule]:
    """Yield the rules of a style sheet, those in at-rules with the at-rule around them."""
    rest = _COMMENT.sub("", css)
    while "{" in rest:
        prelude, _, rest = rest.partition("{")
        block, rest = _to_end_of_block(rest)
        prelude = prelude.rpartition(";")[2].strip()
        if prelude.startswith("@") and "{" in block:
            yield from read_rules(block, f"{at} {prelude.lower()}".strip())
        elif prelude.startswith("@"):
            yield Rule(prelude.lower(), "", read_declarations(block))
        else:
            for selector in prelude.split(","):
                yield Rule(at, selector.strip(), read_declarations(block))


def rules_of(page: Element) -> tuple[Rule, ...]:
    """Return the rules of all style elements of a letter."""
    sheets = [element for element in page.walk() if element.tag == "style"]
    return tuple(rule for sheet in sheets for rule in read_rules("".join(sheet.texts)))


class Cascade:
    """Which declarations of the properties `names` count for the elements of one letter under one scheme."""

    def __init__(self, rules: Sequence[Rule], scheme: Scheme, names: Collection[str]) -> None:
        self._names = names
        self._rules = [
            (compounds, _weight(compounds), rule)
            for rule in rules
            if rule.counts_in(scheme) and any(each.name in names for each in rule.declarations)
            if (compounds := _compounds(rule.selector))
        ]

    def declared(self, element: Element) -> dict[str, str]:
        """Return the winning value of each property that is declared for `element` itself.

        `background` declares the colour of the ground: whichever wins stands as `background-color`.
        """
        found: dict[str, tuple[tuple[bool, bool, tuple[int, int, int], int], str]] = {}
        inline = read_declarations(element.attributes.get("style", ""))
        given = [((each.is_important, True, (0, 0, 0), place), each) for place, each in enumerate(inline)]
        for place, (compounds, weight, rule) in enumerate(self._rules):
            if _matches(element, compounds):
                given += [((each.is_important, False, weight, place), each) for each in rule.declarations]
        for rank, declaration in given:
            if declaration.name not in self._names:
                continue
            name = "background-color" if declaration.name == "background" else declaration.name
            if name not in found or found[name][0] <= rank:
                found[name] = rank, declaration.value
        return {name: value for name, (_, value) in found.items()}


@dataclass(frozen=True)
class _Compound:
    tag: str
    classes: frozenset[str]
    ids: frozenset[str]
    is_child: bool

    def fits(self, element: Element) -> bool:
        return (
            self.tag in {"", "*", element.tag}
            and self.classes <= element.classes
            and self.ids <= {element.attributes.get("id", "")}
        )


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """Return the parts of a selector, or nothing where it says more than tags, classes and ids."""
    compounds, is_child = [], False
    for word in re.sub(r"\s*>\s*", " > ", selector).split():
        if word == ">":
            is_child = True
            continue
        found = _COMPOUND.fullmatch(word)
        if found is None:
            return ()
        parts = _PART.findall(found["rest"])
        classes = frozenset(name for sign, name in parts if sign == ".")
        ids = frozenset(name for sign, name in parts if sign == "#")
        compounds.append(_Compound(found["tag"] or "", classes, ids, is_child))
        is_child = False
    return tuple(compounds)


def _weight(compounds: Sequence[_Compound]) -> tuple[int, int, int]:
    """Return the specificity: ids, classes, tags (Selectors Level 3 §9)."""
    return (
        sum(len(each.ids) for each in compounds),
        sum(len(each.classes) for each in compounds),
        sum(each.tag not in {"", "*"} for each in compounds),
    )


def _matches(element: Element, compounds: Sequence[_Compound]) -> bool:
    last, before = compounds[-1], compounds[:-1]
    if not last.fits(element):
        return False
    if not before:
        return True
    around = [element.parent] if last.is_child else list(element.above())[1:]
    return any(each is not None and _matches(each, before) for each in around)


def _split_declarations(text: str) -> list[str]:
    """Return the declarations of `text`; a semicolon in brackets or quotes ends none."""
    return re.findall(r"""(?:[^;"'(]|"[^"]*"|'[^']*'|\([^)]*\))+""", text)


def _to_end_of_block(text: str) -> tuple[str, str]:
    depth = 1
    for place, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return text[:place], text[place + 1 :]
    return text, ""
