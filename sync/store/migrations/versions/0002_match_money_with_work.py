"""Match money with work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "allocation_rule",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("row_hash", sa.String(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("first_seen", tables.Instant(timezone=True), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("last_seen", tables.Instant(timezone=True), nullable=False),
        sa.Column("missing_since", sa.Integer(), nullable=True),
        sa.Column("deleted_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("code_folded", sa.String(), nullable=False),
        sa.Column("prefix", sa.Boolean(), nullable=False),
        sa.Column("issue", sa.String(), nullable=True),
        sa.Column("issue_folded", sa.String(), nullable=True),
        sa.Column("objective", sa.String(), nullable=True),
        sa.Column("objective_folded", sa.String(), nullable=True),
        sa.Column("millionths", sa.Integer(), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.Column("of_source", sa.String(), nullable=True),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("allocation_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocation_rule_code_folded"), ["code_folded"], unique=False)
        batch_op.create_index(batch_op.f("ix_allocation_rule_last_run"), ["last_run"], unique=False)

    op.create_table(
        "match_decision",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("of_source", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("code_folded", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("target_source", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("target_name", sa.String(), nullable=False),
        sa.Column("millionths", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("withdrawn_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("match_decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_match_decision_code_folded"), ["code_folded"], unique=False)
        batch_op.create_index(batch_op.f("ix_match_decision_target_id"), ["target_id"], unique=False)

    op.create_table(
        "budget_remainder",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("budget_line_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("objective_id", tables.Serial, autoincrement=False, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_line_id"],
            ["budget_line.id"],
        ),
        sa.ForeignKeyConstraint(
            ["objective_id"],
            ["objective.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("budget_remainder", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_budget_remainder_budget_line_id"), ["budget_line_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_budget_remainder_objective_id"), ["objective_id"], unique=False)

    op.create_table(
        "former_key",
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("until", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("work_item_id", "key_folded"),
    )
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("issues_folded", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("parents_folded", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the schema one step back."""
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.drop_column("parents_folded")
        batch_op.drop_column("issues_folded")

    op.drop_table("former_key")
    with op.batch_alter_table("budget_remainder", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_budget_remainder_objective_id"))
        batch_op.drop_index(batch_op.f("ix_budget_remainder_budget_line_id"))

    op.drop_table("budget_remainder")
    with op.batch_alter_table("match_decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_match_decision_target_id"))
        batch_op.drop_index(batch_op.f("ix_match_decision_code_folded"))

    op.drop_table("match_decision")
    with op.batch_alter_table("allocation_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocation_rule_last_run"))
        batch_op.drop_index(batch_op.f("ix_allocation_rule_code_folded"))

    op.drop_table("allocation_rule")
