"""The table of saved filters."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

#: Characters.
NAME_MAX = 60


class SavedFilter(Base):
    """Which readers the desk likes to list, by a name. `query` is `ReaderFilter.as_query`: no address is in it."""

    __tablename__ = "saved_filters"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX), unique=True)
    query: Mapped[dict[str, str]] = mapped_column(sa.JSON())
    created_at: Mapped[datetime]
