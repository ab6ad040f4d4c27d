"""The lease that elects one scheduler among many processes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Lease(Base):
    """Held by `owner` until `until`; a holder renews it, anyone may take an expired one."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(sa.String(40))
    until: Mapped[datetime]
