"""Mark the runs whose details were removed for their age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    # Not as a batch: SQLite would make the table anew, and views that read it stand in the way.
    op.add_column("run", sa.Column("forgotten_at", Instant(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_column("run", "forgotten_at")
