"""Cells of CSV files (RFC 4180) that a spreadsheet would take for formulas: guarded as they leave, and read back."""

#: What a formula begins with, full-width forms among it, and what some programs skip before one (OWASP, CSV injection).
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
GUARD = "'"


def guard(text: str) -> str:
    """Return `text` with an apostrophe before what would be a formula, and before what `unguard` would take for one."""
    return GUARD + text if text.lstrip(GUARD).startswith(FORMULA_SIGNS) else text


def unguard(text: str) -> str:
    """Return what `guard` was given."""
    return text[1:] if text.startswith(GUARD) and text.lstrip(GUARD).startswith(FORMULA_SIGNS) else text
