"""Tell in which file and on which sheet an exchange rate stands, and which rates a derived figure is by.

What is in the store already learns it when its file is read the next time.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

ADDED = (("fx_rate", "file"), ("fx_rate", "sheet"), ("converted_money", "rates_from"))


def upgrade() -> None:
    """Add the columns."""
    for table, name in ADDED:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them away."""
    for table, name in reversed(ADDED):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column(name)
