"""Checking a receipt that somebody brings: is it ours, and does the ledger still say so?"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import InputRefused
from app.signing import Document, ProofKeys
from app.subscriptions.ledger import address_hash
from app.subscriptions.records import ConsentEvent, ConsentStub
from app.subscriptions.rights.receipts import ERASURE_FORM, FORM

#: The largest place in a chain that a column holds.
SEQ_MAX = 2**31 - 1


@dataclass(frozen=True)
class ReceiptCheck:
    """What a check found: `faults` is empty where all holds; `later_events` came to the chain since."""

    faults: list[str]
    later_events: int
    is_pruned: bool


def check_receipt(session: Session, document: Document, *, keys: ProofKeys) -> ReceiptCheck:
    """Check the signature of a receipt, that its chain is in the ledger, and whose it is. Raises InputRefused."""
    chain_id, seq, end_hash = _end(document)
    faults = [fault] if (fault := keys.fault_of(document)) else []
    event = session.scalars(
        select(ConsentEvent).where(ConsentEvent.chain_id == chain_id, ConsentEvent.seq == seq)
    ).one_or_none()
    stub = session.get(ConsentStub, (chain_id, seq))
    kept = event or stub
    if kept is None and seq:
        faults.append("its chain is not in the ledger")
    elif kept is not None and kept.hash != end_hash:
        faults.append("the ledger has another event in its place")
    reader = document.get("reader")
    if isinstance(reader, Mapping):
        named = address_hash(str(reader.get("salt")), str(reader.get("email_key")))
        if named != reader.get("address_hash") or (event is not None and event.address_hash != named):
            faults.append("its chain is not that of its address")
    last = select(func.max(ConsentEvent.seq)).where(ConsentEvent.chain_id == chain_id)
    return ReceiptCheck(faults, max((session.scalar(last) or seq) - seq, 0), stub is not None)


def _end(document: Document) -> tuple[str, int, str]:
    """Return id, place and hash of the last event that a receipt names. Raises InputRefused."""
    chain = document.get("chain")
    if document.get("form") not in (FORM, ERASURE_FORM) or not isinstance(chain, Mapping):
        raise InputRefused("not a receipt")
    chain_id, seq, end_hash = chain.get("chain_id"), chain.get("seq"), chain.get("hash")
    if not isinstance(chain_id, str) or not isinstance(seq, int) or not isinstance(end_hash, str):
        raise InputRefused("not a receipt")
    if not (chain_id.isascii() and chain_id.isprintable() and 0 <= seq <= SEQ_MAX):
        raise InputRefused("not a receipt: no chain has such an id or place")
    return chain_id, seq, end_hash
