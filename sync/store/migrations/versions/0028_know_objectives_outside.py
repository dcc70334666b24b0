"""Know what work names as objectives and the query for objectives leaves out, and what Jira does not give.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "outside_objective": ("key_folded", "issue_id", "last_run"),
    "outside_link": ("work_item_id", "objective_id"),
}


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "outside_objective",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("row_hash", sa.String(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("first_seen", Instant(timezone=True), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("last_seen", Instant(timezone=True), nullable=False),
        sa.Column("missing_since", sa.Integer(), nullable=True),
        sa.Column("deleted_at", Instant(timezone=True), nullable=True),
        sa.Column("id", Serial, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_folded", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("type_name", sa.String(), nullable=False),
        sa.Column("type_folded", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("issue_id", sa.String(), nullable=True),
        sa.Column("hidden", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    op.create_table(
        "outside_link",
        sa.Column("id", Serial, nullable=False),
        sa.Column("work_item_id", Serial, nullable=False),
        sa.Column("objective_id", Serial, nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("strength", sa.String(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("via_id", Serial, nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["objective_id"], ["outside_objective.id"]),
        sa.ForeignKeyConstraint(["via_id"], ["work_item.id"]),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for table, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("outside_link")
    op.drop_table("outside_objective")
