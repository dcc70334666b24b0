"""Keep exchange rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "fx_rate",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("row_hash", sa.String(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("first_seen", tables.Instant(timezone=True), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("last_seen", tables.Instant(timezone=True), nullable=False),
        sa.Column("missing_since", sa.Integer(), nullable=True),
        sa.Column("deleted_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=True),
        sa.Column("period", sa.String(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("fx_rate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fx_rate_last_run"), ["last_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_fx_rate_period"), ["period"], unique=False)

    op.create_table(
        "converted_money",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("rate_set", sa.String(), nullable=False),
        sa.Column("rate_type", sa.String(), nullable=False),
        sa.Column("source_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "currency", "version", "fiscal_year", "state"),
    )
    op.create_table(
        "missing_rate",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("rate_set", sa.String(), nullable=False),
        sa.Column("rate_type", sa.String(), nullable=False),
        sa.Column("source_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "currency", "version", "fiscal_year", "period"),
    )


def downgrade() -> None:
    """Take the schema one step back."""
    op.drop_table("missing_rate")
    op.drop_table("converted_money")
    with op.batch_alter_table("fx_rate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fx_rate_period"))
        batch_op.drop_index(batch_op.f("ix_fx_rate_last_run"))

    op.drop_table("fx_rate")
