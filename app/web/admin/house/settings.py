"""The settings in force: read here, changed in the environment. Which there are, the reading of them says."""

from itertools import groupby

from flask import render_template

from app.admins.models import Role
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs


@bp.get("/settings")
@needs(Role.ADMIN)
def settings() -> str:
    """Show each setting by its name, grouped by subject; of a secret, only whether there is one."""
    read = product().config.settings
    first = list(dict.fromkeys(each.subject for each in read))
    in_order = sorted(read, key=lambda each: first.index(each.subject))
    groups = [(subject, list(those)) for subject, those in groupby(in_order, key=lambda each: each.subject)]
    return render_template("admin/house/settings.html", groups=groups)
