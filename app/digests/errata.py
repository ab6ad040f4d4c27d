"""Errata: what was corrected of an article, told to exactly those whose letters brought them an earlier text of it.

Each newsletter corrects what its own letters said.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from app.articles.models import Article
from app.delivery.models import Chunk, Delivery
from app.delivery.queue import Announce, announce_nothing
from app.digests.circles import letter_id, was_brought
from app.digests.extras import Extra, hold_article, read_article, set_extra, start_extra
from app.digests.held import pass_extra
from app.digests.models import Erratum
from app.editions.introduction import MAX_CHARACTERS
from app.editions.models import Edition, EditionItem, EditionKind
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.gate.findings import Finding
from app.i18n import LANGUAGES
from app.links import Links
from app.newsletters.models import Newsletter
from app.subscriptions.models import Subscription, gets_letters
from config import Config


@dataclass(frozen=True)
class SetErratum:
    """An erratum whose letters are set, and what they say, by language."""

    article_id: int
    revision: int
    notes: Mapping[str, str]
    letters: tuple[Extra, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What keeps it back."""
        return tuple(dict.fromkeys(finding for extra in self.letters for finding in extra.findings))


@dataclass(frozen=True)
class Misled:
    """How many readers got an earlier text of an article and not yet its newest, by newsletter and language of letters.

    `is_more`: not all were counted.
    """

    readers: Mapping[tuple[int, str], int]
    is_more: bool

    @property
    def languages(self) -> Mapping[str, int]:
        """How many of them read which language."""
        counts: dict[str, int] = {}
        for (_, language), readers in self.readers.items():
            counts[language] = counts.get(language, 0) + readers
        return counts


class _Carried(Hashable, Protocol):
    """An article as an edition carried it: with which of its texts."""

    @property
    def article_id(self) -> int: ...

    @property
    def revision(self) -> int | None: ...


Carried = TypeVar("Carried", bound=_Carried)


def count_misled(session: Session, article_id: int, *, limit: int | None = None, now: datetime) -> Misled:
    """Count who got an earlier text of an article and not yet its newest: by up to `limit` of their copies, if given.

    Where there are more copies, each newsletter and language is there, with what was counted.
    """
    copies = _earlier(session.get_one(Article, article_id), now)
    copies = copies.join(
        Subscription,
        sa.and_(
            Subscription.newsletter_id == Chunk.newsletter_id, Subscription.subscriber_id == Delivery.subscriber_id
        ),
    )
    columns = (Subscription.newsletter_id, Subscription.language, Subscription.subscriber_id)
    found = copies.where(gets_letters(now)).with_only_columns(*columns, maintain_column_froms=True).limit(limit)
    newsletter_id, language, subscriber_id = (rows := found.subquery()).c
    readers = select(newsletter_id, language, sa.func.count(subscriber_id.distinct()), sa.func.count())
    counted = session.execute(readers.select_from(rows).group_by(newsletter_id, language)).all()
    counts = {(newsletter, language): readers for newsletter, language, readers, _ in counted}
    is_more = limit is not None and sum(copies for *_, copies in counted) >= limit
    by_face = {face: counts.get(face, 0) for face in _faces(session)}
    return Misled({face: readers for face, readers in by_face.items() if readers or is_more}, is_more)


def set_erratum(
    session: Session, article_id: int, *, notes: Mapping[str, str], config: Config, links: Links, now: datetime
) -> SetErratum:
    """Set the letters that say what was corrected of an article, in Markdown by language, and look at them.

    Raises NotFound; TransitionRefused where nobody got an earlier text, or they were told already; InputRefused where
    the article may not leave, or a note is missing in a language of theirs, or too long.
    """
    article = read_article(session, article_id, now=now)
    _refuse_second(session, article)
    misled = count_misled(session, article_id, now=now)
    if not misled.readers:
        raise TransitionRefused("no reader got an earlier text of this article")
    said = _checked(notes, misled.languages)
    letters = tuple(
        set_extra(
            session,
            article,
            kind=EditionKind.ERRATUM,
            newsletter_id=newsletter_id,
            language=language,
            introduction=said[language],
            since=article.added_at,
            config=config,
            links=links,
            now=now,
        )
        for newsletter_id, language in misled.readers
    )
    return SetErratum(article_id, article.revision, said, letters)


