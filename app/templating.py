"""Templates outside a request: one strict Jinja environment for letters. Knows no Flask."""

from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app import i18n, retold

#: What all templates may filter texts through, those of pages too.
FILTERS = {"bound": i18n.bound}
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@cache
def environment() -> Environment:
    """Return the environment for everything under `templates/`; `.txt` is not escaped, all else is."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html", "mjml"), default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    return made


def words(language: str) -> dict[str, object]:
    """Return what every template may call, bound to `language`, and `language` itself."""
    return {
        "language": language,
        "_": partial(i18n.gettext, language),
        "ngettext": partial(i18n.ngettext, language),
        "day": partial(i18n.day, language),
        "day_beside": partial(i18n.day_beside, language),
        "written_day": partial(i18n.written_day, language),
        "moment": partial(i18n.moment, language),
        "moment_or_day": partial(i18n.moment_or_day, language),
        "weekday": partial(i18n.weekday, language),
        "why_unread": partial(retold.why_unread, language),
        "why_done": partial(retold.why_done, language),
    }


def render(template: str, language: str, **context: object) -> str:
    """Return `template`, a path below `templates/`, rendered in `language`. Raises jinja2.UndefinedError."""
    return environment().get_template(template).render(**words(language), **context)
