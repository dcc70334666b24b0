"""Know a refused row again when a later reading refuses it too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fingerprint", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.alter_column("fingerprint", existing_type=sa.String(), server_default=None)
        batch_op.create_index("ix_quarantine_fingerprint", ["fingerprint"], unique=False)


def downgrade() -> None:
    """Take the schema one step back."""
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index("ix_quarantine_fingerprint")
        batch_op.drop_column("fingerprint")
