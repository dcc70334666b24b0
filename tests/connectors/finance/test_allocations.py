"""An allocation table is read strictly: each row becomes a rule with its place, or is refused aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import BadInput
from connectors.finance import AllocationsConfig, AllocationsSource
from connectors.finance.codes import issue_keys, projects_above
from connectors.pages import Page, Quarantined
from connectors.records import AllocationRule

HEADER = "code,field,issue,objective,percent,valid_from,valid_to,source,site\n"


def pages(tmp_path: Path, text: str, **more: object) -> Page:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    config = AllocationsConfig.model_validate({"path": path, **more})
    (page,) = AllocationsSource(config).pages()
    return page


def rule_of(tmp_path: Path, row: str, **more: object) -> AllocationRule:
    (rule,) = pages(tmp_path, HEADER + row + "\n", **more).records
    assert isinstance(rule, AllocationRule)
    return rule


def refused(tmp_path: Path, row: str) -> Quarantined:
    page = pages(tmp_path, HEADER + row + "\n")
    assert page.records == ()
    (bad,) = page.quarantined
    return bad


def test_a_row_says_which_money_falls_to_which_issue_and_where_it_says_so(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "C-9,cost centre,PAY-1,,33.3333 %,FY2026-03,2026-12-31,erp,jira")
    assert (rule.field, rule.code, rule.prefix, rule.issue) == ("cost_centre", "C-9", False, "PAY-1")
    assert (rule.millionths, rule.starts, rule.ends) == (333_333, 202603, 202612)
    assert (rule.source, rule.site) == ("erp", "jira")
    assert rule.evidence == "table.csv, line 2: cost centre C-9, 33.3333 %"


def test_a_star_makes_a_prefix_and_an_objective_may_stand_for_work(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "12*,,,GROW-1,,,,,")
    assert (rule.code, rule.prefix, rule.objective, rule.field) == ("12", True, "GROW-1", "project")


PERIODS = {
    ("FY2026", "FY2026"): (202601, 202699),
    ("2026", "FY2026-Q2"): (202601, 202606),
    ("FY2026-Q2", "FY2026-13"): (202604, 202613),
    ("2026-07-15", "2027-03-31"): (202704, 202712),
}


@pytest.mark.parametrize(("valid_from", "valid_to"), PERIODS)
def test_validity_is_counted_in_fiscal_periods(tmp_path: Path, valid_from: str, valid_to: str) -> None:
    rule = rule_of(tmp_path, f"C,,PAY-1,,,{valid_from},{valid_to},,", calendar={"starts": 4})
    assert (rule.starts, rule.ends) == PERIODS[valid_from, valid_to]


FAULTS = {
    ",,PAY-1,,,,,,": ("code", "write the code, or its beginning and a `*`"),
    "*,,PAY-1,,,,,,": ("code", "write the code"),
    "C,,,,,,,,": ("issue", "name either an issue or an objective, and not both"),
    "C,,PAY-1,O1,,,,,": ("issue", "and not both"),
    "C,colour,PAY-1,,,,,,": ("field", "'colour' is no kind of code (project, cost centre, account)"),
    "C,,PAY-1,,0,,,,": ("percent", "'0' is no percent: more than 0, at most 100, with at most four decimals"),
    "C,,PAY-1,,100.0001,,,,": ("percent", "is no percent"),
    "C,,PAY-1,,33.33333,,,,": ("percent", "is no percent"),
    "C,,PAY-1,,-5,,,,": ("percent", "is no percent"),
    "C,,PAY-1,,1/3,,,,": ("percent", "is no percent"),
    "C,,PAY-1,,,July,,,": ("valid_from", "'July' is neither a fiscal period (FY2026, FY2026-03) nor a date"),
    "C,,PAY-1,,,FY2027,FY2026,,": ("valid_to", "it ends before it starts"),
}


@pytest.mark.parametrize("row", FAULTS)
def test_a_row_that_cannot_be_used_is_quarantined_with_its_place(tmp_path: Path, row: str) -> None:
    column, reason = FAULTS[row]
    bad = refused(tmp_path, row)
    assert (bad.file, bad.line, bad.column, bad.raw) == ("table.csv", 2, column, row)
    assert reason in bad.reason


def test_the_same_row_twice_counts_once_and_another_percent_for_the_same_is_refused(tmp_path: Path) -> None:
    page = pages(tmp_path, "code,issue,percent\nC,PAY-1,50\nC,PAY-1,50\nC,PAY-1,60\nC,PAY-2,50\n")
    assert len(page.records) == 2
    assert page.repeated == 1
    (bad,) = page.quarantined
    assert (bad.line, bad.column) == (4, "percent")
    assert (
        "another share of the same money was given before: table.csv, line 2: project C, 50 %" in bad.reason
    )


def test_only_the_code_must_be_there_but_a_declared_or_misspelt_column_is_missed(tmp_path: Path) -> None:
    assert len(pages(tmp_path, "code,objective\nC,O1\n").records) == 1
    with pytest.raises(BadInput, match="the header has no column 'code'"):
        pages(tmp_path, "project,issue\nC,PAY-1\n")
    with pytest.raises(BadInput, match="the header has no column 'percent'; the nearest is 'percnt'"):
        pages(tmp_path, "code,issue,percnt\nC,PAY-1,50\n")
    with pytest.raises(BadInput, match="the header has no column 'Share'"):
        pages(tmp_path, "code,issue\nC,PAY-1\n", columns={"percent": "Share"})


TEXTS = {
    "PAY-12": ("PAY-12",),
    "licences for pay-12, (OPS-7) and PAY-12": ("pay-12", "OPS-7", "PAY-12"),
    "X-PAY-12 PAY-12-3 PAY-012 PAY-0 2020-2021 12-7": (),
    "A_B2-9.": ("A_B2-9",),
    "": (),
}


@pytest.mark.parametrize("text", TEXTS)
def test_issue_keys_are_found_in_a_text_where_they_stand_alone(text: str) -> None:
    assert issue_keys(text) == TEXTS[text]


def test_the_projects_above_one_follow_from_its_code_or_from_a_column() -> None:
    assert projects_above("1200.10.3", None, ".") == ("1200.10", "1200")
    assert projects_above("SUB", "TOP", None) == ("TOP",)
    assert projects_above("A.B", "A", ".") == ("A",)
    assert projects_above("A", "A", ".") == ()
    assert projects_above(None, None, ".") == ()
