"""Say of a budget line which sheet of a workbook it stands on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE = """
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
AFTER = """
CREATE VIEW budget_line_version AS
SELECT line.source, line.source_id, line.version, line.fiscal_year, line.period, line.currency,
       line.amount_minor, line.project, line.cost_centre, line.account, line.description,
       artifact.name AS file, line.line, began.started_at AS valid_from, NULL AS valid_to,
       line.sheet
FROM budget_line AS line
JOIN run AS began ON began.id = line.valid_from_run
LEFT JOIN artifact ON artifact.id = line.artifact_id
WHERE line.deleted_at IS NULL
UNION ALL
SELECT line.source, line.source_id, past.version, past.fiscal_year, past.period, past.currency,
       past.amount_minor, past.project, past.cost_centre, past.account, past.description,
       artifact.name AS file, past.line, began.started_at AS valid_from, ended.started_at AS valid_to,
       past.sheet
FROM budget_line_past AS past
JOIN budget_line AS line ON line.id = past.budget_line_id
JOIN run AS began ON began.id = past.valid_from_run
JOIN run AS ended ON ended.id = past.valid_to_run
LEFT JOIN artifact ON artifact.id = past.artifact_id
"""
TABLES = ("budget_line", "budget_line_past")


def upgrade() -> None:
    """Bring the schema forward."""
    # Not as a batch: SQLite would make the tables anew, and views that read them stand in the way.
    for table in TABLES:
        op.add_column(table, sa.Column("sheet", sa.String(), nullable=True))
    op.execute("DROP VIEW budget_line_version")
    op.execute(AFTER)


def downgrade() -> None:
    """Take the schema one step back."""
    op.execute("DROP VIEW budget_line_version")
    for table in TABLES:
        op.drop_column(table, "sheet")
    op.execute(BEFORE)
