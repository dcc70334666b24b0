"""Create the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "budget_line",
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
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("project_folded", sa.String(), nullable=True),
        sa.Column("cost_centre", sa.String(), nullable=True),
        sa.Column("cost_centre_folded", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("account_folded", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_budget_line_last_run"), ["last_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_budget_line_project_folded"), ["project_folded"], unique=False)

    op.create_table(
        "finding",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("subject_id", tables.Serial, nullable=False),
        sa.Column("rule_hash", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", tables.Instant(timezone=True), nullable=False),
        sa.Column("opened_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("clearing_since", tables.Instant(timezone=True), nullable=True),
        sa.Column("closed_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("closed_why", sa.String(), nullable=True),
        sa.Column("opened_run", sa.Integer(), nullable=True),
        sa.Column("closed_run", sa.Integer(), nullable=True),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule", "entity", "subject_id"),
    )
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_finding_state"), ["state"], unique=False)

    op.create_table(
        "hit",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("subject_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "entity", "subject_id"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("expires_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "link_claim",
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
        sa.Column("issue", sa.String(), nullable=False),
        sa.Column("issue_folded", sa.String(), nullable=False),
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("objective_folded", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("link_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_claim_issue_folded"), ["issue_folded"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_claim_last_run"), ["last_run"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_link_claim_objective_folded"), ["objective_folded"], unique=False
        )

    op.create_table(
        "objective",
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
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_folded", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("owner_folded", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("issue_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("objective", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_objective_issue_id"), ["issue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_objective_key_folded"), ["key_folded"], unique=False)
        batch_op.create_index(batch_op.f("ix_objective_last_run"), ["last_run"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("started_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("finished_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("rules_hash", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "work_item",
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
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("project_key", sa.String(), nullable=False),
        sa.Column("project_folded", sa.String(), nullable=False),
        sa.Column("project_name", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("summary_folded", sa.Text(), nullable=False),
        sa.Column("type_name", sa.String(), nullable=False),
        sa.Column("type_folded", sa.String(), nullable=False),
        sa.Column("hierarchy_level", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_folded", sa.String(), nullable=False),
        sa.Column("status_category", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("assignee_folded", sa.String(), nullable=True),
        sa.Column("priority", sa.String(), nullable=True),
        sa.Column("priority_folded", sa.String(), nullable=True),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("updated_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("parent_source_id", sa.String(), nullable=True),
        sa.Column("parent_key", sa.String(), nullable=True),
        sa.Column("parent_folded", sa.String(), nullable=True),
        sa.Column("parent_id", tables.Serial, nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("in_scope", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    with op.batch_alter_table("work_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_item_key"), ["key"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_item_last_run"), ["last_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_item_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_item_parent_source_id"), ["parent_source_id"], unique=False)

    op.create_table(
        "budget_link",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("budget_line_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_line_id"],
            ["budget_line.id"],
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("budget_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_budget_link_budget_line_id"), ["budget_line_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_budget_link_work_item_id"), ["work_item_id"], unique=False)

    op.create_table(
        "control_total",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("stated_minor", sa.BigInteger(), nullable=False),
        sa.Column("accepted_minor", sa.BigInteger(), nullable=False),
        sa.Column("refused_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "source", "version", "fiscal_year", "currency"),
    )
    op.create_table(
        "coverage",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("project_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("project_name", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "project_key", "currency", "version", "fiscal_year", "state"),
    )
    op.create_table(
        "cursor",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("saved_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "label_write",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("intended_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("answered_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("label_write", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_write_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_write_work_item_id"), ["work_item_id"], unique=False)

    op.create_table(
        "night",
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("schedule", "local_date"),
    )
    op.create_table(
        "objective_link",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("objective_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("via_id", tables.Serial, autoincrement=False, nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["objective_id"],
            ["objective.id"],
        ),
        sa.ForeignKeyConstraint(
            ["via_id"],
            ["work_item.id"],
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("objective_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_objective_link_objective_id"), ["objective_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_objective_link_work_item_id"), ["work_item_id"], unique=False)

    op.create_table(
        "plan_change",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "work_item_id", "label"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("column_name", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantine_run_id"), ["run_id"], unique=False)

    op.create_table(
        "source_run",
        sa.Column("run_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("finished_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "source"),
    )
    op.create_table(
        "work_item_label",
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("label_folded", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("work_item_id", "label"),
    )
    op.create_table(
        "work_item_reference",
        sa.Column("id", tables.Serial, autoincrement=True, nullable=False),
        sa.Column("work_item_id", tables.Serial, autoincrement=False, nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("target_folded", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("work_item_reference", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_work_item_reference_target_folded"), ["target_folded"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_work_item_reference_work_item_id"), ["work_item_id"], unique=False
        )


def downgrade() -> None:
    """Take the schema one step back."""
    with op.batch_alter_table("work_item_reference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_item_reference_work_item_id"))
        batch_op.drop_index(batch_op.f("ix_work_item_reference_target_folded"))

    op.drop_table("work_item_reference")
    op.drop_table("work_item_label")
    op.drop_table("source_run")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantine_run_id"))

    op.drop_table("quarantine")
    op.drop_table("plan_change")
    with op.batch_alter_table("objective_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_objective_link_work_item_id"))
        batch_op.drop_index(batch_op.f("ix_objective_link_objective_id"))

    op.drop_table("objective_link")
    op.drop_table("night")
    with op.batch_alter_table("label_write", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_write_work_item_id"))
        batch_op.drop_index(batch_op.f("ix_label_write_run_id"))

    op.drop_table("label_write")
    op.drop_table("cursor")
    op.drop_table("coverage")
    op.drop_table("control_total")
    with op.batch_alter_table("budget_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_budget_link_work_item_id"))
        batch_op.drop_index(batch_op.f("ix_budget_link_budget_line_id"))

    op.drop_table("budget_link")
    with op.batch_alter_table("work_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_item_parent_source_id"))
        batch_op.drop_index(batch_op.f("ix_work_item_parent_id"))
        batch_op.drop_index(batch_op.f("ix_work_item_last_run"))
        batch_op.drop_index(batch_op.f("ix_work_item_key"))

    op.drop_table("work_item")
    op.drop_table("run")
    with op.batch_alter_table("objective", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_objective_last_run"))
        batch_op.drop_index(batch_op.f("ix_objective_key_folded"))
        batch_op.drop_index(batch_op.f("ix_objective_issue_id"))

    op.drop_table("objective")
    with op.batch_alter_table("link_claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_claim_objective_folded"))
        batch_op.drop_index(batch_op.f("ix_link_claim_last_run"))
        batch_op.drop_index(batch_op.f("ix_link_claim_issue_folded"))

    op.drop_table("link_claim")
    op.drop_table("lease")
    op.drop_table("hit")
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_finding_state"))

    op.drop_table("finding")
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_budget_line_project_folded"))
        batch_op.drop_index(batch_op.f("ix_budget_line_last_run"))

    op.drop_table("budget_line")
