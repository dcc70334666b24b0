"""Keep what a tie means: how strong it is, whether it was meant, which site a mapping names; figures by site.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = "run_id, project_key, currency, version, fiscal_year, state, project_name, amount_minor, items"


def upgrade() -> None:
    """Add the columns; what is known of a tie already is filled in."""
    op.add_column("work_item_reference", sa.Column("strength", sa.String(), nullable=True))
    op.add_column(
        "work_item_reference", sa.Column("meant", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.execute(
        sa.text(
            "UPDATE work_item_reference SET meant = :no "
            "WHERE how = 'issue link' OR (how = 'label' AND evidence = 'label ' || target)"
        ).bindparams(sa.bindparam("no", False, sa.Boolean()))
    )
    op.add_column("link_claim", sa.Column("site", sa.String(), nullable=True))
    op.add_column("link_claim", sa.Column("how", sa.String(), nullable=False, server_default="mapping file"))
    op.add_column("link_claim", sa.Column("strength", sa.String(), nullable=True))
    op.add_column("objective_link", sa.Column("strength", sa.String(), nullable=True))
    rebuild_coverage(
        ["site"], f"INSERT INTO coverage (site, {COLUMNS}) SELECT '', {COLUMNS} FROM coverage_kept"
    )
    # Figures of a project key that only one site has are that site's; else earlier runs could not be compared.
    sites = "FROM work_item WHERE work_item.project_key = coverage.project_key"
    op.execute(
        f"UPDATE coverage SET site = (SELECT min(source) {sites}) "
        f"WHERE (SELECT count(DISTINCT source) {sites}) = 1"
    )


def downgrade() -> None:
    """Drop them again; the figures of one project key on two sites are added up, as they were before."""
    rebuild_coverage(
        [],
        f"INSERT INTO coverage ({COLUMNS}) SELECT run_id, project_key, currency, version, fiscal_year, state, "
        "max(project_name), sum(amount_minor), sum(items) FROM coverage_kept "
        "GROUP BY run_id, project_key, currency, version, fiscal_year, state",
    )
    for table, column in (
        ("objective_link", "strength"),
        ("link_claim", "strength"),
        ("link_claim", "how"),
        ("link_claim", "site"),
        ("work_item_reference", "meant"),
        ("work_item_reference", "strength"),
    ):
        op.drop_column(table, column)


def rebuild_coverage(more: list[str], fill: str) -> None:
    """Make the table anew with these further columns in its key, and bring its rows over."""
    op.execute("CREATE TABLE coverage_kept AS SELECT * FROM coverage")
    op.drop_table("coverage")
    op.create_table(
        "coverage",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in more),
        sa.Column("project_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("project_name", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint(
            "run_id", *more, "project_key", "currency", "version", "fiscal_year", "state"
        ),
    )
    op.execute(fill)
    op.drop_table("coverage_kept")
