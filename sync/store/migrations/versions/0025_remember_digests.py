"""Remember what was sent as digests, to whom and about which night."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "digest_delivery",
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("since_run", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("audience", "address", "night"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("digest_delivery")
