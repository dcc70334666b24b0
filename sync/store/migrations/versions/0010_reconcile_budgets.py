"""Account for every row and every minor unit of a finance source, and follow refused rows until they are mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROWS = ("rows_read", "rows_accepted", "rows_excluded", "rows_blank")

# What every budget line has said, and between which moments it was what we knew; valid_to is empty for now.
KNOWN = """
CREATE VIEW budget_line_version AS
SELECT line.source, line.source_id, line.version, line.fiscal_year, line.period, line.currency,
       line.amount_minor, line.project, line.cost_centre, line.account, line.description,
       artifact.name AS file, line.line, began.started_at AS valid_from, NULL AS valid_to
FROM budget_line AS line
JOIN run AS began ON began.id = line.valid_from_run
LEFT JOIN artifact ON artifact.id = line.artifact_id
WHERE line.deleted_at IS NULL
UNION ALL
SELECT line.source, line.source_id, past.version, past.fiscal_year, past.period, past.currency,
       past.amount_minor, past.project, past.cost_centre, past.account, past.description,
       artifact.name AS file, past.line, began.started_at AS valid_from, ended.started_at AS valid_to
FROM budget_line_past AS past
JOIN budget_line AS line ON line.id = past.budget_line_id
JOIN run AS began ON began.id = past.valid_from_run
JOIN run AS ended ON ended.id = past.valid_to_run
LEFT JOIN artifact ON artifact.id = past.artifact_id
"""


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "reconciliation",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("previous_minor", sa.BigInteger(), nullable=False),
        sa.Column("added_minor", sa.BigInteger(), nullable=False),
        sa.Column("changed_minor", sa.BigInteger(), nullable=False),
        sa.Column("removed_minor", sa.BigInteger(), nullable=False),
        sa.Column("current_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "source", "version", "fiscal_year", "period", "currency"),
    )
    with op.batch_alter_table("source_run", schema=None) as batch_op:
        for name in ROWS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
    with op.batch_alter_table("control_total", schema=None) as batch_op:
        batch_op.add_column(sa.Column("excluded_minor", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("control_total", schema=None) as batch_op:
        batch_op.alter_column("excluded_minor", existing_type=sa.BigInteger(), server_default=None)
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sheet", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("record", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("code", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("status", sa.String(), nullable=False, server_default="open"))
        batch_op.add_column(sa.Column("first_run", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=True))
    op.execute("UPDATE quarantine SET first_run = run_id")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.alter_column("code", existing_type=sa.String(), server_default=None)
        batch_op.alter_column("status", existing_type=sa.String(), server_default=None)
        batch_op.alter_column("first_run", existing_type=sa.Integer(), nullable=False)
        batch_op.create_index("ix_quarantine_status", ["status"], unique=False)
    op.execute(KNOWN)


def downgrade() -> None:
    """Take the schema one step back."""
    op.execute("DROP VIEW budget_line_version")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index("ix_quarantine_status")
        for name in ("note", "first_run", "status", "code", "record", "sheet"):
            batch_op.drop_column(name)
    with op.batch_alter_table("control_total", schema=None) as batch_op:
        batch_op.drop_column("excluded_minor")
    with op.batch_alter_table("source_run", schema=None) as batch_op:
        for name in ROWS:
            batch_op.drop_column(name)
    op.drop_table("reconciliation")
