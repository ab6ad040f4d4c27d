"""The lease that elects one scheduler among many processes, and what is known of each job's last run."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type

#: Characters of what a job failed with.
ERROR_MAX = 300


class Lease(Base):
    """Held by `owner` until `until`; a holder renews it, anyone may take an expired one."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(sa.String(40))
    until: Mapped[datetime]


class RunOutcome(StrEnum):
    """How the last run of a job ended; while it `runs`, nobody knows."""

    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"


class JobRun(Base):
    """The last run of a periodic job, and what asks for one out of turn; a job that never ran may have no row.

    `failures` counts those in a row, `failed_at` and `error` tell of the last one, of which `error` is the first line.
    """

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    started_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None]
    outcome: Mapped[RunOutcome | None] = mapped_column(enum_type(RunOutcome))
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(sa.String(ERROR_MAX))
    asked_at: Mapped[datetime | None]
