"""What readers see: the form, the confirm, leave and preference pages, the archive, the notices."""

from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, current_app, request, url_for

from app import i18n, templating
from app.clock import now
from app.web import product

LANGUAGE = "<any(fr, en):language>"
#: What addresses of a newsletter begin with; those of the first one, which was alone once, with LANGUAGE.
SECOND = f"/{LANGUAGE}/newsletters/<slug>"

bp = Blueprint("public", __name__)


def register(app: Flask) -> None:
    """Put the public pages on `app`."""
    # The views attach to `bp` as they are imported, and import it from here.
    from app.web.public import (  # noqa: F401,PLC0415
        address,
        answers,
        archive,
        confirm,
        counting,
        crawling,
        feeds,
        leaving,
        my_data,
        notices,
        preferences,
        proof,
        rights,
        search,
        signup,
        topics,
    )

    app.register_blueprint(bp)
    app.context_processor(page_words)


def page_words() -> dict[str, object]:
    """Give every template its words in the language of the address, and what the frame of a page shows."""
    config = product().config
    language = page_language()
    return {
        **templating.words(language),
        "identity": config.identity,
        "slug": None,
        "today": now().astimezone(ZoneInfo(config.timezone)).date(),
        "other_languages": [(code, name, same_page(code)) for code, name in i18n.LANGUAGES.items() if code != language],
    }


def page_language() -> str:
    """Return the language that the address asked for names, or the default one where it names none."""
    named = (request.view_args or {}).get("language") or request.path.lstrip("/").partition("/")[0]
    return named if named in i18n.LANGUAGES else i18n.DEFAULT_LANGUAGE


def same_page(language: str) -> str:
    """Return the path of the page asked for in another language, or of the front page where it has none."""
    endpoint = (request.endpoint or "").removesuffix("_submit")
    arguments = dict(request.view_args or {})
    if "language" not in arguments or endpoint not in current_app.view_functions:
        return f"/{language}/"
    return url_for(endpoint, **{**arguments, "language": language})
