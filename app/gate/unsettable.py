"""Why a letter cannot be set, as a finding, and in words: the reasons are facts until somebody reads them."""

from app.errors import InputRefused, LetterUnsettable, TemplateRefused
from app.gate.findings import Finding, What
from app.i18n import gettext
from app.sandbox.faults import Fault, say

#: The fault is the template's: what is wrong with it, of what, and the line follow.
_TEMPLATE = "template"


def finding_of(refusal: InputRefused) -> Finding:
    """Return that a letter cannot be set, with the reason as its names."""
    if isinstance(refusal, TemplateRefused):
        line = "" if refusal.line is None else str(refusal.line)
        return Finding(What.UNSETTABLE, names=(_TEMPLATE, refusal.fault, refusal.name, line))
    return Finding(What.UNSETTABLE, names=(refusal.fault,) if isinstance(refusal, LetterUnsettable) else ())


def in_words(finding: Finding, language: str) -> str:
    """Return why a letter cannot be set, as a sentence; nothing where the finding is another, or tells none."""
    if finding.what is not What.UNSETTABLE or not finding.names:
        return ""
    fault, *rest = finding.names
    if fault == _TEMPLATE:
        of_template, name, line = rest
        return say(Fault(of_template), name, int(line) if line else None, language)
    return {
        "mark": gettext(language, "A text holds one of our own marks for personal links"),
        "long": gettext(language, "It is too long for one letter"),
        "deep": gettext(language, "It nests too deeply"),
        "publisher": gettext(language, "It must name its publisher and postal address"),
    }[fault]
