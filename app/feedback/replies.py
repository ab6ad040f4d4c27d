"""What a reader writes back to the address of their copy: a departure in so many words, or a mail for the newsroom.

The address alone says who leaves, never the From field, which anyone may write. What programs write is passed on to
nobody (RFC 3834), and no more than some mails a day are: so no loop goes on.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import insert_into, new_public_id
from app.delivery.models import Chunk, Delivery
from app.delivery.queue import enqueue
from app.feedback.models import Reply
from app.i18n import DEFAULT_LANGUAGE
from app.mail.reports.automatic import is_auto_reply
from app.mail.reports.fields import Fields, first
from app.mail.reports.parts import take_apart
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import end_subscription
from app.subscriptions.locking import lock
from app.subscriptions.models import subscription_of_letter
from app.subscriptions.questions.staying import note_act
from app.subscriptions.rights.address_change import ADDRESS_CHANGE, end_open_change

REPLY = "reply"
#: Mails that are passed on within a day, at most.
PASSED_ON_A_DAY = 200
DAY = timedelta(days=1)
#: Rows of one purge; the clock calls again.
BATCH = 500
PRIORITY = 3

#: All that a departure may say, folded; polite words aside.
_LEAVING = frozenset(
    {
        "unsubscribe", "unsubscribe me", "remove", "remove me", "stop", "desabonner", "me desabonner", "desabonnez moi",
        "desabonnement", "desabonne", "desinscription", "desinscrire", "me desinscrire", "desinscrivez moi",
        "desinscrit",
    }
)  # fmt: skip
_POLITE = frozenset(
    {
        "please", "thanks", "thank", "you", "hello", "hi", "bonjour", "bonsoir", "merci", "de", "svp", "s", "il",
        "vous", "plait", "cordialement",
    }
)  # fmt: skip
#: How the subject of an answer begins, or that of a mail sent on.
_PREFIX = re.compile(r"\s*(?:r[eé]p?|fwd?|tr|aw|wg)\s*(?:\[\d+\]\s*)?:", re.IGNORECASE)
#: Where a reader's own words end: what follows is quoted, or their signature.
_END = re.compile(
    r"^(?:>|-- ?$|_{5,}|-{3,} ?(?:original|message|forwarded)|(?:on|le|am) .{5,200}(?:wrote|a écrit|schrieb)\s*:?|"
    r"(?:from|de|von)\s*:|sent from my|envoyé (?:de|depuis))",
    re.IGNORECASE,
)
#: An attribution that a mail program broke in two.
_BROKEN = re.compile(r"^(?:on|le) .{5,200}<[^<>\s]*@[^<>\s]*>?$", re.IGNORECASE)


@dataclass(frozen=True)
class ReadReply:
    """What a mail to a leave address is."""

    asks_to_leave: bool
    is_automatic: bool


def read_reply(data: bytes) -> ReadReply:
    """Return what a mail says, in whatever form; never raises.

    The subject of an answer is the letter's, and asks for nothing. One of its own counts whoever wrote it: mail
    programs whose reader presses "unsubscribe" say of their mail that it is automatic.
    """
    mail = take_apart(data)
    subject, is_automatic = first(mail.header, "subject"), _is_automatic(mail.header, mail.text)
    is_answer = _PREFIX.match(subject) is not None
    says_so = not is_answer and says_leave(subject)
    return ReadReply(says_so or (not is_automatic and says_leave(own_words(mail.text))), is_automatic)


def says_leave(text: str) -> bool:
    """Return whether a text says only that somebody wants to leave, in English or French."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    words = re.findall(r"[a-z]+", "".join(each for each in folded if not unicodedata.combining(each)))
    return " ".join(word for word in words if word not in _POLITE) in _LEAVING


