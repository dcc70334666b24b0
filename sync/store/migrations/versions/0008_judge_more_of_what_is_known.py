"""Keep declared fields, projects, cost centres, and when work was resolved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def columns() -> dict[str, list[sa.Column[object]]]:
    """Give the new columns of each table."""
    return {
        "work_item": [sa.Column("resolved_at", tables.Instant(timezone=True), nullable=True)],
        "objective": [
            sa.Column("kind", sa.String(), nullable=True),
            sa.Column("kind_folded", sa.String(), nullable=True),
            sa.Column("target_share", sa.Integer(), nullable=True),
        ],
    }


def upgrade() -> None:
    """Bring the schema forward."""
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.create_table(
        "work_item_value",
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_folded", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.PrimaryKeyConstraint("work_item_id", "name", "position"),
    )
    op.create_table(
        "project",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_folded", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "key_folded"),
    )
    op.create_table(
        "cost_centre",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_folded", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_folded"),
    )


def downgrade() -> None:
    """Take it back."""
    for table in ("cost_centre", "project", "work_item_value"):
        op.drop_table(table)
    for table, added in columns().items():
        with op.batch_alter_table(table) as batch:
            for column in added:
                batch.drop_column(column.name)
