"""Tables of extras: that an editor let an article go out of turn, once. Their letters are editions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type
from app.editions.models import EditionKind


class Flash(Base):
    """That an article went at once to those who read in real time: by whom, when, in how many `copies`."""

    __tablename__ = "flashes"

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(254))
    copies: Mapped[int]


class Erratum(Base):
    """That those who got an earlier text of an article were told of `revision`: `notes` say what was corrected.

    The notes are in Markdown, by language of letters.
    """

    __tablename__ = "errata"

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notes: Mapped[dict[str, str]] = mapped_column(sa.JSON())
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(254))
    copies: Mapped[int]


class HeldExtra(Base):
    """That an extra of an article, with the text that `revision` counts, did not pass the gate when `by` let it go.

    `findings` say why. `notes` are those of an erratum, for who lets it go all the same.
    """

    __tablename__ = "held_extras"

    article_id: Mapped[int] = mapped_column(
        sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[EditionKind] = mapped_column(enum_type(EditionKind), primary_key=True)
    revision: Mapped[int]
    findings: Mapped[str]
    notes: Mapped[dict[str, str]] = mapped_column(sa.JSON())
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(254))
