"""Keep waivers, the text of the rules of a run, and since when each rule is judged and labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "rule_text",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "rule_life",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("labels_since", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("rule"),
    )
    op.create_table(
        "waiver",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin", "rule", "condition"),
    )
    op.add_column("run", sa.Column("rule_text", sa.String(), nullable=True))
    op.add_column("hit", sa.Column("severity", sa.String(), nullable=True))
    for column in (
        sa.Column("mode", sa.String(), nullable=False, server_default="label"),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("alignment", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("waiver_id", tables.Serial, nullable=True),
    ):
        op.add_column("finding", column)
    label_already()


def label_already() -> None:
    """Note the rules that label already: their next night is not their first one."""
    op.execute(
        sa.text(
            "INSERT INTO rule_life (rule, mode, first_run, labels_since) "
            "SELECT rule, 'label', MIN(run_id), MIN(run_id) FROM label_write "
            "WHERE operation = 'add' AND rule <> '' GROUP BY rule"
        )
    )


def downgrade() -> None:
    """Take the schema one step back."""
    for name in ("waiver_id", "alignment", "owner", "mode"):
        op.drop_column("finding", name)
    op.drop_column("hit", "severity")
    op.drop_column("run", "rule_text")
    op.drop_table("waiver")
    op.drop_table("rule_life")
    op.drop_table("rule_text")
