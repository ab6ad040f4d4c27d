"""Extras: editions out of turn, of one article and for some readers.

Their letters are set first, then frozen and queued in one go.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article, may_leave
from app.db import new_public_id
from app.delivery.queue import Announce
from app.editions.audience import count_readers_anew, queue_copies
from app.editions.compile import also_of, items_of
from app.editions.compose import freeze, marked_links, newsletter_of
from app.editions.events import record_event
from app.editions.excerpts import shorten
from app.editions.headlines import PREHEADER_LENGTH, preheader_for, subject_for
from app.editions.models import AlsoIn, Edition, EditionItem, EditionKind, EditionStatus
from app.editions.outcomes import count_outcomes
from app.editions.records import EditionAct
from app.editions.typeset import Parts, typeset
from app.errors import EditionChanged, InputRefused, NotFound
from app.gate.extras import check_extra
from app.gate.findings import Finding, failures
from app.i18n import gettext
from app.links import Links
from app.newsletters.letterhead import Letterhead, letterhead_of
from app.newsletters.models import Newsletter
from config import Config


@dataclass(frozen=True)
class Extra:
    """An extra whose letter is set: its texts, the article as it was then, and the others named beside it.

    `findings` keep it back.
    """

    kind: EditionKind
    public_id: str
    newsletter_id: int
    language: str
    article_id: int
    revision: int
    also: tuple[int, ...]
    subject: str
    preheader: str
    introduction: str
    since: datetime
    until: datetime
    letterhead: Letterhead
    parts: Parts
    findings: tuple[Finding, ...]


def set_extra(
    session: Session,
    article: Article,
    *,
    kind: EditionKind,
    newsletter_id: int,
    language: str,
    introduction: str = "",
    since: datetime,
    config: Config,
    links: Links,
    now: datetime,
) -> Extra:
    """Set the letter of an extra in `language`, and look at it; stores nothing. `introduction` is Markdown."""
    zone = session.get_one(Newsletter, newsletter_id).timezone
    edition = Edition(
        kind=kind,
        public_id=new_public_id(),
        newsletter_id=newsletter_id,
        language=language,
        subject=_subject(kind, article, language, now, zone),
        preheader=_preheader(kind, article, language, since, now, zone),
        introduction=introduction,
        since=since,
        until=now,
        items=items_of([article], also_of(session, [article], language=language, until=now)),
    )
    newsletter = newsletter_of(session, edition)
    personal = marked_links(edition, links)
    parts = typeset(edition, newsletter=newsletter, config=config, links=links, at=now, personal=personal)
    findings = check_extra(session, edition, newsletter, parts, config=config, links=links, now=now)
    also = tuple(other.article.id for other in edition.items[0].also)
    return Extra(
        kind, edition.public_id, newsletter_id, language, article.id, article.revision, also, edition.subject,
        edition.preheader, introduction, since, now, letterhead_of(newsletter, language, config), parts, findings,
    )  # fmt: skip


def hold_extras(session: Session) -> None:
    """Let one extra start at a time, and none while an embargo is set or a digest starts."""
    session.execute(select(Newsletter.id).order_by(Newsletter.id).with_for_update(key_share=True))


def hold_article(session: Session, article_id: int, *, now: datetime) -> Article:
    """Return the article of an extra that starts, which no embargo and no other extra overtakes meanwhile.

    Raises NotFound, InputRefused where it may not leave.
    """
    hold_extras(session)
    return read_article(session, article_id, now=now)


def read_article(session: Session, article_id: int, *, now: datetime) -> Article:
    """Return the article of an extra as it is now. Raises NotFound, InputRefused where it may not leave."""
    article = session.get(Article, article_id, populate_existing=True)
    if article is None:
        raise NotFound(f"no article {article_id}")
    if session.scalar(select(Article.id).where(Article.id == article_id, may_leave(now))) is None:
        raise InputRefused(f"this article may not leave yet: {article.title}")
    return article


def start_extra(
    session: Session, extra: Extra, audience: Select[int], *, actor: str, reason: str, now: datetime, announce: Announce
) -> int:
    """Freeze an extra, queue a copy for each of its readers, and return how many there are; without any, it is none.

    `reason` is why it may leave in spite of its findings, if it has any.

    Raises EditionChanged where its article is not as it was when the letter was set, or one named beside it may not
    leave any more, InputRefused where it may not leave itself.
    """
    if session.scalar(audience.limit(1)) is None:
        return 0
    if read_article(session, extra.article_id, now=now).revision != extra.revision:
        raise EditionChanged("the article was changed in the meantime; look at it again")
    if session.scalar(select(Article.id).where(Article.id.in_(extra.also), ~may_leave(now)).limit(1)) is not None:
        raise EditionChanged("an article named beside it is held back since; look at it again")
    edition = _store(session, extra, actor, now)
    if extra.findings:
        note = f"{' '.join(sorted(failures(extra.findings)))}: {reason}"[:500]
        record_event(session, edition_id=edition.id, act=EditionAct.OVERRIDDEN, actor=actor, note=note, now=now)
    count_readers_anew(session, extra.newsletter_id)
    copies = queue_copies(session, edition, audience, now=now, announce=announce)
    count_outcomes(session, edition_id=edition.id)
    return copies


def _store(session: Session, extra: Extra, actor: str, now: datetime) -> Edition:
    also = [AlsoIn(article_id=other, position=place) for place, other in enumerate(extra.also, start=1)]
    edition = Edition(
        kind=extra.kind,
        public_id=extra.public_id,
        newsletter_id=extra.newsletter_id,
        language=extra.language,
        status=EditionStatus.SENDING,
        subject=extra.subject,
        preheader=extra.preheader,
        introduction=extra.introduction,
        since=extra.since,
        until=extra.until,
        created_at=now,
        started_at=now,
        started_by=actor,
        items=[EditionItem(article_id=extra.article_id, position=1, revision=extra.revision, also=also)],
        content=freeze(extra.subject, extra.parts, extra.letterhead),
    )
    session.add(edition)
    session.flush()
    return edition


def _subject(kind: EditionKind, article: Article, language: str, now: datetime, zone: str) -> str:
    title = subject_for([article.title], language, at=now, zone=zone)
    if kind is EditionKind.FLASH:
        return gettext(language, "Flash: %(title)s", title=title)
    return gettext(language, "Correction: %(title)s", title=title)


def _preheader(kind: EditionKind, article: Article, language: str, since: datetime, now: datetime, zone: str) -> str:
    if kind is EditionKind.ERRATUM:
        return gettext(language, "We sent you this article and have corrected it since; here is what was wrong.")
    low, high = PREHEADER_LENGTH
    summary = shorten(" ".join(article.summary.split()), high)
    return (
        summary if len(summary) >= low else preheader_for([article.title], language, since=since, until=now, zone=zone)
    )
