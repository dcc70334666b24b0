"""Keep no hits: what a rule is true for goes straight into its findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Serial

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.drop_table("hit")


def downgrade() -> None:
    """Take the schema one step back."""
    op.create_table(
        "hit",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("subject_id", Serial, autoincrement=False, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("rule", "entity", "subject_id"),
    )
