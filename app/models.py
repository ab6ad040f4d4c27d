"""All tables at once, for migrations and the shell; nothing else imports this module."""

from app.admins import models as admins
from app.articles import models as articles
from app.db import Base
from app.delivery import models as delivery
from app.editions import models as editions
from app.feedback import models as feedback
from app.jobs import models as jobs
from app.newsletters import models as newsletters
from app.subscriptions import models as subscriptions

__all__ = ["Base", "admins", "articles", "delivery", "editions", "feedback", "jobs", "newsletters", "subscriptions"]
