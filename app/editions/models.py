"""Tables of editions: what each carries, in which order, and the letter that it was frozen to."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column, relationship

from app.articles.models import Article
from app.db import Base, enum_type, new_public_id
from app.newsletters.letterhead import Letterhead
from app.newsletters.models import Newsletter, NewsletterLanguage

_UNFILED = sa.text("status = 'sent' AND filed_at IS NULL AND variant_of IS NULL")
_EXTRA = sa.text("kind <> 'number'")
_WHOLE = sa.text("variant_of IS NULL")
_UNDER_WAY = sa.text("variant_of IS NULL AND status IN ('draft', 'scheduled', 'sending', 'paused')")
_UNCLEARED = sa.text("schedule_id IS NOT NULL AND cleared_at IS NULL")


class EditionStatus(StrEnum):
    """draft ⇄ scheduled → sending ⇄ paused → sent, or cancelled from the first four; a draft may start at once."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class EditionKind(StrEnum):
    """What an edition is: a number of its newsletter, or an extra, which leaves out of turn and for some readers."""

    NUMBER = "number"
    FLASH = "flash"
    ERRATUM = "erratum"


_OTHER = aliased(Newsletter)
_WORDS = NewsletterLanguage.name + "\n" + NewsletterLanguage.description
_ADDRESSES = sa.func.coalesce(Newsletter.sender, "") + "\n" + sa.func.coalesce(Newsletter.reply_to, "")


class Edition(Base):
    """One number of a newsletter in one language. `introduction` is Markdown. `is_automatic`: the schedule sends it.

    A digest goes out in variants, for readers who follow different things: each is an edition of its own as to what it
    carries, and part of the one named by `variant_of` as to its way: that one is started, paused and counted. Of a
    digest, `schedule_id` says whose it is; an edition without is for all readers of its language, unless its `kind` is
    an extra's.
    `template_version`: which of its newsletter's own templates is in force, if any; `masthead`: all else that a letter
    has of the newsletter: name, description, time zone, sender and reply address; `newsletter_name`: its name, where
    there are several; `zone`: its time zone.
    `filed_at`: when its articles became clippings; `cleared_at`: when its letter went, where it was made for readers'
    choices. `revision`: how often editors saved it while it was a draft.
    """

    __tablename__ = "editions"
    __table_args__ = (
        # Of whole ones alone: a digest may have thousands of variants, which lists and lines pass over.
        sa.Index(
            "ix_editions_line", "newsletter_id", "language", "schedule_id", sqlite_where=_WHOLE, postgresql_where=_WHOLE
        ),
        sa.Index("ix_editions_whole", "language", "id", sqlite_where=_WHOLE, postgresql_where=_WHOLE),
        sa.Index("ix_editions_under_way", "status", "id", sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY),
        sa.Index(
            "ix_editions_variant_of",
            "variant_of",
            sqlite_where=sa.text("variant_of IS NOT NULL"),
            postgresql_where=sa.text("variant_of IS NOT NULL"),
        ),
        sa.Index("ix_editions_unfiled", "status", "id", sqlite_where=_UNFILED, postgresql_where=_UNFILED),
        sa.Index("ix_editions_extras", "kind", "started_at", sqlite_where=_EXTRA, postgresql_where=_EXTRA),
        sa.Index("ix_editions_uncleared", "finished_at", sqlite_where=_UNCLEARED, postgresql_where=_UNCLEARED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    kind: Mapped[EditionKind] = mapped_column(enum_type(EditionKind), default=EditionKind.NUMBER)
    variant_of: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"))
    status: Mapped[EditionStatus] = mapped_column(enum_type(EditionStatus), default=EditionStatus.DRAFT)
    is_automatic: Mapped[bool] = mapped_column(default=False)
    subject: Mapped[str] = mapped_column(sa.String(200))
    preheader: Mapped[str] = mapped_column(sa.String(200))
    introduction: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime]
    until: Mapped[datetime]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    started_by: Mapped[str | None] = mapped_column(sa.String(254))
    finished_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0, server_default="0")

    items: Mapped[list["EditionItem"]] = relationship(
        back_populates="edition", order_by="EditionItem.position", cascade="all, delete-orphan"
    )
    content: Mapped["EditionContent | None"] = relationship(back_populates="edition", cascade="all, delete-orphan")
    template_version: Mapped[int | None] = column_property(
        sa.select(Newsletter.template_version)
        .where(Newsletter.id == newsletter_id)
        .correlate_except(Newsletter)
        .scalar_subquery()
    )
    masthead: Mapped[str | None] = column_property(
        sa.select(_WORDS + "\n" + _ADDRESSES + "\n" + Newsletter.timezone)
        .where(NewsletterLanguage.newsletter_id == newsletter_id, NewsletterLanguage.language == language)
        .where(Newsletter.id == newsletter_id)
        .correlate_except(Newsletter, NewsletterLanguage)
        .scalar_subquery()
    )
    zone: Mapped[str] = column_property(
        sa.select(Newsletter.timezone)
        .where(Newsletter.id == newsletter_id)
        .correlate_except(Newsletter)
        .scalar_subquery()
    )
    newsletter_name: Mapped[str | None] = column_property(
        sa.select(NewsletterLanguage.name)
        .where(NewsletterLanguage.newsletter_id == newsletter_id, NewsletterLanguage.language == language)
        .where(sa.exists().where(_OTHER.id != newsletter_id).correlate_except(_OTHER))
        .correlate_except(Newsletter, NewsletterLanguage)
        .scalar_subquery()
    )


