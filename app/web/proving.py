"""What a sign-up form brings to show that somebody means it: work that a script did, or a minute that a person waited.

The waiting needs no script and no picture, and a screen reader has nothing to solve. Its mark holds the mailbox it was
given for, so that nobody collects marks in advance; the mailbox's own limit keeps it from counting twice.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.clock import now
from app.errors import TokenInvalid
from app.mail.address import Address
from app.subscriptions.form.limits import CounterKeys, mailbox_name
from app.subscriptions.form.proofs import Proof, make_challenge, read_proof, spend_proof
from app.subscriptions.form.surge import is_breaker_open
from app.web import product
from app.web.forms import SignupForm

#: Seconds that a wait stays good: time to come back to a page that was left open.
WAIT_LIFE_S = 3600


@dataclass(frozen=True)
class Evidence:
    """What a form brought: whether somebody waited for long enough, and what work was done."""

    has_waited: bool
    proof: Proof | None

    def spend(self, session: Session) -> bool:
        """Return whether it shows that somebody means it; work that counts is used up."""
        return self.has_waited or (self.proof is not None and spend_proof(session, self.proof))


def read_evidence(form: SignupForm, address: Address) -> Evidence:
    """Return what the form brought for this address."""
    waited_s = _waited_s(form, address)
    has_waited = waited_s is not None and waited_s >= product().config.signups.wait_minutes * 60
    return Evidence(has_waited, None if has_waited else read_proof(form.proof, product().config.secret_keys[-1]))


def challenge_for_page(*, is_asked: bool) -> str:
    """Return the challenge that a form's page holds, as JSON; empty where there is nothing to prove.

    `is_asked`: the form comes back for want of a proof.
    """
    config = product().config
    if config.signups.proof_of_work == "off":
        return ""
    if not is_asked and config.signups.proof_of_work == "breaker":
        with product().database.reading() as session:
            if not is_breaker_open(session, now=now()):
                return ""
    return make_challenge(config.secret_keys[-1], now=now())


def wait_mark(form: SignupForm, address: Address) -> str:
    """Return the mark of a wait for this address: the one that the form had, or one that begins now."""
    if _waited_s(form, address) is not None:
        return form.waited
    at = now()
    return product().form_tokens.sign("wait", mailbox_name(address.key, counter_keys(at)), at=at)


def counter_keys(at: datetime) -> CounterKeys:
    """Return what the counters of that day are named with."""
    config = product().config
    return CounterKeys.of(config.secret_keys[-1], config.suppression_key, at)


def _waited_s(form: SignupForm, address: Address) -> float | None:
    """Return for how long the form has waited for this address; None where its mark is none, or for another."""
    if not form.waited:
        return None
    at = now()
    try:
        waited_s = product().form_tokens.age_s("wait", form.waited, now_s=at.timestamp())
        named = product().form_tokens.read("wait", form.waited, max_age_s=WAIT_LIFE_S)
    except TokenInvalid:
        return None
    return waited_s if hmac.compare_digest(named, mailbox_name(address.key, counter_keys(at))) else None
