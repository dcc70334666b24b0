"""Keep what proves a read whole, why an issue is absent, and when a person last changed a work item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def columns() -> dict[str, list[sa.Column[object]]]:
    """Give the new columns of each table."""
    return {
        "work_item": [
            sa.Column("touched_at", tables.Instant(timezone=True), nullable=True),
            sa.Column("absence", sa.String(), nullable=True),
            sa.Column("absent_why", sa.Text(), nullable=True),
        ],
        "source_run": [
            sa.Column("reading", sa.String(), nullable=True),
            sa.Column("bookmark", sa.Text(), nullable=True),
            sa.Column("seen", sa.Integer(), nullable=True),
            sa.Column("explained", sa.Text(), nullable=True),
            sa.Column("unexplained", sa.Integer(), nullable=True),
        ],
    }


def upgrade() -> None:
    """Bring the schema forward; whatever changed before counts as changed by people."""
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.execute("UPDATE work_item SET touched_at = updated_at")


def downgrade() -> None:
    """Take it back."""
    for table, added in columns().items():
        with op.batch_alter_table(table) as batch:
            for column in added:
                batch.drop_column(column.name)
