"""Chain each reader's consent events, let them outlive the reader, and say who gets no letters for now."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
BATCH = 1_000
AUDIENCE = ["newsletter_id", "language", "status", "subscriber_id"]
NEW_IN_EVENTS = ("chain_id", "seq", "newsletter_id", "detail", "address_hash", "previous_hash", "hash")
METADATA = sa.MetaData()
SUBSCRIBERS = sa.Table(
    "subscribers",
    METADATA,
    sa.Column("id", BIG),
    sa.Column("email_key", sa.String),
    sa.Column("chain_id", sa.String),
    sa.Column("chain_salt", sa.String),
)
SUBSCRIPTIONS = sa.Table(
    "subscriptions",
    METADATA,
    sa.Column("id", BIG),
    sa.Column("subscriber_id", BIG),
    sa.Column("newsletter_id", sa.Integer),
)
EVENTS = sa.Table(
    "consent_events",
    METADATA,
    sa.Column("id", BIG),
    sa.Column("subscription_id", BIG),
    *(sa.Column(name, sa.String) for name in ("kind", "method", "language", "form_url", "actor", "detail", "chain_id")),
    *(sa.Column(name, sa.Integer) for name in ("seq", "newsletter_id", "wording_id", "policy_id")),
    *(sa.Column(name, sa.String) for name in ("address_hash", "previous_hash", "hash")),
    sa.Column("at", TIME),
)


def upgrade() -> None:
    _add_columns()
    _chain_what_there_is(op.get_bind())
    _tighten()
    op.create_table(
        "consent_stubs",
        sa.Column("chain_id", sa.String(length=22), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("pruned_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "seq", name=op.f("pk_consent_stubs")),
    )
    op.create_index("ix_consent_stubs_pruned_at", "consent_stubs", ["pruned_at"])


def _add_columns() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.add_column(sa.Column("chain_id", sa.String(length=22), nullable=True))
        table.add_column(sa.Column("chain_salt", sa.String(length=22), nullable=True))
        table.add_column(sa.Column("restricted_at", TIME, nullable=True))
    with op.batch_alter_table("subscriptions") as table:
        table.add_column(sa.Column("is_withheld", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("paused_until", TIME, nullable=True))
        table.drop_index("ix_subscriptions_audience")
        table.create_index("ix_subscriptions_audience", [*AUDIENCE, "is_withheld", "paused_until"])
    with op.batch_alter_table("consent_events") as table:
        table.add_column(sa.Column("chain_id", sa.String(length=22), nullable=True))
        table.add_column(sa.Column("seq", sa.Integer(), nullable=True))
        table.add_column(sa.Column("newsletter_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("detail", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("address_hash", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("previous_hash", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("hash", sa.String(length=64), nullable=True))


def _tighten() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.alter_column("chain_id", existing_type=sa.String(length=22), nullable=False)
        table.alter_column("chain_salt", existing_type=sa.String(length=22), nullable=False)
        table.create_unique_constraint(op.f("uq_subscribers_chain_id"), ["chain_id"])
    with op.batch_alter_table("subscriptions") as table:
        table.alter_column("is_withheld", existing_type=sa.Boolean(), server_default=None)
    with op.batch_alter_table("consent_events") as table:
        for name, kind in (("chain_id", sa.String(length=22)), ("seq", sa.Integer())):
            table.alter_column(name, existing_type=kind, nullable=False)
        for name in ("address_hash", "previous_hash", "hash"):
            table.alter_column(name, existing_type=sa.String(length=64), nullable=False)
        table.create_unique_constraint(op.f("uq_consent_events_chain_id_seq"), ["chain_id", "seq"])
        _tie(table, ondelete="SET NULL", nullable=True)


def _tie(table, *, ondelete: str, nullable: bool) -> None:
    """Say what becomes of events when their subscription goes."""
    name = op.f("fk_consent_events_subscription_id")
    table.drop_constraint(name, type_="foreignkey")
    table.alter_column("subscription_id", existing_type=BIG, nullable=nullable)
    table.create_foreign_key(name, "subscriptions", ["subscription_id"], ["id"], ondelete=ondelete)


def _chain_what_there_is(connection: sa.Connection) -> None:
    """Give each reader a chain and its salt, and each event its place, a batch of readers at a time."""
    last_id = 0
    query = sa.select(SUBSCRIBERS.c.id, SUBSCRIBERS.c.email_key).order_by(SUBSCRIBERS.c.id).limit(BATCH)
    while readers := connection.execute(query.where(SUBSCRIBERS.c.id > last_id)).all():
        chains = {
            reader.id: (secrets.token_urlsafe(16), secrets.token_urlsafe(16), reader.email_key) for reader in readers
        }
        connection.execute(
            SUBSCRIBERS.update()
            .where(SUBSCRIBERS.c.id == sa.bindparam("reader"))
            .values(chain_id=sa.bindparam("chain"), chain_salt=sa.bindparam("salt")),
            [{"reader": key, "chain": chain, "salt": salt} for key, (chain, salt, _) in chains.items()],
        )
        last_id = readers[-1].id
        rows = _chained(connection, chains)
        if rows:
            columns = {name: sa.bindparam(f"new_{name}") for name in NEW_IN_EVENTS}
            connection.execute(EVENTS.update().where(EVENTS.c.id == sa.bindparam("event")).values(columns), rows)


def _chained(connection: sa.Connection, chains: dict[int, tuple[str, str, str]]) -> list[dict[str, object]]:
    """Return the new values of the events of some readers, in the order in which they happened."""
    events = connection.execute(
        sa.select(EVENTS, SUBSCRIPTIONS.c.subscriber_id, SUBSCRIPTIONS.c.newsletter_id.label("list"))
        .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == EVENTS.c.subscription_id)
        .where(SUBSCRIPTIONS.c.subscriber_id.in_(chains))
        .order_by(SUBSCRIPTIONS.c.subscriber_id, EVENTS.c.id)
    )
    ends: dict[int, tuple[int, str]] = {}
    rows = []
    for event in events:
        chain, salt, email_key = chains[event.subscriber_id]
        seq, previous = ends.get(event.subscriber_id, (0, ""))
        address = hashlib.sha256(f"{salt}\0{email_key}".encode()).hexdigest()
        at = event.at if event.at.tzinfo else event.at.replace(tzinfo=UTC)
        said = [
            "vigie.consent.1", chain, seq + 1, previous, event.list, event.kind, event.method,
            at.astimezone(UTC).isoformat(timespec="microseconds"), event.language, event.wording_id, event.policy_id,
            event.form_url, event.actor, None, address,
        ]  # fmt: skip
        digest = hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
        ends[event.subscriber_id] = (seq + 1, digest)
        values = (chain, seq + 1, event.list, None, address, previous, digest)
        rows.append({"event": event.id, **_named(zip(NEW_IN_EVENTS, values, strict=True))})
    return rows


def _named(values: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {f"new_{name}": value for name, value in values}


def downgrade() -> None:
    op.drop_table("consent_stubs")
    op.execute(EVENTS.delete().where(EVENTS.c.subscription_id.is_(None)))
    with op.batch_alter_table("consent_events") as table:
        _tie(table, ondelete="CASCADE", nullable=False)
        table.drop_constraint(op.f("uq_consent_events_chain_id_seq"), type_="unique")
        for name in NEW_IN_EVENTS:
            table.drop_column(name)
    with op.batch_alter_table("subscriptions") as table:
        table.drop_index("ix_subscriptions_audience")
        table.create_index("ix_subscriptions_audience", AUDIENCE)
        table.drop_column("paused_until")
        table.drop_column("is_withheld")
    with op.batch_alter_table("subscribers") as table:
        table.drop_constraint(op.f("uq_subscribers_chain_id"), type_="unique")
        for name in ("chain_id", "chain_salt", "restricted_at"):
            table.drop_column(name)
