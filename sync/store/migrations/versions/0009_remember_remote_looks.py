"""Remember when each work item was last asked for its remote links.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "remote_look",
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("looked_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.PrimaryKeyConstraint("work_item_id"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("remote_look")
