"""Know several schedules by name, and each of their slots; the nights so far are those of `night`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "known_schedule",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schedule_slot",
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("schedule", "slot"),
    )
    op.execute(
        "INSERT INTO schedule_slot (schedule, slot, local_date, due_at, run_id, begun_at, attempts) "
        "SELECT 'night', CAST(latest.local_date AS VARCHAR), latest.local_date, run.started_at, run.id, "
        "run.started_at, 1 "
        "FROM (SELECT local_date, max(run_id) AS run_id FROM night GROUP BY local_date) AS latest "
        "JOIN run ON run.id = latest.run_id"
    )
    op.execute(
        "INSERT INTO known_schedule (name, since) "
        "SELECT schedule, min(due_at) FROM schedule_slot GROUP BY schedule"
    )
    op.drop_table("night")


def downgrade() -> None:
    """Take the schema one step back."""
    op.create_table(
        "night",
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("schedule", "local_date"),
    )
    op.execute(
        "INSERT INTO night (schedule, local_date, run_id) "
        "SELECT schedule, local_date, max(run_id) FROM schedule_slot GROUP BY schedule, local_date"
    )
    op.drop_table("schedule_slot")
    op.drop_table("known_schedule")
