"""Addresses of the desk that are no page of it: there, no guard has asked who it is, and nobody has given words."""

from flask import g, request

from app.web.admin import bp
from app.web.admin.access import find_session
from app.web.admin.figures import desk_words


def words_off_the_map() -> dict[str, object]:
    """Return what every template of the desk is given where the address is the desk's and no page; else nothing."""
    if request.url_rule is not None or not request.path.startswith(f"{bp.url_prefix}/"):
        return {}
    g.admin_session = find_session()
    return desk_words()
