"""Newsletters as people change them, at the desk and on the command line: what holds for all of one, and its languages.

From the first change on the settings have no say in it. Each change names the time of the one that it was made after:
nobody overwrites unseen what somebody else changed.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import zones
from app.digests.schedule import install_schedules_of, next_run
from app.digests.texts import noting_new_texts
from app.editions.lines import Schedule
from app.editions.models import Edition
from app.errors import ChangedMeanwhile, FieldsRefused, InputRefused, NotFound, TransitionRefused
from app.i18n import LANGUAGES, is_line
from app.newsletters.defaults import install_texts
from app.newsletters.letterhead import SETTINGS_ADDRESSES, OwnAddresses, fault_words, wire_form
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.subscriptions.models import Subscription
from config import Config

#: Characters.
NAME_MAX, DESCRIPTION_MAX, LABEL_MAX, SLUG_MAX = 120, 500, 60, 40
#: How addresses and commands name a newsletter, for good.
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: The first part of a List-Id, in lower case: words with points between them (RFC 2919 §2).
_LABEL = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")


@dataclass(frozen=True)
class Face:
    """What a newsletter is called in one language, and the first part of its List-Id there (RFC 2919)."""

    name: str
    description: str
    list_label: str

    def faults(self) -> dict[str, str]:
        """Return what cannot be taken as it is: "empty", "long" or "label", by field."""
        limits = {"name": NAME_MAX, "description": DESCRIPTION_MAX, "list_label": LABEL_MAX}
        found = {field: fault for field, limit in limits.items() if (fault := _text_fault(getattr(self, field), limit))}
        if "list_label" not in found and not _LABEL.fullmatch(self.list_label):
            found["list_label"] = "label"
        return found


def find_newsletter(session: Session, newsletter_id: int) -> Newsletter:
    """Return a newsletter. Raises NotFound."""
    found = session.get(Newsletter, newsletter_id)
    if found is None:
        raise NotFound(f"no newsletter {newsletter_id}")
    return found


def find_by_slug(session: Session, slug: str) -> Newsletter:
    """Return a newsletter. Raises NotFound, with the slugs that there are."""
    by_slug = {newsletter.slug: newsletter for newsletter in session.scalars(select(Newsletter))}
    if slug not in by_slug:
        raise NotFound(f"no newsletter {slug}; there is {', '.join(sorted(by_slug)) or 'none'}")
    return by_slug[slug]


def find_meant(session: Session, slug: str | None) -> Newsletter:
    """Return the newsletter `slug`, or where none is named the only one.

    Raises NotFound, and InputRefused where there are several to name one of.
    """
    if slug is not None:
        return find_by_slug(session, slug)
    newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
    if not newsletters:
        raise NotFound("no newsletter is set up yet: run flask db upgrade")
    if len(newsletters) > 1:
        raise InputRefused(f"name one with --newsletter: {', '.join(each.slug for each in newsletters)}")
    return newsletters[0]


def add_newsletter(
    session: Session,
    *,
    slug: str,
    names: Mapping[str, tuple[str, str]],
    addresses: OwnAddresses = SETTINGS_ADDRESSES,
    config: Config,
    actor: str,
    now: datetime,
) -> Newsletter:
    """Add a newsletter: `names` has its name and its description by language; one with neither it does not have.

    It has clocks, texts and schedules as the first one had when it was set up; the audit log says which texts
    `actor` so put in force. Raises FieldsRefused, by field; what is in a language as "name-fr", and that there is no
    language as "languages".
    """
    _hold_all(session)
    faces = {code: Face(*names[code], list_label=f"{code}.{slug}") for code in LANGUAGES if any(names.get(code, ()))}
    if faults := _faults_of_new(session, slug, faces) | addresses.faults(config.mail):
        raise FieldsRefused(faults, fault_words(config.mail))
    added = Newsletter(slug=slug, timezone=config.timezone, sends_welcome=config.sends_welcome, created_at=now)
    _put_addresses(added, addresses)
    for code, face in faces.items():
        added.languages.append(NewsletterLanguage(language=code, **asdict(face)))
    with noting_new_texts(session, actor=actor, now=now):
        session.add(added)
        install_texts(session, config, now)
    install_schedules_of(session, added, config, now)
    session.flush()
    return added


def close_newsletter(session: Session, *, newsletter_id: int, now: datetime) -> Newsletter:
    """Let nobody new sign up; its readers, and what was asked for, stay. Raises TransitionRefused, NotFound."""
    newsletter = _hold(session, newsletter_id)
    if newsletter.closed_at is not None:
        raise TransitionRefused("the newsletter is closed already")
    newsletter.closed_at = now
    session.flush()
    return newsletter


def open_newsletter(session: Session, *, newsletter_id: int) -> Newsletter:
    """Let anybody sign up again. Raises TransitionRefused where they can, NotFound."""
    newsletter = _hold(session, newsletter_id)
    if newsletter.closed_at is None:
        raise TransitionRefused("the newsletter is not closed")
    newsletter.closed_at = None
    session.flush()
    return newsletter


def change_newsletter(
    session: Session,
    *,
    newsletter_id: int,
    seen: str,
    timezone: str,
    sends_welcome: bool,
    addresses: OwnAddresses,
    config: Config,
    now: datetime,
) -> Newsletter:
    """Let its digests go by the clocks of `timezone`, an IANA name, its letters leave from `addresses`, and welcome
    letters go or not.

    Its usual schedules go by these clocks from the next run on; letters of editions that have started stay as they
    are. Raises FieldsRefused, ChangedMeanwhile, NotFound.
    """
    newsletter = _hold(session, newsletter_id, seen)
    if faults := ({} if timezone in zones() else {"timezone": "zone"}) | addresses.faults(config.mail):
        raise FieldsRefused(faults, fault_words(config.mail))
    newsletter.timezone, newsletter.sends_welcome, newsletter.changed_at = timezone, sends_welcome, now
    _put_addresses(newsletter, addresses)
    usual = select(Schedule).where(Schedule.newsletter_id == newsletter_id, Schedule.rhythm_id.is_(None))
    for schedule in session.scalars(usual.order_by(Schedule.id).with_for_update(key_share=True)):
        if schedule.timezone != timezone:
            schedule.timezone, schedule.next_run_at = timezone, next_run(schedule.cron, timezone, now)
    session.flush()
    return newsletter


def require_approval(session: Session, *, newsletter_id: int, is_needed: bool, now: datetime) -> Newsletter:
    """Say whether each edition that somebody sends wants somebody else's word first. Raises NotFound."""
    newsletter = _hold(session, newsletter_id)
    newsletter.needs_approval, newsletter.changed_at = is_needed, now
    session.flush()
    return newsletter


