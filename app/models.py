"""All tables at once, for migrations and the shell; nothing else imports this module."""

from app.admins import models as admins
from app.articles import models as articles
from app.choices import models as choices
from app.db import Base
from app.delivery import models as delivery
from app.delivery import senders
from app.digests import models as digests
from app.editions import lines
from app.editions import models as editions
from app.editions import records as edition_records
from app.feedback import models as feedback
from app.gate import models as gate
from app.jobs import models as jobs
from app.newsletters import models as newsletters
from app.readership import models as readership
from app.seals import models as seals
from app.stories import models as stories
from app.subscriptions import models as subscriptions
from app.subscriptions import records as reader_records
from app.subscriptions.departures import models as departures
from app.subscriptions.form import counters
from app.subscriptions.newcomers import models as newcomers
from app.subscriptions.questions import models as questions
from app.subscriptions.rights import address_change
from app.subscriptions.rights import log as rights_log
from app.topics import models as topics

__all__ = [
    "Base",
    "address_change",
    "admins",
    "articles",
    "choices",
    "counters",
    "delivery",
    "departures",
    "digests",
    "edition_records",
    "editions",
    "feedback",
    "gate",
    "jobs",
    "lines",
    "newcomers",
    "newsletters",
    "questions",
    "reader_records",
    "readership",
    "rights_log",
    "seals",
    "senders",
    "stories",
    "subscriptions",
    "topics",
]
