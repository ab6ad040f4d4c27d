"""The letter that the gate looks at: the bytes that one reader would get, of whom there is none."""

from datetime import datetime

from app.editions.compose import make_letter, marked_links, marks_of
from app.editions.counting import with_shared_ways
from app.editions.models import Edition
from app.editions.typeset import Parts
from app.links import Links
from app.mail.dkim import Signer, load_keys
from app.mail.letter import cast
from app.newsletters.letterhead import letterhead_of
from app.newsletters.models import Newsletter
from app.settings.publication import Measurement
from config import Config

#: Stands for a reader's public id in the specimen's own links.
NOBODY = "specimen"


def write_specimen(
    edition: Edition, newsletter: Newsletter, parts: Parts, *, config: Config, links: Links, now: datetime
) -> bytes:
    """Return the message of a letter, as it was set, that a reader would get: filled, encoded, and signed.

    Raises InputRefused and HeaderInvalid where no copy could be made either.
    """
    if config.measurement is not Measurement.OFF:
        parts = with_shared_ways(parts, edition, links)
    made = make_letter(
        edition,
        newsletter=newsletter,
        letterhead=letterhead_of(newsletter, edition.language, config),
        config=config,
        links=links,
        subject=edition.subject,
        parts=parts,
        unsubscribe_url=marked_links(edition, links).unsubscribe_url,
        is_automatic=edition.is_automatic,
    )
    tokens = links.sign("unsubscribe", NOBODY), links.sign("preferences", NOBODY)
    domain = config.mail.sender_domain
    header, body = cast(made, date=now, marks=marks_of(edition)).fill_parts(
        recipient=f"{NOBODY}@{domain}", message_id=f"<{NOBODY}@{domain}>", values=tokens
    )
    keys = load_keys(config.dkim_dir, config.mail.dkim_selectors)
    signature = Signer(domain, keys).sign(header, body, at=now) if keys else b""
    return b"\r\n".join((signature + header, body))
