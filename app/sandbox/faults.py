"""What may be wrong with a template of one's own, and how it is said."""

from enum import StrEnum

from app.errors import TemplateRefused
from app.i18n import gettext


class Fault(StrEnum):
    """What is wrong; with most of them goes a name."""

    SYNTAX = "syntax"
    STATEMENT = "statement"
    FILTER = "filter"
    TEST = "test"
    VARIABLE = "variable"
    VALUE = "value"
    CALL = "call"
    TIME = "time"
    MEMORY = "memory"
    LENGTH = "length"
    DEPTH = "depth"
    TAG = "tag"
    BALANCE = "balance"
    CONVERTED = "converted"
    ATTRIBUTE = "attribute"
    ADDRESS = "address"
    PICTURE = "picture"
    PIXEL = "pixel"
    STYLE = "style"
    LANGUAGE = "language"
    LINK_MISSING = "link-missing"
    LINK_DRESSED = "link-dressed"
    TEXT_MISSING = "text-missing"
    STORY_MISSING = "story-missing"
    CHECK = "check"


def refuse(fault: Fault, name: str = "", line: int | None = None) -> TemplateRefused:
    """Return the refusal of a template for a `fault` on a `line` of it, where that is known."""
    return TemplateRefused(say(fault, name, line, "en"), fault=fault.value, name=name, line=line)


def in_words(refusal: TemplateRefused, language: str) -> str:
    """Return a refusal as a sentence in `language`."""
    return say(Fault(refusal.fault), refusal.name, refusal.line, language)


def say(fault: Fault, name: str, line: int | None, language: str) -> str:
    """Return a fault as a sentence that names the line."""
    sentence = _sentence(fault, name, language)
    return sentence if line is None else gettext(language, "Line %(line)s: %(fault)s", line=line, fault=sentence)


def _sentence(fault: Fault, name: str, language: str) -> str:
    sentences = {
        Fault.SYNTAX: gettext(language, "this cannot be read: %(name)s", name=name),
        Fault.STATEMENT: gettext(language, "“%(name)s” is not for templates", name=name),
        Fault.FILTER: gettext(language, "there is no filter “%(name)s”", name=name),
        Fault.TEST: gettext(language, "there is no test “%(name)s”", name=name),
        Fault.VARIABLE: gettext(language, "there is no variable “%(name)s”", name=name),
        Fault.VALUE: gettext(language, "this cannot be worked out: %(name)s", name=name),
        Fault.CALL: gettext(language, "only macros of the template itself may be called"),
        Fault.TIME: gettext(language, "the template takes too long: it has %(name)s s", name=name),
        Fault.MEMORY: gettext(language, "the template takes too much memory, or broke what sets it"),
        Fault.LENGTH: gettext(language, "the letter becomes too long: it may have %(name)s kB", name=name),
        Fault.DEPTH: gettext(language, "tags are nested too deeply"),
        Fault.TAG: gettext(language, "<%(name)s> may not stand in a letter", name=name),
        Fault.BALANCE: gettext(language, "<%(name)s> is not closed, or closed in the wrong place", name=name),
        Fault.CONVERTED: gettext(language, "this is no MJML: %(name)s", name=name),
        Fault.ATTRIBUTE: gettext(language, "the attribute “%(name)s” may not stand in a letter", name=name),
        Fault.ADDRESS: gettext(language, "“%(name)s” is no address that a letter may lead to", name=name),
        Fault.PICTURE: gettext(
            language, "a picture must come from your own domain, by https, as PNG, JPEG or GIF: “%(name)s”", name=name
        ),
        Fault.PIXEL: gettext(language, "a picture nobody can see only counts readers: “%(name)s”", name=name),
        Fault.STYLE: gettext(language, "“%(name)s” may not stand in a style", name=name),
        Fault.LANGUAGE: gettext(language, "the letter must say its language: <mjml lang=\"{{ language }}\">"),
        Fault.LINK_MISSING: gettext(language, "a link to {{ %(name)s }} is missing", name=name),
        Fault.LINK_DRESSED: gettext(
            language, "{{ %(name)s }} may only stand in <a href=\"…\">, around plain words", name=name
        ),
        Fault.TEXT_MISSING: gettext(language, "{{ %(name)s }} is missing", name=name),
        Fault.STORY_MISSING: gettext(language, "a story is missing: “%(name)s”", name=name),
        Fault.CHECK: gettext(language, "the letter does not pass the gate: %(name)s", name=name),
    }  # fmt: skip
    return sentences[fault]
