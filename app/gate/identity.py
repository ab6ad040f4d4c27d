"""Whether the sender is the one that readers and their mail providers know: what an edition starts with is kept."""

import hashlib
from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.gate.findings import Finding, What
from app.gate.models import Baseline
from app.mail.dkim import load_keys
from config import Config


def keys_hash(config: Config) -> str:
    """Return a hash of the public keys, with their selectors, that letters are signed with; of none, too."""
    keys = load_keys(config.dkim_dir, config.mail.dkim_selectors)
    known = sorted(f"{key.selector} {key.record}" for key in keys)
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def check_identity(baseline: Baseline, config: Config) -> Iterator[Finding]:
    """Yield what is no longer as it was when the last edition started."""
    domain = config.mail.sender_domain
    if baseline.sender_domain != domain:
        yield Finding(What.DOMAIN_CHANGED, domain, names=(baseline.sender_domain,))
    if baseline.public_url != config.public_url:
        yield Finding(What.ADDRESS_CHANGED, config.public_url, names=(baseline.public_url,))
    if baseline.keys != keys_hash(config):
        yield Finding(What.KEYS_CHANGED)


def keep_baseline(session: Session, *, edition_id: int, readers: int, config: Config) -> None:
    """Keep what an edition starts with, in the transaction that starts it."""
    session.add(
        Baseline(
            edition_id=edition_id,
            readers=readers,
            sender_domain=config.mail.sender_domain,
            keys=keys_hash(config),
            public_url=config.public_url,
        )
    )
    session.flush()
