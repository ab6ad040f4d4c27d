"""Tables of newsletters and of the numbered wordings that readers were shown. Knows no reader."""

import hashlib
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, enum_type
from app.errors import InputRefused

#: The newsletter that a fresh set-up has. It was alone once, and its public addresses name none.
FIRST_SLUG = "vigie"


class Newsletter(Base):
    """What one subscribes to. Digests go out in `timezone`, an IANA zone name.

    `needs_approval`: of the editions that somebody sends, each wants somebody else's word first. `changed_at` is when
    somebody last changed it, or a language of it: until somebody does, it follows the settings. `sender` and `reply_to`
    are its own From and Reply-To addresses, in their wire form; without them, those of the settings hold.
    `template_version` is the version in force of its own letter template; without one, editions are set from the
    product's. From `closed_at` on nobody new can sign up; its readers stay.
    """

    __tablename__ = "newsletters"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(60), unique=True)
    timezone: Mapped[str] = mapped_column(sa.String(60))
    sends_welcome: Mapped[bool] = mapped_column(default=True)
    needs_approval: Mapped[bool] = mapped_column(default=False)
    sender: Mapped[str | None] = mapped_column(sa.String(254))
    reply_to: Mapped[str | None] = mapped_column(sa.String(254))
    template_version: Mapped[int | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    languages: Mapped[list["NewsletterLanguage"]] = relationship(
        back_populates="newsletter", order_by="NewsletterLanguage.id", lazy="selectin"
    )
    template: Mapped["LetterTemplate | None"] = relationship(
        primaryjoin="and_(Newsletter.id == foreign(LetterTemplate.newsletter_id), "
        "Newsletter.template_version == foreign(LetterTemplate.version))",
        viewonly=True,
        uselist=False,
    )

    @property
    def address_slug(self) -> str | None:
        """How its public addresses name it."""
        return address_slug(self.slug)

    @property
    def language_codes(self) -> tuple[str, ...]:
        """The languages that it has, the first one first: its letters, forms and schedules are in no other."""
        return tuple(face.language for face in self.languages)

    def check_language(self, language: str) -> None:
        """Refuse a language that it does not have. Raises InputRefused."""
        if language not in self.language_codes:
            raise InputRefused(
                f"{self.slug} is not in {language or 'no language'}, but in {', '.join(self.language_codes)}"
            )

    def in_language(self, language: str) -> "NewsletterLanguage":
        """Return the newsletter's face in `language`, or in its first language where it has none."""
        return next((face for face in self.languages if face.language == language), self.languages[0])


class NewsletterLanguage(Base):
    """A newsletter in one language: its name and its List-Id label (RFC 2919: constant over time)."""

    __tablename__ = "newsletter_languages"
    __table_args__ = (sa.UniqueConstraint("newsletter_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    name: Mapped[str] = mapped_column(sa.String(120))
    description: Mapped[str] = mapped_column(sa.String(500))
    list_label: Mapped[str] = mapped_column(sa.String(60))

    newsletter: Mapped[Newsletter] = relationship(back_populates="languages")


class LetterTemplate(Base):
    """One version of a newsletter's own letter template, MJML in the language of `app.sandbox`; never changed.

    `author` saved it, at the desk or on the command line.
    """

    __tablename__ = "letter_templates"
    __table_args__ = (sa.UniqueConstraint("newsletter_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    version: Mapped[int]
    source: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    author: Mapped[str] = mapped_column(sa.String(254))
    created_at: Mapped[datetime]


class WordingPurpose(StrEnum):
    """What a wording asks consent for."""

    NEWSLETTER = "newsletter"
    MEASUREMENT = "measurement"


class ConsentWording(Base):
    """One version of what a newsletter's form says; never changed, a new text is a new version (GDPR art. 7(1)).

    Without `written_by` it is the one that comes with the product.
    """

    __tablename__ = "consent_wordings"
    __table_args__ = (
        sa.UniqueConstraint("newsletter_id", "purpose", "language", "version"),
        sa.UniqueConstraint("newsletter_id", "purpose", "language", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    purpose: Mapped[WordingPurpose] = mapped_column(enum_type(WordingPurpose), default=WordingPurpose.NEWSLETTER)
    language: Mapped[str] = mapped_column(sa.String(8))
    version: Mapped[int]
    heading: Mapped[str]
    statement: Mapped[str]
    button: Mapped[str]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    written_by: Mapped[str | None] = mapped_column(sa.String(254))

    def says(self, *, heading: str, statement: str, button: str) -> bool:
        """Whether these are its texts."""
        return (self.heading, self.statement, self.button) == (heading, statement, button)


class PrivacyPolicy(Base):
    """One version of the privacy policy as HTML, with the retention values in force when it was shown.

    Without `written_by` it is the one that comes with the product.
    """

    __tablename__ = "privacy_policies"
    __table_args__ = (sa.UniqueConstraint("language", "version"), sa.UniqueConstraint("language", "sha256"))

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(8))
    version: Mapped[int]
    body: Mapped[str]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    written_by: Mapped[str | None] = mapped_column(sa.String(254))


def address_slug(slug: str) -> str | None:
    """Return how public addresses name the newsletter `slug`; the first one's name none."""
    return None if slug == FIRST_SLUG else slug


def text_hash(*parts: str) -> str:
    """Return the SHA-256, in hex, of `parts` joined by NUL."""
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def newsletter_by_slug(slug: str | None = None) -> Select[Newsletter]:
    """Select the newsletter of `slug`, or the first one."""
    query = select(Newsletter).order_by(Newsletter.id).limit(1)
    return query.where(Newsletter.slug == slug) if slug else query


def open_newsletters() -> Select[Newsletter]:
    """Select the newsletters that one can sign up to, the oldest first."""
    return select(Newsletter).where(Newsletter.closed_at.is_(None)).order_by(Newsletter.id)


def current_wording(
    newsletter_id: int, language: str, purpose: WordingPurpose = WordingPurpose.NEWSLETTER
) -> Select[ConsentWording]:
    """Select the newest wording in `language` of a newsletter's sign-up form, or of what else it asks for."""
    return (
        select(ConsentWording)
        .where(
            ConsentWording.newsletter_id == newsletter_id,
            ConsentWording.purpose == purpose,
            ConsentWording.language == language,
        )
        .order_by(ConsentWording.version.desc())
        .limit(1)
    )


def current_policy(language: str) -> Select[PrivacyPolicy]:
    """Select the newest privacy policy in `language`."""
    return (
        select(PrivacyPolicy).where(PrivacyPolicy.language == language).order_by(PrivacyPolicy.version.desc()).limit(1)
    )
