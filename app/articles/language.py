"""Tells which language a text is in. The model comes with its library; nothing is fetched."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

#: Shorter texts are mostly names, which are the same in many languages.
TEXT_MIN_CHARS = 60
#: More says nothing more.
TEXT_MAX_CHARS = 600
CERTAIN = 0.95


def detect_language(text: str) -> str | None:
    """Return the two-letter code (ISO 639-1) of the language of `text`, or None where that is not certain."""
    text = text[:TEXT_MAX_CHARS]
    if len(text) < TEXT_MIN_CHARS:
        return None
    language, certainty = _identifier().classify(text)
    return str(language) if certainty >= CERTAIN and len(language) == 2 else None


@cache
def _identifier() -> "LanguageIdentifier":
    """Return the identifier; to load it takes half a second, and a number library that few processes need."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
