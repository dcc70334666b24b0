"""The figures of a run, read back from a store that a night filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from connectors.pages import ControlTotal, Page, Quarantined
from connectors.records import BudgetVersion, ObjectiveState
from sync.errors import ConfigurationError
from sync.figures.coverage import Split, add_up, percent
from sync.store import runs
from tests.clock import NOW
from tests.sync.making import FILE, MONEY, SITE, begin_run, epic, goal, money, names, put
from tests.sync.report.stage import COMPANY, GOALS, LINES, WORK, Stage

BUDGET = Split(aligned=170_000_01, unaligned=40_000_99, unknown=5_000_00)


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return Stage(engine)


def test_the_headline_is_the_money_of_the_year_and_adds_up_to_the_cent(stage: Stage) -> None:
    figures = stage.figures(stage.night(COMPANY))
    assert figures.headline.money is not None
    assert figures.headline.note == ""
    assert figures.headline.money.money == BUDGET
    assert BUDGET.total == sum(line.amount_minor for line in LINES)
    assert figures.work == Split(aligned=3, unaligned=2)


def test_the_projects_add_up_to_the_headline_and_the_largest_comes_first(stage: Stage) -> None:
    figures = stage.figures(stage.night(COMPANY))
    series = figures.headline.series
    assert add_up(project.money(series) for project in figures.projects) == BUDGET
    assert add_up(project.work for project in figures.projects) == figures.work
    assert [project.key for project in figures.projects] == ["PAY", "WEB", "-"]
    assert figures.projects[0].money(series) == Split(aligned=150_000_01, unaligned=30_000_00)
    assert figures.projects[2].money(series) == Split(unknown=5_000_00)


def test_objectives_that_share_work_share_its_money_and_add_up_with_none_to_all(stage: Stage) -> None:
    work = [replace(item, references=(*item.references, names("O3"))) for item in WORK[:1]]
    figures = stage.figures(stage.night({**COMPANY, SITE: (*work, *WORK[1:])}))
    series = figures.headline.series
    assert [(it.id, it.money(series).total) for it in figures.purposes] == [
        ("O1", 50_000_01 + 20_000_00),
        ("O2", 50_000_00),
        ("O3", 50_000_00),
        ("", 45_000_99),
    ]
    assert add_up(it.money(series) for it in figures.purposes) == BUDGET


def test_unaligned_work_comes_with_its_money_and_findings_and_adds_up(stage: Stage) -> None:
    figures = stage.figures(stage.night(COMPANY))
    detail = figures.detail
    assert [(item.key, item.amount_minor, item.findings) for item in detail.unaligned] == [
        ("PAY-3", 30_000_00, ("epic-without-objective",)),
        ("WEB-5", 10_000_99, ("epic-without-objective",)),
    ]
    assert detail.note == ""
    assert detail.unaligned[0].url == "https://jira.example/browse/PAY-3"


def test_money_of_another_year_version_or_currency_is_told_apart(stage: Stage) -> None:
    more = (
        money("PAY-3", 7_00, id="a", fiscal_year=2025),
        money("PAY-3", 8_00, id="b", version=BudgetVersion.FORECAST),
        money("PAY-3", 9, id="c", currency="JPY"),
    )
    figures = stage.figures(stage.night({**COMPANY, MONEY: (*LINES, *more)}))
    assert [(it.series.currency, it.series.fiscal_year, it.series.version) for it in figures.slices] == [
        ("JPY", 2026, "budget"),
        ("USD", 2026, "budget"),
        ("USD", 2026, "forecast"),
        ("USD", 2025, "budget"),
    ]
    assert [it.money.unaligned for it in figures.slices] == [9, 40_000_99, 8_00, 7_00]
    assert figures.detail.unaligned[0].amount_minor == 30_000_00


def test_a_year_without_a_budget_falls_back_to_the_newest_one_and_says_so(stage: Stage) -> None:
    run_id = stage.night({**COMPANY, MONEY: (*LINES, money("PAY-1", 1, id="old", fiscal_year=2024))})
    headline = stage.figures(run_id, fiscal_year=2031).headline
    assert headline.money is not None
    assert headline.money.series.fiscal_year == 2026
    assert headline.note == (
        "The store holds no budget in USD for fiscal year 2031; "
        "the figures below are the budget of fiscal year 2026 in USD."
    )
    assert stage.figures(run_id, fiscal_year=None).headline == replace(headline, note="")


def test_another_currency_is_shown_where_the_reporting_one_has_no_money(stage: Stage) -> None:
    headline = stage.figures(stage.night(COMPANY), currency="EUR").headline
    assert headline.money is not None
    assert headline.money.series.currency == "USD"
    assert "holds no budget in EUR for fiscal year 2026" in headline.note


def test_a_store_without_money_counts_work(stage: Stage) -> None:
    figures = stage.figures(stage.night({FILE: GOALS, SITE: WORK}))
    assert figures.headline.money is None
    assert figures.headline.note == "The store holds no money, so only work is counted."
    assert figures.work == Split(aligned=3, unaligned=2)
    assert [item.amount_minor for item in figures.detail.unaligned] == [0, 0]


def test_the_first_run_has_nothing_to_compare_with(stage: Stage) -> None:
    figures = stage.figures(stage.night(COMPANY))
    assert figures.change is None
    assert len(figures.trend) == 1


def test_an_epic_that_found_its_objective_and_one_that_lost_it_are_named(stage: Stage) -> None:
    first = stage.night(COMPANY)
    mended = (*WORK[:2], epic("PAY-3", names("O1")), *WORK[3:])
    closed = (goal("O1"), goal("O2", state=ObjectiveState.CLOSED), goal("O3"))
    change = stage.figures(stage.night({SITE: mended, FILE: closed})).change
    assert change is not None
    assert change.run_id == first
    assert change.money_before == BUDGET
    assert change.work_before == Split(aligned=3, unaligned=2)
    assert [(it.key, it.rule) for it in change.now_aligned] == [("PAY-3", "epic-without-objective")]
    assert [(it.key, it.rule) for it in change.now_flagged] == [("PAY-2", "epic-on-dead-objective")]
    assert [(it.key, it.money_before.aligned, it.money.aligned) for it in change.moved] == [
        ("PAY", 150_000_01, 130_000_01)
    ]


def test_a_finding_that_is_not_about_objectives_turns_nothing(stage: Stage) -> None:
    spent = money("PAY-1", 999_999_00, id="spent", version=BudgetVersion.ACTUAL)
    stage.night(COMPANY)
    over = stage.night({MONEY: (*LINES, spent)})
    assert {count.rule for count in stage.figures(over).detail.rules} >= {"epic-over-budget"}
    change = stage.figures(stage.night({MONEY: LINES})).change
    assert change is not None
    assert (change.now_aligned, change.now_flagged, change.moved) == ((), (), ())


def test_a_run_that_is_under_way_is_compared_but_never_compared_with(stage: Stage) -> None:
    first = stage.night(COMPANY)
    second = stage.night()
    with stage.engine.begin() as connection:
        connection.execute(runs.run.update().where(runs.run.c.id == second).values(finished_at=None))
    figures = stage.figures(second)
    assert figures.run.finished_at is None
    assert figures.change is not None
    assert figures.change.run_id == first
    with stage.engine.begin() as connection:
        connection.execute(runs.run.update().where(runs.run.c.id == first).values(finished_at=None))
    assert stage.figures(second).change is None


def test_an_incomplete_read_makes_everything_unknown_and_calls_no_work_unaligned(stage: Stage) -> None:
    stage.night(COMPANY)
    figures = stage.figures(stage.night(failed={SITE: "Jira did not answer"}))
    assert figures.headline.money is not None
    assert figures.headline.money.money == Split(unknown=BUDGET.total)
    assert figures.headline.money.money.share is None
    assert figures.detail.unaligned == ()
    assert "a source was not read whole" in figures.detail.note
    assert [(read.source, read.message) for read in figures.intake.incomplete] == [
        (SITE, "Jira did not answer")
    ]


def test_findings_that_could_not_be_judged_anew_are_counted_as_frozen(stage: Stage) -> None:
    stage.night(COMPANY)
    kept = stage.figures(stage.night(failed={SITE: "Jira did not answer"}))
    assert {(count.rule, count.open, count.frozen) for count in kept.detail.rules} >= {
        ("epic-without-objective", 2, 2)
    }
    judged = stage.figures(stage.night())
    assert {count.frozen for count in judged.detail.rules} == {0}


def test_the_trend_leaves_out_runs_that_did_not_know(stage: Stage) -> None:
    known = [stage.night(COMPANY)]
    stage.night(failed={SITE: "Jira did not answer"})
    known.append(stage.night())
    figures = stage.figures(known[-1])
    assert [(point.run_id, point.money) for point in figures.trend] == [(run, BUDGET) for run in known]
    assert figures.trend[0].started_at == NOW + timedelta(days=1)


def test_a_run_that_is_not_the_newest_says_that_its_tickets_are_no_longer_known(stage: Stage) -> None:
    first = stage.night(COMPANY)
    stage.night({SITE: (*WORK[:2], epic("PAY-3", names("O1")), *WORK[3:])})
    figures = stage.figures(first)
    assert figures.headline.money is not None
    assert figures.headline.money.money == BUDGET
    assert (figures.detail.unaligned, figures.detail.findings, figures.detail.rules) == ((), (), ())
    assert figures.detail.note.startswith("This is not the newest run.")
    assert [point.run_id for point in figures.trend] == [first]


def test_a_later_read_that_was_not_judged_is_told_where_the_tickets_no_longer_fit(stage: Stage) -> None:
    run_id = stage.night(COMPANY)
    with stage.engine.begin() as connection:
        later = runs.begin(connection, "test", stage.now, dry_run=False)
        stage.read(connection, later, SITE, Page((*WORK, epic("PAY-6"))), None)
    figures = stage.figures(run_id)
    assert len(figures.detail.unaligned) == figures.work.unaligned + 1
    assert "may differ from the sums" in figures.detail.note


def test_the_counts_of_each_rule_say_what_the_run_opened_and_closed(stage: Stage) -> None:
    first = stage.figures(stage.night(COMPANY))
    opened = {count.rule: (count.open, count.opened, count.closed) for count in first.detail.rules}
    assert opened["epic-without-objective"] == (2, 2, 0)
    mended = (*WORK[:2], epic("PAY-3", names("O1")), *WORK[3:])
    second = stage.figures(stage.night({SITE: mended}))
    counts = {count.rule: (count.open, count.opened, count.closed) for count in second.detail.rules}
    assert counts["epic-without-objective"] == (1, 0, 1)
    about = {(it.entity, it.subject, it.title) for it in second.detail.findings}
    assert ("objective", "O3", "Objective O3") in about
    assert any(entity == "budgetLine" and "nobody" in subject for entity, subject, _ in about)


def test_the_ledger_of_the_run_tells_what_was_written_and_what_was_refused(stage: Stage) -> None:
    labels = stage.figures(stage.night(COMPANY)).labels
    assert (labels.planned_add, labels.planned_remove) == (2, 0)
    assert (labels.count("add"), labels.count("remove")) == (1, 0)
    assert [(it.key, it.label, it.state, it.reason) for it in labels.entries] == [
        ("WEB-5", "align-no-objective", "parked", "the project is archived"),
        ("PAY-3", "align-no-objective", "done", None),
    ]
    assert labels.parked == labels.entries[:1]


def test_a_dry_run_has_a_plan_and_no_ledger(stage: Stage) -> None:
    figures = stage.figures(stage.night(COMPANY, dry_run=True))
    assert figures.run.dry_run
    assert figures.labels.planned_add == 2
    assert figures.labels.entries == ()


def total(amount: int) -> ControlTotal:
    return ControlTotal(BudgetVersion.BUDGET, 2026, "USD", amount)


def test_control_totals_reconcile_to_the_cent_or_say_by_how_much_they_do_not(stage: Stage) -> None:
    intake = stage.figures(stage.night(COMPANY, totals=[total(BUDGET.total)])).intake
    assert intake.reconciles
    assert [it.difference for it in intake.totals] == [0]
    intake = stage.figures(stage.night(totals=[total(BUDGET.total + 1)])).intake
    assert not intake.reconciles
    assert [it.difference for it in intake.totals] == [1]


def test_only_the_first_refused_rows_are_read_but_all_are_counted(stage: Stage) -> None:
    rows = [Quarantined("costs.csv", line, "amount", "no number", f"x,{line}") for line in range(2, 33)]
    intake = stage.figures(stage.night(COMPANY, refused=rows)).intake
    assert intake.quarantined == 31
    assert [row.line for row in intake.refused] == list(range(2, 22))
    assert intake.refused[0].column == "amount"
    assert stage.figures(stage.night()).intake.refused == ()


def test_a_source_that_a_run_did_not_read_is_shown_as_it_was_read_last(stage: Stage) -> None:
    first = stage.night(COMPANY)
    del stage.last[MONEY]
    second = stage.night()
    intake = stage.figures(second).intake
    assert {read.source: read.run_id for read in intake.sources} == {FILE: second, SITE: second, MONEY: first}


def test_a_run_without_figures_cannot_be_reported_on(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no run 7\. `tieline runs` lists the runs"):
        stage.figures(7)
    with stage.engine.begin() as connection:
        run_id = runs.begin(connection, "test", stage.now, dry_run=False)
    with pytest.raises(ConfigurationError, match=f"Run {run_id} judged nothing.*`tieline run --dry-run`"):
        stage.figures(run_id)


@pytest.mark.parametrize(
    ("split", "share"),
    [
        (Split(aligned=999, unaligned=1), "99.9 %"),
        (Split(aligned=99_999, unaligned=1), "99.9 %"),
        (Split(unaligned=1), "0.0 %"),
        (Split(aligned=1), "100.0 %"),
        (Split(aligned=1, unknown=1), "50.0 %"),
        (Split(unknown=5), "-"),
        (Split(), "-"),
        (Split(aligned=-5, unaligned=10), "-"),
        (Split(aligned=15, unaligned=-5), "-"),
    ],
)
def test_a_share_is_never_better_than_it_is(split: Split, share: str) -> None:
    assert percent(split.share) == share


def test_two_sites_with_one_project_key_are_two_projects_named_with_their_site(stage: Stage) -> None:
    twin = replace(WORK[0], references=(names("GONE"),))
    with stage.engine.begin() as connection:
        put(connection, begin_run(stage.engine), [twin], "other site")
    figures = stage.figures(stage.night(COMPANY))
    assert {project.key for project in figures.projects} >= {"PAY (jira)", "PAY (other site)", "WEB"}
    assert add_up(project.work for project in figures.projects) == figures.work
    dangling = {it.source: it.number for it in figures.detail.dangling if it.how == "custom field"}
    assert dangling["other site"] == 1
