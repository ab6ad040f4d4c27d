"""The desk: where admins compile, preview, send and watch."""

from flask import Blueprint, Flask

#: The addresses of one edition, newsletter, schedule, article, story, source, flood and reader; numbers that no
#: database counts to are not found.
EDITION = f"/editions/<int(max={2**31 - 1}):edition_id>"
SOURCE = f"/sources/<int(max={2**31 - 1}):source_id>"
FLOOD = f"/sources/floods/<int(max={2**31 - 1}):flood_id>"
ARTICLE = f"/articles/<int(max={2**31 - 1}):article_id>"
STORY = f"/stories/<int(max={2**31 - 1}):story_id>"
SCHEDULE = f"/schedules/<int(max={2**31 - 1}):schedule_id>"
NEWSLETTER = f"/newsletters/<int(max={2**31 - 1}):newsletter_id>"
READER = "/readers/<string(length=22):public_id>"

bp = Blueprint("admin", __name__, url_prefix="/admin")


def register(app: Flask) -> None:
    """Put the desk on `app`. Raises RuntimeError where a page does not say who may use it."""
    from app.web.admin import (  # noqa: PLC0415,F401 - views and the guard attach to bp
        access,
        choice,
        editions,
        figures,
        house,
        people,
        readers,
        today,
        wire,
    )

    app.register_blueprint(bp)
    access.check_declared(app)
