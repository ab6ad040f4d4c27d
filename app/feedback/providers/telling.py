"""From what a provider says to a notice. Its verdict is weighed against the words of the server that refused.

Providers count policy blocks and full mailboxes among their hard bounces; none of these says that an address is dead.
"""

import re
from datetime import datetime

from app.feedback.notices import DIAGNOSTIC_MAX, Notice, NoticeKind
from app.mail.meanings import Meaning
from app.mail.replies import Verb, classify, find_enhanced, meaning_of
from app.mail.transport import Fault

RECIPIENT_MAX = 320
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ :-]|$)")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
#: What says too little to overrule a provider, which knows more of that server than one reply.
_VAGUE = frozenset({Meaning.UNEXPLAINED, Meaning.TROUBLE})
_OUR_FAULTS = frozenset({Fault.SENDER, Fault.CONTENT, Fault.AUTHENTICATION})


def tell(
    kind: NoticeKind,
    *,
    source: str,
    event_id: str,
    at: datetime,
    delivery_id: int | None,
    recipient: str,
    said: str = "",
    status: str = "",
    code: str = "",
) -> Notice:
    """Return the notice of one event; `said`, `status` and `code` are the reader's server's reply, as far as told."""
    enhanced = status if _STATUS.fullmatch(status) else find_enhanced(said)
    return Notice(
        kind=weigh(kind, said=said, status=enhanced or "", code=code),
        source=source,
        event_id=event_id,
        at=at,
        delivery_id=delivery_id,
        recipient=recipient if 0 < len(recipient) <= RECIPIENT_MAX else None,
        status=enhanced,
        diagnostic=said[:DIAGNOSTIC_MAX],
    )


def tell_unknown(event: str, *, source: str, event_id: str, at: datetime) -> Notice:
    """Return the notice of an event that we know nothing of: it is counted, and concerns nobody."""
    return Notice(NoticeKind.UNKNOWN, source, event_id, at, delivery_id=None, diagnostic=event[:DIAGNOSTIC_MAX])


def weigh(kind: NoticeKind, *, said: str, status: str, code: str) -> NoticeKind:
    """Return what a bounce of `kind` is in the light of the reply: never worse than the provider says.

    Only a 5yz that speaks of the address, or of nothing in particular, leaves a bounce hard (RFC 3463 §3.2).
    """
    number = _code(said, status, code)
    if kind not in {NoticeKind.HARD, NoticeKind.SOFT} or number is None:
        return kind
    text = said if find_enhanced(said) or not status else f"{status} {said}"
    outcome = classify(Verb.RCPT, number, text)
    meaning = meaning_of(outcome)
    if meaning in _VAGUE:
        return kind if number // 100 == 5 else NoticeKind.SOFT
    if outcome.fault in _OUR_FAULTS:
        return NoticeKind.SENDER_FAULT
    return kind if outcome.fault is Fault.ADDRESS else NoticeKind.SOFT


def _code(said: str, status: str, code: str) -> int | None:
    """Return the reply's code; where only an enhanced one is told, the one it goes with."""
    found = _CODE.fullmatch(code) or _CODE.search(said)
    if found:
        return int(found[1])
    return {"4": 450, "5": 550}.get(status[:1])