def own_words(text: str) -> str:
    """Return what the writer of a reply wrote, without what is quoted and without a signature."""
    lines = []
    for line in text.splitlines():
        if _END.match(line.strip()) or _BROKEN.match(line.strip()):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def leave_by_mail(session: Session, delivery_id: int, *, now: datetime) -> bool:
    """End what the leave link of a copy would; return whether there was anything to end."""
    copy = select(Delivery.subscriber_id, Delivery.reference, Chunk.kind, Chunk.newsletter_id)
    copy = copy.join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id).where(Delivery.id == delivery_id)
    found = session.execute(copy).one_or_none()
    if found is None or found.subscriber_id is None:
        return False
    if found.kind == ADDRESS_CHANGE:
        return end_open_change(session, public_id=found.reference, now=now)
    subscription = session.scalars(subscription_of_letter(found.subscriber_id, found.newsletter_id)).one_or_none()
    if subscription is None or not lock(session, subscription):
        return False
    return end_subscription(session, subscription, method=ConsentMethod.MAIL, now=now)


def has_room(session: Session, *, now: datetime) -> bool:
    """Return whether one more mail may be passed on today."""
    passed = select(sa.func.count()).select_from(Reply).where(Reply.received_at > now - DAY)
    return (session.scalar(passed) or 0) < PASSED_ON_A_DAY


def pass_on(session: Session, data: bytes, *, delivery_id: int, address: str, now: datetime) -> bool:
    """Queue a mail for the newsroom, as it came; return whether it is new. It answers the copy `delivery_id`.

    It goes to the reply address of that copy's newsletter, or where it has none of its own to `address`.
    """
    public_id, digest = new_public_id(), hashlib.sha256(data).hexdigest()
    adding = insert_into(session, Reply).on_conflict_do_nothing(index_elements=["digest"])
    values = {"public_id": public_id, "digest": digest, "received_at": now, "data": data}
    reply_id = session.scalar(adding.values(values).returning(Reply.id))
    if reply_id is None:
        return False
    answered = select(Chunk.language, Newsletter.reply_to).join(Delivery, Delivery.chunk_id == Chunk.id)
    answered = answered.outerjoin(Newsletter, Newsletter.id == Chunk.newsletter_id).where(Delivery.id == delivery_id)
    language, own_address = session.execute(answered).one_or_none() or (None, None)
    letter_id = enqueue(
        session,
        kind=REPLY,
        language=language or DEFAULT_LANGUAGE,
        address=own_address or address,
        reference=public_id,
        priority=PRIORITY,
        now=now,
    )
    session.execute(update(Reply).where(Reply.id == reply_id).values(delivery_id=letter_id))
    _note_reader(session, delivery_id, now)
    return True


def over_replies(now: datetime) -> sa.Select[int, datetime]:
    """Select the mails that were passed on or never could be, and what is two days old of the others' rows."""
    is_over = select(Delivery.id).where(Delivery.id == Reply.delivery_id, Delivery.settled_at.is_not(None)).exists()
    is_old = Reply.data.is_(None) & (Reply.received_at < now - 2 * DAY)
    return select(Reply.id, Reply.received_at).where((Reply.data.is_not(None) & is_over) | is_old)


def purge_replies(session: Session, *, now: datetime) -> int:
    """Forget what was passed on, or never could be; after two days also that there was anything. Return how many."""
    ids = session.scalars(over_replies(now).with_only_columns(Reply.id).limit(BATCH)).all()
    old = session.scalars(delete(Reply).where(Reply.id.in_(ids), Reply.data.is_(None)).returning(Reply.id)).all()
    forget = update(Reply).where(Reply.id.in_(set(ids) - set(old))).values(data=None)
    session.execute(forget, execution_options={"synchronize_session": False})
    return len(ids)


def _note_reader(session: Session, delivery_id: int, now: datetime) -> None:
    """Whoever replies is there: the reader need not be asked whether they are."""
    subscriber_id = session.scalar(select(Delivery.subscriber_id).where(Delivery.id == delivery_id))
    if subscriber_id is not None:
        note_act(session, subscriber_id=subscriber_id, at=now)


def _is_automatic(header: Fields, text: str) -> bool:
    """Return whether a program wrote a mail, or a list sent it on."""
    submitted = first(header, "auto-submitted").strip().lower()
    is_bulk = first(header, "precedence").strip().lower() in {"bulk", "list", "junk"}
    is_from_nobody = any(value.strip() == "<>" for value in header.get("return-path", ()))
    is_marked = submitted not in {"", "no"} or is_bulk or is_from_nobody or "list-id" in header
    return is_marked or is_auto_reply(header, text)
