"""Divide the money of work among its objectives, and keep the proof that each amount counts once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Serial

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SUMS = ("lines_minor", "work_minor", "workless_minor", "served_minor", "unserved_minor")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "objective_share",
        sa.Column("work_item_id", Serial, autoincrement=False, nullable=False),
        sa.Column("objective_id", Serial, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("sharers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"]),
        sa.ForeignKeyConstraint(["objective_id"], ["objective.id"]),
        sa.PrimaryKeyConstraint("work_item_id", "objective_id"),
    )
    op.create_index("ix_objective_share_objective_id", "objective_share", ["objective_id"])
    op.create_table(
        "money_balance",
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "source", "version", "fiscal_year", "period", "currency"),
    )
    op.create_table(
        "objective_coverage",
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("objective_id", Serial, autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "objective_id", "currency", "version", "fiscal_year", "state"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    for table in ("objective_coverage", "money_balance", "objective_share"):
        op.drop_table(table)