class EditionItem(Base):
    """An article's place in an edition. `revision` says which text of it was sent, once it was.

    `section` is the heading over it, if any: items that follow one another under the same one are a section. `title`
    and `teaser` are the editor's own, in place of the article's title and summary.
    """

    __tablename__ = "edition_items"
    __table_args__ = (
        sa.UniqueConstraint("edition_id", "article_id"),
        sa.Index("ix_edition_items_article_id", "article_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id"))
    position: Mapped[int]
    revision: Mapped[int | None]
    section: Mapped[str | None] = mapped_column(sa.String(80))
    title: Mapped[str | None] = mapped_column(sa.String(300))
    teaser: Mapped[str | None]

    edition: Mapped[Edition] = relationship(back_populates="items")
    article: Mapped[Article] = relationship(lazy="joined")
    also: Mapped[list["AlsoIn"]] = relationship(
        order_by="AlsoIn.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def shown_title(self) -> str:
        """The title that readers see."""
        return self.title or self.article.title

    @property
    def shown_summary(self) -> str:
        """The summary that readers see."""
        return self.teaser or self.article.summary


class AlsoIn(Base):
    """Another article on the same story, named beside an item of an edition."""

    __tablename__ = "edition_also_in"
    __table_args__ = (sa.Index("ix_edition_also_in_article_id", "article_id"),)

    item_id: Mapped[int] = mapped_column(sa.ForeignKey("edition_items.id", ondelete="CASCADE"), primary_key=True)
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id"), primary_key=True, autoincrement=False)
    position: Mapped[int]

    article: Mapped[Article] = relationship(lazy="joined")


class EditionContent(Base):
    """The letter of an edition as frozen at its start, with marks where personal pieces go.

    Frozen, because a retry must carry the same bytes, and the web copy must show what was mailed. What was frozen
    before there were letterheads has none.
    """

    __tablename__ = "edition_contents"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(200))
    html: Mapped[str]
    text: Mapped[str]
    from_name: Mapped[str | None] = mapped_column(sa.String(120))
    from_address: Mapped[str | None] = mapped_column(sa.String(254))
    reply_to: Mapped[str | None] = mapped_column(sa.String(254))

    edition: Mapped[Edition] = relationship(back_populates="content")

    @property
    def letterhead(self) -> Letterhead | None:
        """As whom its copies leave, whatever the newsletter is changed to meanwhile."""
        if self.from_name is None or self.from_address is None or self.reply_to is None:
            return None
        return Letterhead(self.from_name, self.from_address, self.reply_to)


#: Literally, as the partial index says it: what is yet to come to an end, its variants aside.
IS_UNDER_WAY = sa.text("editions.variant_of IS NULL AND editions.status IN ('draft', 'scheduled', 'sending', 'paused')")
#: Likewise, what left out of turn.
IS_EXTRA = sa.text("editions.kind <> 'number'")
#: An edition that has not started, and may be given up without a trace.
UNSENT = (EditionStatus.DRAFT, EditionStatus.SCHEDULED)


def whole_editions() -> sa.Select[Edition]:
    """Select editions, each with its variants as one: those are no numbers of their own."""
    return sa.select(Edition).where(Edition.variant_of.is_(None))