def put_face(
    session: Session,
    *,
    newsletter_id: int,
    seen: str,
    language: str,
    face: Face,
    config: Config,
    actor: str,
    now: datetime,
) -> NewsletterLanguage:
    """Give a newsletter its words in a language, which is added where it is not there yet.

    The product's texts follow a new name; the audit log says which ones `actor` so put in force.
    Raises FieldsRefused, for the label too where letters left under it; ChangedMeanwhile, NotFound.
    """
    _hold_all(session)
    newsletter = _hold(session, newsletter_id, seen)
    if language not in LANGUAGES:
        raise FieldsRefused({"language": "language"})
    known = next((each for each in newsletter.languages if each.language == language), None)
    faults = _face_faults(session, face, but=known)
    if known and face.list_label != known.list_label and is_label_fixed(session, newsletter_id, language):
        faults["list_label"] = "fixed"
    if faults:
        raise FieldsRefused(faults)
    if known is None:
        known = NewsletterLanguage(language=language)
        newsletter.languages.append(known)
    known.name, known.description, known.list_label = face.name, face.description, face.list_label
    newsletter.changed_at = now
    with noting_new_texts(session, actor=actor, now=now):
        install_texts(session, config, now)
    return known


def is_label_fixed(session: Session, newsletter_id: int, language: str) -> bool:
    """Whether letters left under its List-Id: readers sort their mail by it, so it stays for good (RFC 2919 §3)."""
    of_edition = sa.and_(
        Edition.newsletter_id == newsletter_id, Edition.language == language, Edition.started_at.is_not(None)
    )
    of_reader = sa.and_(Subscription.newsletter_id == newsletter_id, Subscription.language == language)
    return bool(session.scalar(select(sa.or_(sa.exists().where(of_reader), sa.exists().where(of_edition)))))


def change_mark(changed_at: datetime | None) -> str:
    """Return how a form says which change of a row it was opened after."""
    return changed_at.isoformat() if changed_at else ""


def _hold_all(session: Session) -> None:
    """Hold all newsletters whole, so that no two of them take one label at once.

    A sign-up or a start under way is waited for: a letter of it fixes the label.
    """
    session.execute(select(Newsletter.id).order_by(Newsletter.id).with_for_update())


def _hold(session: Session, newsletter_id: int, seen: str | None = None) -> Newsletter:
    query = select(Newsletter).where(Newsletter.id == newsletter_id).with_for_update()
    newsletter = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if newsletter is None:
        raise NotFound(f"no newsletter {newsletter_id}")
    if seen is not None and seen != change_mark(newsletter.changed_at):
        raise ChangedMeanwhile("somebody changed the newsletter meanwhile")
    return newsletter


def _put_addresses(newsletter: Newsletter, addresses: OwnAddresses) -> None:
    newsletter.sender = wire_form(addresses.sender) if addresses.sender else None
    newsletter.reply_to = wire_form(addresses.reply_to) if addresses.reply_to else None


def _faults_of_new(session: Session, slug: str, faces: Mapping[str, Face]) -> dict[str, str]:
    faults = {}
    if len(slug) > SLUG_MAX or not _SLUG.fullmatch(slug):
        faults["slug"] = "slug"
    elif session.scalar(select(Newsletter.id).where(Newsletter.slug == slug)) is not None:
        faults["slug"] = "taken"
    for code, face in faces.items():
        found = _face_faults(session, face, but=None)
        if found.pop("list_label", None) == "taken":
            faults.setdefault("slug", "taken")
        faults |= {f"{field}-{code}": fault for field, fault in found.items()}
    return faults if faces else faults | {"languages": "none"}


def _face_faults(session: Session, face: Face, *, but: NewsletterLanguage | None) -> dict[str, str]:
    faults = face.faults()
    taken = select(NewsletterLanguage.id).where(NewsletterLanguage.list_label == face.list_label)
    if "list_label" not in faults and set(session.scalars(taken)) - {but.id if but else None}:
        faults["list_label"] = "taken"
    return faults


def _text_fault(text: str, limit: int) -> str | None:
    if not text or not is_line(text):
        return "empty"
    return "long" if len(text) > limit else None
