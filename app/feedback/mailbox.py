"""A mailbox of returned mail, read over IMAP: what was taken in moves to one folder, what could not be to another.

Nothing is deleted. A mail that ended us twice is set aside, and never keeps the others waiting: how often it was tried
is marked on the mail itself, before the try. Replies beyond those of a day are set aside, too, for people to read.
"""

import imaplib
import logging
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from imap_tools import BaseMailBox, MailBox
from imap_tools.errors import ImapToolsError
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import MailboxUnavailable
from app.feedback.intake import Intake, Taken
from app.feedback.replies import PASSED_ON_A_DAY
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.settings.feedback import ReturnSettings

log = logging.getLogger(__name__)

DONE, SET_ASIDE = "Done", "Set aside"
PARENT = "Vigie"
#: Mails of one look; the job looks again.
BATCH = 200
#: Marks of a first and a second try.
TRIES = ("VigieTried", "VigieTriedTwice")
TIMEOUT_S = 60.0


def poll(intake: Intake, settings: ReturnSettings, *, now: datetime) -> Counter[str]:
    """Take in what lies in the mailbox, and return how many mails went to which folder.

    Raises MailboxUnavailable where the mailbox cannot be read, OperationalError where the database is away; either way
    what was not moved stays and is read again.
    """
    moved: Counter[str] = Counter()
    with _signed_in(settings) as mailbox:
        folders = {name: _folder(mailbox, name) for name in (DONE, SET_ASIDE)}
        for uid in mailbox.uids()[:BATCH]:
            name = _take(mailbox, uid, intake, now)
            if name is not None:
                mailbox.move(uid, folders[name])
                moved[name] += 1
    return moved


def _take(mailbox: BaseMailBox, uid: str, intake: Intake, now: datetime) -> str | None:
    """Take in one mail; return the folder that it belongs to, or None where it is to be tried once more."""
    flags, at, data = _fetch(mailbox, uid)
    if TRIES[1] in flags:
        log.warning("mail %s ended two tries to read it, and is set aside", uid)
        return SET_ASIDE
    is_second = TRIES[0] in flags
    mailbox.flag(uid, TRIES[is_second], True)
    try:
        taken = intake.take(data, at=min(at, now), now=now)
    except (OperationalError, ProgrammingError):
        mailbox.flag(uid, TRIES[is_second], False)  # the database's fault, not the mail's
        raise
    except Exception:
        log.exception("mail %s cannot be read", uid)
        return SET_ASIDE if is_second else None
    if taken is Taken.TOO_MANY:
        log.warning("mail %s is a reply beyond the %d that go on in a day, and is set aside", uid, PASSED_ON_A_DAY)
        return SET_ASIDE
    return DONE


@contextmanager
def _signed_in(settings: ReturnSettings) -> Iterator[BaseMailBox]:
    """Open the folder that mail comes into, over verified TLS."""
    context = ssl.create_default_context(cafile=settings.imap_ca_file or None)
    try:
        with MailBox(settings.imap_host, settings.imap_port, timeout=TIMEOUT_S, ssl_context=context) as mailbox:
            if settings.imap_token_file:
                # Read each time: whoever renews the token writes it anew.
                token = Path(settings.imap_token_file).read_text(encoding="ascii").strip()
                mailbox.xoauth2(settings.imap_user, token, settings.imap_folder)
            else:
                mailbox.login(settings.imap_user, settings.imap_password, settings.imap_folder)
            yield mailbox
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        raise MailboxUnavailable(f"the mailbox at {settings.imap_host} cannot be read: {error}") from error


def _folder(mailbox: BaseMailBox, name: str) -> str:
    """Return the server's name of a folder of ours, made where it is missing."""
    delimiter = next((folder.delim for folder in mailbox.folder.list() if folder.delim), "/")
    full = PARENT + delimiter + name
    for each in (PARENT, full):
        if not mailbox.folder.exists(each):
            mailbox.folder.create(each)
    return full


def _fetch(mailbox: BaseMailBox, uid: str) -> tuple[set[str], datetime, bytes]:
    """Return a mail's flags, when the server got it, and as much of its bytes as is looked at, unread as it was."""
    wanted = f"(FLAGS INTERNALDATE BODY.PEEK[]<0.{SIZE_MAX_OCTETS}>)"
    _, answer = mailbox.client.uid("FETCH", uid, wanted)
    told, data = b"", b""
    for part in answer:
        if isinstance(part, tuple):
            told, data = told + part[0], part[1]
        elif isinstance(part, bytes):
            told += part
    flags = {flag.decode("ascii", "replace") for flag in imaplib.ParseFlags(told)}
    local = imaplib.Internaldate2tuple(told)
    at = datetime.fromtimestamp(time.mktime(local), UTC) if local else datetime.max.replace(tzinfo=UTC)
    return flags, at, data
