"""Let each newsletter have sign-up texts of its own, and be closed to new readers."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TEXT = ["purpose", "language"]


def upgrade() -> None:
    op.add_column("newsletters", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("consent_wordings") as table:
        table.add_column(sa.Column("newsletter_id", sa.Integer(), nullable=True))
    # So far there was one newsletter, and all texts are its own.
    op.execute("UPDATE consent_wordings SET newsletter_id = (SELECT min(id) FROM newsletters)")
    with op.batch_alter_table("consent_wordings") as table:
        table.alter_column("newsletter_id", existing_type=sa.Integer(), nullable=False)
        table.create_foreign_key(op.f("fk_consent_wordings_newsletter_id"), "newsletters", ["newsletter_id"], ["id"])
        for name in ("version", "sha256"):
            table.drop_constraint(op.f(f"uq_consent_wordings_purpose_language_{name}"), type_="unique")
            table.create_unique_constraint(
                op.f(f"uq_consent_wordings_newsletter_id_purpose_language_{name}"), ["newsletter_id", *TEXT, name]
            )


def downgrade() -> None:
    # Where several newsletters have texts this stops at the constraint: proofs of consent name them, so none may go.
    with op.batch_alter_table("consent_wordings") as table:
        for name in ("version", "sha256"):
            table.drop_constraint(op.f(f"uq_consent_wordings_newsletter_id_purpose_language_{name}"), type_="unique")
            table.create_unique_constraint(op.f(f"uq_consent_wordings_purpose_language_{name}"), [*TEXT, name])
        table.drop_constraint(op.f("fk_consent_wordings_newsletter_id"), type_="foreignkey")
        table.drop_column("newsletter_id")
    op.drop_column("newsletters", "closed_at")
