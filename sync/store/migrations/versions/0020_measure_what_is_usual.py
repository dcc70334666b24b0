"""Keep what is usual, to hold later nights against, and why a change was not written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Serial

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("plan_change", sa.Column("withheld", sa.String(), nullable=True))
    op.create_table(
        "normal",
        sa.Column("run_id", Serial, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("out_of", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "name"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("normal")
    op.drop_column("plan_change", "withheld")
