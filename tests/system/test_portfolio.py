"""747 real IT investments through three nights of the service: every figure, label and write request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from sync.frame.result import RunResult
from sync.sandbox import Call, Deployment, Sandbox
from sync.sandbox.portfolio import SAMPLE, Portfolio, load_portfolio
from sync.store import history, tables
from sync.store.links import budget_line, objective, work_item
from sync.store.schema import table_of
from tests.system.nights import SHARED, Night, Service, findings, serve

NO_OBJECTIVE = "align-no-objective"
INVESTMENTS = SHARED / "finance/us_itdb_fy2017_businesscase.csv"
OBJECTIVES = SHARED / "objectives/us_itdb_fy2017_strategic_objectives_derived.csv"

# version, fiscal year, all of it and the part on epics without an objective, in US cents
FIGURES = [
    ("budget", 2017, 43_375_987_588_00, 5_088_627_000_00),
    ("forecast", 2016, 43_636_278_503_00, 4_467_033_000_00),
    ("actual", 2015, 41_951_660_465_00, 4_611_793_000_00),
]


@dataclass
class Story:
    """Three nights: everything is new; nothing has changed; one epic has been given its objective."""

    service: Service
    portfolio: Portfolio
    people: dict[str, list[str]]
    nights: list[Night] = field(default_factory=list)
    mended: str = ""


def sources_file(deployment: Deployment) -> Path:
    return SAMPLE / ("sources.yaml" if deployment is Deployment.CLOUD else "sources-dc.yaml")


@contextmanager
def opened(
    deployment: Deployment, folder: Path, sources: Path, investments: Path, objectives: Path
) -> Iterator[tuple[Service, Portfolio]]:
    with Sandbox(deployment) as jira:
        jira.site.permissions.admin = True
        portfolio = load_portfolio(jira.site, investments, objectives)
        settings = {"TIELINE_SOURCES": str(sources), "TIELINE_FISCAL_YEAR": "2017"}
        with serve(jira, folder, settings) as service:
            yield service, portfolio


@pytest.fixture(scope="module", params=list(Deployment), ids=["cloud", "dc"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("portfolio")
        sample = (SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
        service, portfolio = stack.enter_context(
            opened(request.param, folder, sources_file(request.param), *sample)
        )
        told = Story(service, portfolio, people_label(service.jira, portfolio))
        people_label_during_the_run(told)
        told.nights.append(service.night())
        told.nights.append(service.night())
        told.mended = next(change.ticket.issue_key for change in told.nights[0].result.plan.changes)
        service.jira.site.edit(told.mended, {portfolio.objectives_field: cited_nearby(told)})
        told.nights.append(service.night())
        yield told


def people_label(jira: Sandbox, portfolio: Portfolio) -> dict[str, list[str]]:
    """What people put on tickets before the first night; one of them even took a label with our prefix."""
    put = {}
    for number, key in enumerate(portfolio.keys.values()):
        labels = ["zeta", f"team-{number % 7}", "Größe, \"quoted\" & 'odd'".replace(" ", "_")]
        if number == 0:
            labels.append(NO_OBJECTIVE)
        jira.site.label(key, add=labels)
        put[key] = labels
    return put


def people_label_during_the_run(story: Story) -> None:
    """While a ticket is being labelled somebody labels it too, and takes one of the older labels away."""
    site = story.service.jira.site

    def act(call: Call) -> None:
        issue = site.get(call.path.rpartition("/")[2])
        site.label(issue.key, add=["put-during-the-run"], remove=["zeta"])
        story.people[issue.key] = [*(x for x in story.people[issue.key] if x != "zeta"), "put-during-the-run"]

    story.service.jira.before("PUT", r"/issue/\d+$", act, times=10)


def cited_nearby(story: Story) -> str:
    """An objective that another epic of the same agency serves."""
    project, field_id = story.mended.rpartition("-")[0], story.portfolio.objectives_field
    issues = story.service.jira.site.issues.values()
    return next(
        str(issue.fields[field_id]).split(",")[0]
        for issue in issues
        if issue.project_key == project and issue.fields.get(field_id)
    )


def test_the_first_night_is_done_and_reads_all_747_investments(story: Story) -> None:
    result = story.nights[0].result
    assert (result.exit_code, result.status) == (0, "done")
    assert story.nights[0].work() == {"aligned": 716, "unaligned": 31}
    assert len(story.nights[0].labels) == 747


@pytest.mark.parametrize(("version", "year", "whole", "unaligned"), FIGURES)
def test_every_figure_is_exact(story: Story, version: str, year: int, whole: int, unaligned: int) -> None:
    figures = story.nights[0].figures(version, year)
    assert sum(figures.values()) == whole
    assert figures == {"aligned": whole - unaligned, "unaligned": unaligned}


@pytest.mark.parametrize(("version", "year", "whole", "unaligned"), FIGURES)
def test_the_agencies_sum_to_the_whole(
    story: Story, version: str, year: int, whole: int, unaligned: int
) -> None:
    rows = [r for r in story.nights[0].coverage if r[0] and r[2:4] == (version, year)]
    assert sum(row[5] for row in rows) == whole
    assert sum(row[5] for row in rows if row[4] == "unaligned") == unaligned


def test_the_control_totals_equal_the_sums_of_the_file_to_the_cent(story: Story) -> None:
    with story.service.engine.connect() as connection:
        rows = history.totals_of(connection, story.nights[0].result.run_id)
    found = {(r.version, r.fiscal_year): (r.stated_minor, r.accepted_minor, r.refused_minor) for r in rows}
    assert found == {(version, year): (whole, whole, 0) for version, year, whole, _ in FIGURES}


def test_the_first_night_labels_the_31_epics_that_cite_nothing_and_asks_once_for_each(story: Story) -> None:
    cites_nothing = {
        issue.key
        for issue in story.service.jira.site.issues.values()
        if not issue.fields.get(story.portfolio.objectives_field) or issue.key == story.mended
    }
    first = story.nights[0]
    assert len(cites_nothing) == 31
    assert first.writes == 31
    somebodys_own = next(iter(story.portfolio.keys.values()))
    assert {k for k, names in first.labels.items() if NO_OBJECTIVE in names} - {
        somebodys_own
    } == cites_nothing


def test_the_second_night_writes_nothing(story: Story) -> None:
    second = story.nights[1]
    assert (second.writes, second.result.exit_code) == (0, 0)
    assert second.labels == story.nights[0].labels
    assert second.coverage == story.nights[0].coverage


def test_the_third_night_removes_one_label_from_one_issue_and_adds_none(story: Story) -> None:
    before, third = story.nights[1].labels, story.nights[2]
    assert third.writes == 1
    changed = {key: (before[key], names) for key, names in third.labels.items() if before[key] != names}
    assert list(changed) == [story.mended]
    old, new = changed[story.mended]
    assert [name for name in old if name != NO_OBJECTIVE] == new
    assert third.work() == {"aligned": 717, "unaligned": 30}


def test_what_people_put_before_and_during_the_run_is_still_there_in_their_order(story: Story) -> None:
    ours = {change.ticket.issue_key for change in story.nights[0].result.plan.changes}
    assert sum("put-during-the-run" in names for names in story.people.values()) == 10
    for night in story.nights:
        kept = {
            key: [name for name in names if name != NO_OBJECTIVE] if key in ours else names
            for key, names in night.labels.items()
        }
        assert kept == story.people


def test_every_write_stands_in_the_ledger_with_its_answer(story: Story) -> None:
    with story.service.engine.connect() as connection:
        counts = [history.write_counts(connection, night.result.run_id) for night in story.nights]
    assert counts == [{("add", "done"): 31}, {}, {("remove", "done"): 1}]


def write_real_sources(folder: Path) -> Path:
    """The shipped sources file, pointed at the real files."""
    text = (SAMPLE / "sources.yaml").read_text(encoding="utf-8")
    text = text.replace("path: investments.csv", f"path: {INVESTMENTS}")
    text = text.replace("path: objectives.csv", f"path: {OBJECTIVES}")
    text = text.replace("path: not_applicable.csv", f"path: {SAMPLE / 'not_applicable.csv'}")
    target = folder / "sources.yaml"
    target.write_text(text, encoding="utf-8")
    return target


def ties(service: Service) -> set[tuple[str, ...]]:
    """Every tie of an epic to an objective, with its evidence."""
    link, item = table_of(tables.ObjectiveLink), work_item
    with service.engine.connect() as connection:
        rows = connection.execute(
            select(item.c.key, objective.c.source_id, link.c.how, link.c.evidence)
            .join_from(link, item, item.c.id == link.c.work_item_id)
            .join(objective, objective.c.id == link.c.objective_id)
        ).all()
    return {tuple(row) for row in rows}


def money(service: Service) -> set[tuple[object, ...]]:
    """Every share of a budget line, with the epic it falls to."""
    link, item, line = table_of(tables.BudgetLink), work_item, budget_line
    with service.engine.connect() as connection:
        rows = connection.execute(
            select(item.c.key, line.c.version, line.c.fiscal_year, line.c.currency, link.c.amount_minor)
            .join_from(link, item, item.c.id == link.c.work_item_id)
            .join(line, line.c.id == link.c.budget_line_id)
        ).all()
    return {tuple(row) for row in rows}


@pytest.mark.skipif(
    not (INVESTMENTS.exists() and OBJECTIVES.exists()), reason="needs the real files in ../shared/data"
)
def test_the_real_files_give_the_same_as_the_shipped_sample(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    outcomes = []
    for name, sources, investments, objectives in (
        ("sample", SAMPLE / "sources.yaml", SAMPLE / "investments.csv", SAMPLE / "objectives.csv"),
        ("real", None, INVESTMENTS, OBJECTIVES),
    ):
        folder = tmp_path_factory.mktemp(name)
        chosen = sources or write_real_sources(folder)
        with opened(Deployment.CLOUD, folder, chosen, investments, objectives) as (service, _):
            night = service.night()
            outcomes.append((night, findings(service.engine), ties(service), money(service)))
    (sample, *sample_rows), (real, *real_rows) = outcomes
    assert real.coverage == sample.coverage
    assert real.labels == sample.labels
    assert real_rows == sample_rows
    assert written(real.result) == written(sample.result) == (31, 0)


def written(result: RunResult) -> tuple[int, int]:
    assert result.written is not None
    return result.written.added, result.written.removed
