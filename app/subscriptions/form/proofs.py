"""Proof of work, made and checked here: a browser computes for a second or two before its form counts.

No third party is asked. A challenge is signed, not stored; what is stored is that one was used, since the library would
take it again. The work is PBKDF2, which browsers do natively: whoever writes a faster program than a page's script
gains little.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from altcha import Payload, create_challenge, verify_solution
from sqlalchemy.orm import Session

from app.db import insert_into
from app.subscriptions.form.counters import UsedProof

#: About 256 tries are needed; with so many rounds each they take a laptop one second, a phone two to four.
ALGORITHM, ROUNDS, PREFIX = "PBKDF2/SHA-256", 4_000, "00"
#: A page may stay open that long before its proof is asked for anew.
CHALLENGE_LIFE = timedelta(hours=1)
#: Characters; a proof has about 700.
PROOF_MAX = 2_000


@dataclass(frozen=True)
class Proof:
    """A challenge that somebody solved; `signature` names it."""

    signature: str
    expires_at: datetime


def make_challenge(secret_key: str, *, now: datetime) -> str:
    """Return a new challenge as JSON, to stand in a page."""
    challenge = create_challenge(
        ALGORITHM, ROUNDS, key_prefix=PREFIX, expires_at=now + CHALLENGE_LIFE, hmac_secret=_key(secret_key)
    )
    return json.dumps(challenge.to_dict())


def read_proof(text: str, secret_key: str) -> Proof | None:
    """Return the proof that a form brought; None where it brought none, or one that is wrong, forged or too old."""
    if not text or len(text) > PROOF_MAX or not verify_solution(text, _key(secret_key)).verified:
        return None
    challenge = Payload.from_base64(text).challenge
    if challenge.signature is None or challenge.parameters.expires_at is None:
        return None
    return Proof(challenge.signature, datetime.fromtimestamp(challenge.parameters.expires_at, UTC))


def spend_proof(session: Session, proof: Proof) -> bool:
    """Note that a proof is used, and return whether it was not before."""
    used = insert_into(session, UsedProof).values(signature=proof.signature, expires_at=proof.expires_at)
    return session.scalar(used.on_conflict_do_nothing().returning(UsedProof.signature)) is not None


def _key(secret_key: str) -> bytes:
    return hmac.digest(secret_key.encode(), b"proof of work", "sha256")
