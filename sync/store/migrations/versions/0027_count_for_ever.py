"""Count requests and deliveries of webhooks for ever, so that the runs behind them can be forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.tables import Instant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward; what the runs so far have asked is added up."""
    op.create_table(
        "request_total",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "endpoint", "status"),
    )
    op.execute(
        "INSERT INTO request_total (site, endpoint, status, number) "
        "SELECT site, endpoint, status, sum(number) FROM run_request GROUP BY site, endpoint, status"
    )
    op.create_table(
        "webhook_count",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("site", "outcome"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("webhook_count")
    op.drop_table("request_total")
