"""Run nights on a store without a Jira: what was read is handed in, the rest goes the real way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from connectors.pages import ControlTotal, Page, Quarantined
from connectors.records import BudgetLine, Record
from rules.moments import Context
from rules.pack import load, shipped
from sync.feeds import Kind
from sync.figures.run import Figures
from sync.judge import judge as judge_store
from sync.labels.plan import make_plan
from sync.store import labels, rulebook, runs, save, writes
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.coverage import save_coverage
from sync.store.figures import read_figures
from sync.store.money import accounts, promotion
from sync.store.money.objective_figures import save_objectives
from sync.store.money.staging import stage
from tests.clock import NOW
from tests.sync.making import FILE, MONEY, SITE, epic, goal, money, names, origin_of, promote

ZONE = ZoneInfo("Europe/Berlin")
PREFIX = "align-"
KINDS = {SITE: Kind.WORK, FILE: Kind.OBJECTIVES, MONEY: Kind.FINANCE}

# Two of five epics are aligned; the money of nobody's project falls to no work.
WORK = (
    epic("PAY-1", names("O1")),
    epic("PAY-2", names("O2")),
    epic("PAY-3"),
    epic("WEB-4", names("O1")),
    epic("WEB-5", names("O9")),
)
GOALS = (goal("O1"), goal("O2"), goal("O3"))
LINES = (
    money("PAY-1", 100_000_01),
    money("PAY-2", 50_000_00),
    money("PAY-3", 30_000_00),
    money("WEB-4", 20_000_00),
    money("WEB-5", 10_000_99),
    money("nobody", 5_000_00),
)
COMPANY: Mapping[str, tuple[Record, ...]] = {FILE: GOALS, SITE: WORK, MONEY: LINES}


@dataclass
class Stage:
    """One store; each `night` is a day after the last one."""

    engine: Engine
    now: datetime = NOW
    last: dict[str, tuple[Record, ...]] = field(default_factory=dict)

    def night(
        self,
        read: Mapping[str, Iterable[Record]] | None = None,
        *,
        failed: Mapping[str, str] | None = None,
        totals: Iterable[ControlTotal] = (),
        refused: Iterable[Quarantined] = (),
        dry_run: bool = False,
    ) -> int:
        """Read these sources (the others as they were the night before), judge, plan and answer the plan."""
        self.now += timedelta(days=1)
        self.last |= {source: tuple(records) for source, records in (read or {}).items()}
        failed = failed or {}
        with self.engine.begin() as connection:
            run_id = runs.begin(connection, "test", self.now, dry_run=dry_run)
            for source, records in self.last.items():
                page = Page(records)
                if source == MONEY:
                    page = Page(records, totals=tuple(totals), quarantined=tuple(refused))
                self.read(connection, run_id, source, page, failed.get(source))
            self.judge(connection, run_id, {KINDS[source] for source in failed}, dry_run=dry_run)
            runs.finish(connection, run_id, self.now, status="done", exit_code=0, message=None)
        return run_id

    def read(self, connection: Connection, run_id: int, source: str, page: Page, problem: str | None) -> None:
        origin = origin_of(source, run_id, self.now)
        runs.begin_source(connection, run_id, source, KINDS[source].value, self.now)
        if problem is None:
            lines = [record for record in page.records if isinstance(record, BudgetLine)]
            if source == MONEY:
                promote(connection, origin, lines)
                sums = promotion.sums_of(connection, stage)
                problem = accounts.save_totals(connection, origin, page, sums)
                page = replace(page, records=())
            saved = save.save_page(connection, origin, page)
            runs.count_page(connection, origin, replace(saved, records=saved.records + len(lines)), None)
            save.bury_absent(connection, origin, at_once=source != SITE)
        status = "failed" if problem else "complete"
        runs.finish_source(connection, run_id, source, self.now, status=status, message=problem)

    def judge(self, connection: Connection, run_id: int, incomplete: set[Kind], *, dry_run: bool) -> None:
        today = self.now.astimezone(ZONE).date()
        catalogue = bind_catalogue(Frame(today, 2026, "USD", PREFIX))
        rules = load(shipped(), catalogue, Context(self.now, ZONE))
        rulebook.note_rules(connection, run_id, rules)
        judge_store(connection, rules, incomplete, run_id, self.now)
        certain = not incomplete & {Kind.WORK, Kind.OBJECTIVES}
        save_coverage(connection, run_id, today, certain=certain)
        save_objectives(connection, run_id, today, certain=certain)
        plan = make_plan(
            labels.wanted(connection, PREFIX, {SITE}),
            labels.present(connection, PREFIX, {SITE}),
            labels.owned(connection),
        )
        writes.save_plan(connection, run_id, plan)
        if dry_run:
            return
        writes.intend(connection, run_id, plan.changes, self.now)
        archived = [change for change in plan.changes if change.ticket.issue_key == "WEB-5"]
        made = [change for change in plan.changes if change not in archived]
        reason = "the project is archived"
        writes.answer(connection, run_id, archived, state="parked", reason=reason, now=self.now)
        writes.answer(connection, run_id, made, state="done", reason=None, now=self.now)
        writes.take_over(connection, made)

    def figures(self, run_id: int, currency: str = "USD", fiscal_year: int | None = 2026) -> Figures:
        with self.engine.connect() as connection:
            return read_figures(connection, run_id, zone=ZONE, currency=currency, fiscal_year=fiscal_year)
