"""Chain what was done, so that no later edit of it goes unseen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant, Serial

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "audit_entry",
        sa.Column("id", Serial, autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("run_id", Serial, autoincrement=False, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_run_id"), ["run_id"], unique=False)
    # Not as a batch: SQLite would make the table anew, and views that read it stand in the way.
    op.add_column("run", sa.Column("audit_head", sa.String(), nullable=True))


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_column("run", "audit_head")
    op.drop_table("audit_entry")
