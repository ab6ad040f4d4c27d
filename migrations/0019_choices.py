"""Let readers choose what they read and when, and send digests in variants."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
#: Of the indexes on subscriptions: the columns, and which rows they hold.
INDEXES = {
    "ix_subscriptions_profile": (["profile_id", "rhythm_id"], "profile_id IS NOT NULL"),
    "ix_subscriptions_rhythm": (["rhythm_id", "language"], "rhythm_id IS NOT NULL"),
    "ix_subscriptions_covered_until": (["newsletter_id", "covered_until"], "covered_until IS NOT NULL"),
    "ix_subscriptions_flashes": (["newsletter_id", "language"], "gets_flashes"),
}
#: What an edition carried was the text that an article had when it started.
SENT_REVISIONS = (
    "UPDATE edition_items SET revision = (SELECT 1 + count(article_revisions.revision) FROM editions"
    " LEFT JOIN article_revisions ON article_revisions.article_id = edition_items.article_id"
    " AND article_revisions.at <= editions.started_at WHERE editions.id = edition_items.edition_id)"
    " WHERE edition_id IN (SELECT id FROM editions WHERE started_at IS NOT NULL)"
)


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("also_reads", "followed", "muted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("digest", name=op.f("uq_profiles_digest")),
    )
    op.create_table(
        "rhythms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cadence", sa.String(length=20), nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("hour", "day")),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rhythms")),
        sa.UniqueConstraint("cadence", "hour", "day", "timezone", name=op.f("uq_rhythms_cadence_hour_day_timezone")),
    )
    with op.batch_alter_table("subscriptions") as table:
        for name in ("profile_id", "rhythm_id"):
            table.add_column(sa.Column(name, sa.Integer()))
            table.create_foreign_key(op.f(f"fk_subscriptions_{name}"), f"{name[:-3]}s", [name], ["id"])
        table.add_column(sa.Column("gets_flashes", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("covered_until", TIME))
    with op.batch_alter_table("subscriptions") as table:
        table.alter_column("gets_flashes", existing_type=sa.Boolean(), server_default=None)
    for name, (columns, rows) in INDEXES.items():
        op.create_index(name, "subscriptions", columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
    with op.batch_alter_table("schedules") as table:
        table.add_column(sa.Column("rhythm_id", sa.Integer()))
        table.add_column(sa.Column("timezone", sa.String(length=60)))
        table.create_foreign_key(op.f("fk_schedules_rhythm_id"), "rhythms", ["rhythm_id"], ["id"])
        table.drop_constraint(op.f("uq_schedules_newsletter_id_language"), type_="unique")
        table.create_unique_constraint(
            op.f("uq_schedules_newsletter_id_language_rhythm_id"), ["newsletter_id", "language", "rhythm_id"]
        )
    op.execute(
        "UPDATE schedules SET timezone ="
        " (SELECT timezone FROM newsletters WHERE newsletters.id = schedules.newsletter_id)"
    )
    with op.batch_alter_table("schedules") as table:
        table.alter_column("timezone", existing_type=sa.String(length=60), nullable=False)
    usual = sa.text("rhythm_id IS NULL")
    op.create_index(
        "ix_schedules_usual", "schedules", ["newsletter_id", "language"], unique=True, sqlite_where=usual,
        postgresql_where=usual,
    )  # fmt: skip
    with op.batch_alter_table("editions") as table:
        table.add_column(sa.Column("kind", sa.String(length=20), nullable=False, server_default="number"))
        table.add_column(sa.Column("variant_of", sa.Integer()))
        table.add_column(sa.Column("schedule_id", sa.Integer()))
        table.create_foreign_key(op.f("fk_editions_schedule_id"), "schedules", ["schedule_id"], ["id"])
        table.create_foreign_key(op.f("fk_editions_variant_of"), "editions", ["variant_of"], ["id"], ondelete="CASCADE")
    with op.batch_alter_table("editions") as table:
        table.alter_column("kind", existing_type=sa.String(length=20), server_default=None)
    op.create_index("ix_editions_kind", "editions", ["kind", "started_at"])
    op.execute(
        "UPDATE editions SET schedule_id = (SELECT max(schedule_id) FROM compilations"
        " WHERE compilations.edition_id = editions.id)"
    )
    variants = sa.text("variant_of IS NOT NULL")
    op.create_index(
        "ix_editions_variant_of", "editions", ["variant_of"], sqlite_where=variants, postgresql_where=variants
    )
    op.add_column("chunks", sa.Column("variant_id", sa.Integer()))
    letters = sa.text("variant_id IS NOT NULL")
    op.create_index("ix_chunks_variant_id", "chunks", ["variant_id"], sqlite_where=letters, postgresql_where=letters)
    op.add_column("edition_items", sa.Column("revision", sa.Integer()))
    op.execute(SENT_REVISIONS)
    _create_extras()


def _create_extras() -> None:
    """Create the tables of flashes and errata, which differ in what an editor says."""
    own: dict[str, list[sa.Column[Any]]] = {
        "flashes": [],
        "errata": [sa.Column("revision", sa.Integer(), nullable=False), sa.Column("notes", sa.JSON(), nullable=False)],
    }
    for name, columns in own.items():
        op.create_table(
            name,
            sa.Column("article_id", sa.Integer(), nullable=False),
            *columns,
            sa.Column("at", TIME, nullable=False),
            sa.Column("by", sa.String(length=254), nullable=False),
            sa.Column("copies", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f(f"fk_{name}_article_id")),
            sa.PrimaryKeyConstraint("article_id", *(["revision"] if columns else []), name=op.f(f"pk_{name}")),
        )


def downgrade() -> None:
    op.drop_table("errata")
    op.drop_table("flashes")
    op.drop_column("edition_items", "revision")
    op.drop_index("ix_editions_kind", table_name="editions")
    # Copies of a variant cannot be told from others any more, so what waits of them does not go.
    op.execute("UPDATE chunks SET expires_at = created_at WHERE variant_id IS NOT NULL AND next_attempt_at IS NOT NULL")
    op.drop_index("ix_chunks_variant_id", table_name="chunks")
    op.drop_column("chunks", "variant_id")
    op.execute("DELETE FROM edition_items WHERE edition_id IN (SELECT id FROM editions WHERE variant_of IS NOT NULL)")
    op.execute(
        "DELETE FROM edition_contents WHERE edition_id IN (SELECT id FROM editions WHERE variant_of IS NOT NULL)"
    )
    op.execute("DELETE FROM editions WHERE variant_of IS NOT NULL")
    op.drop_index("ix_editions_variant_of", table_name="editions")
    with op.batch_alter_table("editions") as table:
        for name in ("variant_of", "schedule_id"):
            table.drop_constraint(op.f(f"fk_editions_{name}"), type_="foreignkey")
            table.drop_column(name)
        table.drop_column("kind")
    op.drop_index("ix_schedules_usual", table_name="schedules")
    op.execute("UPDATE compilations SET schedule_id = NULL, period_at = NULL WHERE schedule_id IN"
               " (SELECT id FROM schedules WHERE rhythm_id IS NOT NULL)")  # fmt: skip
    op.execute("DELETE FROM schedules WHERE rhythm_id IS NOT NULL")
    with op.batch_alter_table("schedules") as table:
        table.drop_constraint(op.f("uq_schedules_newsletter_id_language_rhythm_id"), type_="unique")
        table.create_unique_constraint(op.f("uq_schedules_newsletter_id_language"), ["newsletter_id", "language"])
        table.drop_constraint(op.f("fk_schedules_rhythm_id"), type_="foreignkey")
        for name in ("rhythm_id", "timezone"):
            table.drop_column(name)
    for name in INDEXES:
        op.drop_index(name, table_name="subscriptions")
    with op.batch_alter_table("subscriptions") as table:
        for name in ("profile_id", "rhythm_id"):
            table.drop_constraint(op.f(f"fk_subscriptions_{name}"), type_="foreignkey")
        for name in ("profile_id", "rhythm_id", "gets_flashes", "covered_until"):
            table.drop_column(name)
    op.drop_table("rhythms")
    op.drop_table("profiles")
