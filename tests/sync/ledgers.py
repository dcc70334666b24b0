"""A finance file that is read into a store again and again, as it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from connectors.finance import FinanceSource, FinanceSourceConfig
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull, Pulled
from sync.store import tables
from sync.store.money import promotion
from sync.store.money.guards import Allowed
from sync.store.presence import live
from sync.store.schema import AnyRow, table_of
from tests.clock import NOW
from tests.sync.making import begin_run

HEADER = "project,account,year,month,version,currency,amount,note"
COLUMNS = {"project": "project", "account": "account", "description": "note"}

budget_line = table_of(tables.BudgetLine)
past = table_of(tables.BudgetLinePast)
reconciliation = table_of(tables.Reconciliation)
source_run = table_of(tables.SourceRun)
control_total = table_of(tables.ControlTotal)
promotion_table = table_of(tables.Promotion)

Series = promotion.Series


def entry(project: str, amount: str, **more: Any) -> str:
    """One row of a file: amounts as they are written."""
    said = {"account": "4711", "year": 2026, "month": 1, "version": "budget", "currency": "USD", "note": ""}
    said |= more
    return (
        f"{project},{said['account']},{said['year']},{said['month']},{said['version']},{said['currency']},"
        f"{amount},{said['note']}"
    )


@dataclass
class Books:
    """One finance source in a folder, and the store it is read into; each reading is a day after the last."""

    engine: Engine
    folder: Path
    declared: Mapping[str, Any] = field(default_factory=dict)
    name: str = "finance"
    now: datetime = NOW

    def write(self, *rows: str, name: str = "plan.csv") -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")

    def config(self) -> FinanceSourceConfig:
        amount = {
            "column": "amount",
            "fiscal_year": {"column": "year"},
            "period": {"column": "month"},
            "version": {"column": "version"},
        }
        said = {
            "name": self.name,
            "path": self.folder,
            "currency": {"column": "currency"},
            "columns": COLUMNS,
            "amount": amount,
        }
        return FinanceSourceConfig.model_validate(said | dict(self.declared))

    def read(self, *, shrink: float = 0.2, **allowed: bool) -> Pulled:
        self.now += timedelta(days=1)
        run_id = begin_run(self.engine, self.now)
        feed = Feed(self.name, Kind.FINANCE, lambda: FinanceSource(self.config()))
        return Pull(self.engine, feed, run_id, lambda: self.now, Allowed(shrink, **allowed), Quiet()).read()

    def rows(self, statement: Any) -> list[AnyRow]:
        with self.engine.connect() as connection:
            return list(connection.execute(statement).all())

    def standing(self) -> dict[str, int]:
        """What stands now: amounts in minor units by natural key."""
        table = budget_line
        return {
            row.source_id: row.amount_minor
            for row in self.rows(
                select(table).where(live(table), table.c.source == self.name).order_by(table.c.source_id)
            )
        }

    def sums(self) -> dict[promotion.Series, int]:
        with self.engine.connect() as connection:
            return {key: minor for key, minor in promotion.standing(connection, self.name).items() if minor}

    def account(self) -> AnyRow:
        """How the newest reading went, and what became of its rows."""
        return self.rows(select(source_run).order_by(source_run.c.run_id.desc()).limit(1))[0]

    def changes(self) -> list[tuple[Any, ...]]:
        """How the newest promotion moved each sum: previous, added, changed, removed, current."""
        newest = select(reconciliation.c.run_id).order_by(reconciliation.c.run_id.desc()).limit(1)
        columns = [column for column in reconciliation.c if column.name.endswith("_minor")]
        order = (reconciliation.c.period, reconciliation.c.currency)
        found = self.rows(
            select(*columns).where(reconciliation.c.run_id == newest.scalar_subquery()).order_by(*order)
        )
        return [tuple(row) for row in found]


def totals(amounts: Iterable[tuple[promotion.Series, int]]) -> dict[promotion.Series, int]:
    """Add up amounts by what they are of; sums of zero are left out."""
    sums: Counter[promotion.Series] = Counter()
    for key, minor in amounts:
        sums[key] += minor
    return {key: minor for key, minor in sums.items() if minor}
