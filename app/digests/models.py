"""Tables of extras: that an editor let an article go out of turn, once. Their letters are editions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


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
