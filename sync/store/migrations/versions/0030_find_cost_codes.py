"""Keep an index of the references that are looked up by their target, the cost codes, and of no others.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = "work_item_reference"


def upgrade() -> None:
    """Leave links out of the index: writing it took a fifth of what storing an issue costs."""
    op.drop_index("ix_work_item_reference_target_folded", TABLE)
    codes = sa.text("how = 'cost code'")
    op.create_index(
        "ix_work_item_reference_cost_code",
        TABLE,
        ["target_folded"],
        sqlite_where=codes,
        postgresql_where=codes,
    )


def downgrade() -> None:
    """Index all of them again."""
    op.drop_index("ix_work_item_reference_cost_code", TABLE)
    op.create_index("ix_work_item_reference_target_folded", TABLE, ["target_folded"])
