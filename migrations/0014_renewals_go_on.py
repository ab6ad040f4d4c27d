"""Remember how far a renewal has looked through its readers, and find who was reminded."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("renewals", sa.Column("looked_until", BIG, nullable=False, server_default="0"))
    op.drop_index("ix_questions_renewal_id", "questions")
    op.create_index("ix_questions_renewal_id", "questions", ["renewal_id", "state", "reminded_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_questions_renewal_id", "questions")
    op.create_index("ix_questions_renewal_id", "questions", ["renewal_id", "state"])
    op.drop_column("renewals", "looked_until")
