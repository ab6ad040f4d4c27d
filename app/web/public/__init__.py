"""What readers see: the form, the confirm, leave and preference pages, the archive, the notices."""

from flask import Blueprint, Flask

from app import templating

LANGUAGE = "<any(fr, en):language>"

bp = Blueprint("public", __name__)


def register(app: Flask) -> None:
    """Put the public pages on `app`."""
    from app.web.public import archive, leaving, notices, preferences, signup  # noqa: F401,PLC0415 - views attach to bp

    app.register_blueprint(bp)
    app.context_processor(page_words)


def page_words() -> dict[str, object]:
    """Give every template its words in the language of the address."""
    from flask import request  # noqa: PLC0415

    return templating.words((request.view_args or {}).get("language", "fr"))
