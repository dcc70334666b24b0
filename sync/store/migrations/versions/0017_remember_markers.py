"""Remember what tickets were told beside their labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "marker_write",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("run_id", Serial, nullable=False),
        sa.Column("work_item_id", Serial, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("intended_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_marker_write_run_id", "marker_write", ["run_id"])
    op.create_index("ix_marker_write_work_item_id_kind", "marker_write", ["work_item_id", "kind"])


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("marker_write")
