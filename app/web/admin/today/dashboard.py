"""The first page: readers, editions, what comes next, what is wrong."""

from flask import render_template

from app.admins.models import Role
from app.clock import now
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs
from app.web.admin.today.overview import desk_overview


@bp.get("/")
@needs(Role.VIEWER)
def dashboard() -> str:
    """Show how things stand."""
    with product().database.reading() as session:
        overview = desk_overview(session, now=now())
    return render_template("admin/today/dashboard.html", overview=overview)
