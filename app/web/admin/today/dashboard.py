"""The first page: what came in, what leaves, what waits for somebody, how many readers there are."""

from flask import render_template

from app.admins.models import Role
from app.clock import now
from app.web import product
from app.web.admin import bp
from app.web.admin.access import desk_language, needs, require
from app.web.admin.charts import draw_days
from app.web.admin.today.overview import desk_overview


@bp.get("/")
@needs(Role.VIEWER)
def dashboard() -> str:
    """Show how things stand."""
    zone = product().config.timezone
    with product().database.snapshot() as session:
        overview = desk_overview(session, email=require().email, language=desk_language(), zone=zone, now=now())
    chart = draw_days(overview.readership.days)
    return render_template("admin/today/dashboard.html", overview=overview, chart=chart)
