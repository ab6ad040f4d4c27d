"""Whether the sender is the one that readers and their mail providers know: what an edition starts with is kept."""

import hashlib
from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.editions.compose import SetLetter
from app.gate.findings import Finding, What
from app.gate.models import Baseline
from app.mail.dkim import load_keys
from app.newsletters.letterhead import is_sender_idle, sender_of
from app.newsletters.models import Newsletter
from config import Config


def keys_hash(config: Config) -> str:
    """Return a hash of the public keys, with their selectors, that letters are signed with; of none, too."""
    keys = load_keys(config.dkim_dir, config.mail.dkim_selectors)
    known = sorted(f"{key.selector} {key.record}" for key in keys)
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def check_identity(baseline: Baseline, newsletter: Newsletter, config: Config) -> Iterator[Finding]:
    """Yield what is no longer as it was when the last edition of `newsletter` started."""
    domain, sender = config.mail.sender_domain, sender_of(newsletter, config.mail)
    if baseline.sender_domain != domain:
        yield Finding(What.DOMAIN_CHANGED, domain, names=(baseline.sender_domain,))
    elif baseline.sender is not None and baseline.sender != sender:
        yield Finding(What.SENDER_CHANGED, sender, names=(baseline.sender,))
    if baseline.public_url != config.public_url:
        yield Finding(What.ADDRESS_CHANGED, config.public_url, names=(baseline.public_url,))
    if baseline.keys != keys_hash(config):
        yield Finding(What.KEYS_CHANGED)


def check_own_sender(newsletter: Newsletter, config: Config) -> Iterator[Finding]:
    """Yield that a newsletter's own sender address is not used, since the settings' domain is another one by now."""
    if is_sender_idle(newsletter, config.mail):
        yield Finding(What.SENDER_IDLE, newsletter.sender or "", names=(sender_of(newsletter, config.mail),))


def keep_baseline(session: Session, *, letter: SetLetter, readers: int, config: Config) -> None:
    """Keep what an edition starts with, in the transaction that starts it."""
    session.add(
        Baseline(
            edition_id=letter.edition_id,
            readers=readers,
            sender=letter.letterhead.from_address,
            sender_domain=config.mail.sender_domain,
            keys=keys_hash(config),
            public_url=config.public_url,
        )
    )
    session.flush()
