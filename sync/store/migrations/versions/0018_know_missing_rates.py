"""Know which money has no exchange rate before rules are judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "rate_gap",
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("currency", "period"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("rate_gap")
