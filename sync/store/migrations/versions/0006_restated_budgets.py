"""Keep the files that budgets come from, and what each budget line said before it was restated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifact",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "sha256"),
    )
    op.create_table(
        "artifact_part",
        sa.Column("artifact_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"]),
        sa.PrimaryKeyConstraint("artifact_id", "number"),
    )
    op.create_table(
        "promotion",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_promotion_run_id", "promotion", ["run_id"])
    op.create_index("ix_promotion_source", "promotion", ["source"])
    op.create_table(
        "budget_line_past",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("cost_centre", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("budget_line_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("artifact_id", tables.Serial, nullable=True),
        sa.Column("valid_from_run", sa.Integer(), nullable=False),
        sa.Column("valid_to_run", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["budget_line_id"], ["budget_line.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_budget_line_past_budget_line_id", "budget_line_past", ["budget_line_id"])
    op.create_index("ix_budget_line_past_valid_to_run", "budget_line_past", ["valid_to_run"])
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("artifact_id", tables.Serial, nullable=True))
        batch_op.add_column(sa.Column("valid_from_run", sa.Integer(), nullable=True))
    op.execute("UPDATE budget_line SET valid_from_run = first_run")
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.alter_column("valid_from_run", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_index("ix_budget_line_last_run")
        for name in ("row_hash", "first_run", "first_seen", "last_run", "last_seen", "missing_since"):
            batch_op.drop_column(name)


def downgrade() -> None:
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("row_hash", sa.String(), nullable=False, server_default=""))
        for name in ("first_run", "last_run"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        for name in ("first_seen", "last_seen"):
            batch_op.add_column(
                sa.Column(
                    name, tables.Instant(timezone=True), nullable=False, server_default="2000-01-01 00:00:00"
                )
            )
        batch_op.add_column(sa.Column("missing_since", sa.Integer(), nullable=True))
        batch_op.drop_column("artifact_id")
    op.execute("UPDATE budget_line SET first_run = valid_from_run, last_run = valid_from_run")
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.drop_column("valid_from_run")
        batch_op.create_index("ix_budget_line_last_run", ["last_run"], unique=False)
    op.drop_table("budget_line_past")
    op.drop_table("promotion")
    op.drop_table("artifact_part")
    op.drop_table("artifact")
