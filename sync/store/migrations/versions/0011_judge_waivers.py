"""Keep who gave a waiver in the form that rules compare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward; the next night fills the columns."""
    for name in ("owner_folded", "approver_folded"):
        op.add_column("waiver", sa.Column(name, sa.String(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("waiver") as batch:
        for name in ("owner_folded", "approver_folded"):
            batch.drop_column(name)