def start_erratum(
    session: Session,
    erratum: SetErratum,
    *,
    actor: str,
    reason: str = "",
    shown: Collection[str] = (),
    now: datetime,
    announce: Announce = announce_nothing,
) -> int:
    """Queue an erratum for those who got an earlier text, and return how many they are.

    Of several at once one counts. Raises TransitionRefused for the others, EditionChanged where the article has another
    text by now, and as `pass_extra` and `start_extra` do.
    """
    article = hold_article(session, erratum.article_id, now=now)
    _refuse_second(session, article)
    if article.revision != erratum.revision:
        raise EditionChanged("the article was changed in the meantime; look at it again")
    reason = pass_extra(session, erratum, kind=EditionKind.ERRATUM, article=article, reason=reason, shown=shown)
    copies = 0
    for extra in erratum.letters:
        audience = _audience(article, extra.newsletter_id, extra.language, now)
        copies += start_extra(session, extra, audience, actor=actor, reason=reason, now=now, announce=announce)
    session.add(
        Erratum(
            article_id=article.id, revision=article.revision, notes=dict(erratum.notes), at=now, by=actor, copies=copies
        )
    )
    session.flush()
    return copies


def errata_of(session: Session, carried: Collection[Carried]) -> Mapping[Carried, Sequence[Erratum]]:
    """Return what readers were told was corrected of each article since it was carried, the oldest first."""
    told = select(Erratum).where(Erratum.article_id.in_({each.article_id for each in carried}))
    errata = session.scalars(told.order_by(Erratum.revision)).all()
    return {
        each: [
            erratum
            for erratum in errata
            if erratum.article_id == each.article_id and erratum.revision > (each.revision or 0)
        ]
        for each in carried
    }


def _refuse_second(session: Session, article: Article) -> None:
    erratum = session.get(Erratum, (article.id, article.revision), populate_existing=True)
    if erratum is not None:
        at = f"{erratum.at:%Y-%m-%d at %H:%M} UTC"
        raise TransitionRefused(f"readers were told of this text already, on {at}, by {erratum.by}")


def _checked(notes: Mapping[str, str], readers: Mapping[str, int]) -> dict[str, str]:
    said = {language: note.replace("\r\n", "\n").strip() for language, note in notes.items()}
    said = {language: note for language, note in said.items() if note}
    if missing := [LANGUAGES[language] for language in readers if language not in said]:
        raise InputRefused(f"say what was corrected, for readers of: {', '.join(missing)}")
    if any(len(note) > MAX_CHARACTERS for note in said.values()):
        raise InputRefused(f"a note has more than {MAX_CHARACTERS} characters")
    return said


def _faces(session: Session) -> list[tuple[int, str]]:
    """Return each newsletter with each language of its letters."""
    newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id))
    return [(newsletter.id, face.language) for newsletter in newsletters for face in newsletter.languages]


def _audience(article: Article, newsletter_id: int, language: str, now: datetime) -> Select[int]:
    got = _earlier(article, now).where(Chunk.newsletter_id == newsletter_id)
    return select(Subscription.subscriber_id).where(
        Subscription.newsletter_id == newsletter_id,
        Subscription.language == language,
        gets_letters(now),
        Subscription.subscriber_id.in_(got),
    )


def _earlier(article: Article, now: datetime) -> Select[int | None]:
    """Select whose copies brought an earlier text of an article, where none of that newsletter brought its newest."""
    is_earlier = EditionItem.revision < article.revision
    return (
        select(Delivery.subscriber_id)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .join(EditionItem, EditionItem.edition_id == letter_id())
        .where(EditionItem.article_id == article.id, is_earlier, was_brought(now))
        .where(Chunk.edition_id.in_(_wholes(article, is_earlier)), ~_newest(article, now).exists())
    )


def _newest(article: Article, now: datetime) -> Select[int]:
    """Select the copies that brought the newest text to the reader of a copy, from the same newsletter."""
    copy, chunk, item = aliased(Delivery), aliased(Chunk), aliased(EditionItem)
    wholes = _wholes(article, EditionItem.revision >= article.revision)
    return (
        select(copy.id)
        .join_from(copy, chunk, chunk.id == copy.chunk_id)
        .join(item, item.edition_id == letter_id(chunk))
        .where(copy.subscriber_id == Delivery.subscriber_id, copy.edition_id.in_(wholes))
        .where(chunk.newsletter_id == Chunk.newsletter_id, was_brought(now, copy, chunk))
        .where(item.article_id == article.id, item.revision >= article.revision)
        .correlate(Delivery, Chunk)
    )


def _wholes(article: Article, has_text: ColumnElement[bool]) -> Select[int]:
    """Select the editions that carried an article with such a text, be it in a variant."""
    carrying = select(EditionItem.edition_id).where(EditionItem.article_id == article.id, has_text).correlate(None)
    return select(sa.func.coalesce(Edition.variant_of, Edition.id)).where(Edition.id.in_(carrying))
