"""Keep the former keys of all issues, by site and id: goals have some too, and need not be work items.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLE = "former_key"


def upgrade() -> None:
    """Name issues by site and id instead of by the row of a work item."""
    set_aside(
        "SELECT source AS site, source_id AS issue_id, former.key_folded, former.key, until "
        "FROM former_key AS former JOIN work_item ON work_item.id = former.work_item_id"
    )
    op.create_table(
        TABLE,
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("issue_id", sa.String(), nullable=False),
        *columns(),
        sa.PrimaryKeyConstraint("site", "issue_id", "key_folded"),
    )
    put_back("site, issue_id")
    op.create_index("ix_former_key_key_folded", TABLE, ["key_folded"])


def downgrade() -> None:
    """Name them by the row of a work item again; the keys of others go."""
    set_aside(
        "SELECT work_item.id AS work_item_id, former.key_folded, former.key, until "
        "FROM former_key AS former "
        "JOIN work_item ON work_item.source = former.site AND work_item.source_id = former.issue_id"
    )
    op.create_table(
        TABLE,
        sa.Column("work_item_id", Serial, autoincrement=False, nullable=False),
        *columns(),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.PrimaryKeyConstraint("work_item_id", "key_folded"),
    )
    put_back("work_item_id")


def columns() -> tuple[sa.Column[str], ...]:
    """Give the columns that are the same before and after."""
    return (
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("until", Instant(timezone=True), nullable=False),
    )


def set_aside(rows: str) -> None:
    """Keep the rows as they will be, and drop the table."""
    op.execute(f"CREATE TEMPORARY TABLE former_key_aside AS {rows}")
    op.drop_table(TABLE)


def put_back(issue: str) -> None:
    """Fill the new table."""
    names = f"{issue}, key_folded, key, until"
    op.execute(f"INSERT INTO former_key ({names}) SELECT {names} FROM former_key_aside")
    op.execute("DROP TABLE former_key_aside")
