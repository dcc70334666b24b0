"""Note how long each step of a run took, and what it asked of each site."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "run_step",
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )
    op.create_table(
        "run_request",
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "site", "method", "endpoint", "status"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("run_request")
    op.drop_table("run_step")
