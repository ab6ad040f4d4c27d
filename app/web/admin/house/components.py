"""All components of the desk on one page, from the same macros and style sheets that pages take them from."""

from datetime import timedelta

from flask import render_template

from app.admins.models import Role
from app.clock import now
from app.delivery.models import DeliveryState
from app.editions.models import EditionStatus
from app.readership.tallies import DayOfReaders
from app.subscriptions.kinds import SubscriptionStatus
from app.web.admin import bp
from app.web.admin.access import needs
from app.web.admin.charts import draw_days

#: Won and lost on the days of the chart: a calm month with one good day and one bad.
_SHOWN = (
    (3, 1), (5, 2), (2, 0), (0, 0), (8, 1), (4, 4), (6, 2), (6, 1), (2, 3), (5, 2), (7, 1), (1, 0), (4, 2), (3, 1),
    (21, 2), (9, 3), (6, 1), (5, 2), (2, 1), (4, 0), (6, 12), (5, 4), (3, 1), (7, 0), (8, 2), (4, 1), (5, 1), (2, 0),
    (6, 1), (4, 1),
)  # fmt: skip


@bp.get("/components")
@needs(Role.VIEWER)
def components() -> str:
    """Show what pages of the desk are made of."""
    today = now().date()
    days = [
        DayOfReaders(today - timedelta(days=len(_SHOWN) - 1 - number), joined, left)
        for number, (joined, left) in enumerate(_SHOWN)
    ]
    return render_template(
        "admin/house/components.html",
        days=days,
        chart=draw_days(days),
        edition_states=EditionStatus,
        reader_states=SubscriptionStatus,
        delivery_states=DeliveryState,
        at=now(),
    )
