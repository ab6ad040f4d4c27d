"""Archive proofs, ask readers whether they stay, write down who departed, and date what is to be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
KINDS = ("stay", "renewal")
STATES = ("open", "agreed", "lapsed", "void")
REASONS = ("hard-bounce", "complaint", "erased", "admin")
OWN_METHODS = ("confirm-page", "unsubscribe-page", "one-click", "preferences-page")
PARTIAL = (
    ("ix_subscriptions_acted_at", "subscriptions", ["acted_at", "id"], "status = 'confirmed'"),
    ("ix_subscriptions_unsubscribed_at", "subscriptions", ["unsubscribed_at", "id"], "status = 'unsubscribed'"),
    ("ix_subscriptions_withheld", "subscriptions", ["id"], "is_withheld"),
    ("ix_consent_events_erased", "consent_events", ["at", "id"], "kind = 'erased'"),
    ("ix_chunks_uncleared", "chunks", ["created_at", "id"], "cleared_at IS NULL"),
)
#: When a reader last did something: what only the owner of the mailbox can do, or else the confirmation.
ACTS = sa.text(
    "UPDATE subscriptions SET acted_at = coalesce((SELECT max(consent_events.at) FROM consent_events WHERE"
    " consent_events.subscription_id = subscriptions.id AND consent_events.method IN :methods), confirmed_at)"
).bindparams(sa.bindparam("methods", OWN_METHODS, expanding=True))


def upgrade() -> None:
    op.add_column("chunks", sa.Column("cleared_at", TIME, nullable=True))
    op.add_column("subscriptions", sa.Column("acted_at", TIME, nullable=True))
    op.execute(ACTS)
    for name, table, columns, where in PARTIAL:
        _create_partial_index(name, table, columns, where)
    op.create_index("ix_readings_opened_on", "readings", ["opened_on"])
    _create_departures()
    _create_questions()


def _create_partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _create_departures() -> None:
    op.create_table(
        "consent_archives",
        sa.Column("chain_id", sa.String(length=22), nullable=False),
        sa.Column("address_hmac", sa.String(length=64), nullable=False),
        sa.Column("left_at", TIME, nullable=False),
        sa.Column("archived_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_consent_archives")),
    )
    op.create_index("ix_consent_archives_address_hmac", "consent_archives", ["address_hmac"])
    op.create_index("ix_consent_archives_left_at", "consent_archives", ["left_at", "chain_id"])
    op.create_table(
        "departures",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chain_id", sa.String(length=22), nullable=True),
        sa.Column("address_hmac", sa.String(length=64), nullable=True),
        sa.Column("newsletter_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Enum(*REASONS, name="suppressionreason", native_enum=False, length=20), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departures")),
    )
    op.create_table(
        "departure_journals",
        sa.Column("journal_id", sa.String(length=22), nullable=False),
        sa.Column("database_id", sa.String(length=22), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("journal_id", name=op.f("pk_departure_journals")),
    )


def _create_questions() -> None:
    op.create_table(
        "renewals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter_id", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("started_by", sa.String(length=254), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("remind_days", sa.Integer(), nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletters.id"], name=op.f("fk_renewals_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewals")),
    )
    op.create_index("ix_renewals_newsletter", "renewals", ["newsletter_id", "id"])
    op.create_table(
        "questions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="questionkind", native_enum=False, length=20), nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("renewal_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("wording_id", sa.Integer(), nullable=True),
        sa.Column("policy_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.Enum(*STATES, name="questionstate", native_enum=False, length=20), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("answer_until", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_questions_subscription_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewals.id"], name=op.f("fk_questions_renewal_id")),
        sa.ForeignKeyConstraint(["wording_id"], ["consent_wordings.id"], name=op.f("fk_questions_wording_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["privacy_policies.id"], name=op.f("fk_questions_policy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_questions_public_id")),
        sa.UniqueConstraint("subscription_id", "kind", name=op.f("uq_questions_subscription_id_kind")),
    )
    op.create_index("ix_questions_asked_at", "questions", ["kind", "asked_at"])
    op.create_index("ix_questions_renewal_id", "questions", ["renewal_id", "state"])
    _create_partial_index("ix_questions_due", "questions", ["kind", "answer_until", "id"], "state = 'open'")
    _create_partial_index("ix_questions_closed_at", "questions", ["closed_at"], "closed_at IS NOT NULL")


def downgrade() -> None:
    for table in ("questions", "renewals", "departure_journals", "departures", "consent_archives"):
        op.drop_table(table)
    op.drop_index("ix_readings_opened_on", table_name="readings")
    for name, table, _, _ in PARTIAL:
        op.drop_index(name, table_name=table)
    op.drop_column("subscriptions", "acted_at")
    op.drop_column("chunks", "cleared_at")
