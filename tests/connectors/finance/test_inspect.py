"""What is proposed for unknown files: it loads as it stands, reads them whole, and says what is in doubt."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.errors import BadInput
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.finance.inspect import propose
from connectors.finance.proposal import Proposal
from connectors.pages import Quarantined
from connectors.records import BudgetLine
from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.finance.test_real_files import FILES, independent
from tests.connectors.workbook_files import number, row, text, write_xlsx

SAMPLE = Path(__file__).parents[3] / "sync" / "sandbox" / "sample" / "investments.csv"
ACCEPTED_AS_THEY_ARE = [
    "ca_gc_it_projects_2019.csv",
    "ca_gc_it_projects_combined.csv",
    "de_bonn/plan_2018.csv",
    "es_aragon_2010/partidas_gastos.csv",
    "es_aragon_2010/partidas_ingresos.csv",
    "eu_esif_2014/ESIF_FINANCE_DETAILS.csv",
    "uk_council_spend/oxford_2017-07-09.csv",
    "uk_spend_over_25k/cabinetoffice_2019-08.csv",
    "uk_spend_over_25k/cabinetoffice_2020-06.csv",
    "uk_spend_over_25k/cabinetoffice_2022-05.csv",
    "uk_spend_over_25k/cabinetoffice_2022-07.csv",
    "us_oakland/FY13-14__adopted.csv",
    "us_oakland/FY22-23__adopted.csv",
    "us_philadelphia_fy18_appropriations.csv",
]


@cache
def proposed(path: Path) -> Proposal:
    """The proposal for a file that stays as it is."""
    return propose(path, 2026)


def accepted(path: Path) -> tuple[dict[str, Any], list[BudgetLine], list[Quarantined]]:
    """The proposal as written, loaded as a sources file is, and what it reads."""
    (entry,) = YAML(typ="safe", pure=True).load(proposed(path).yaml())["finance"]
    pages = list(FinanceSource(FinanceSourceConfig.model_validate(entry)).pages())
    lines = [record for page in pages for record in page.records if isinstance(record, BudgetLine)]
    return entry, lines, [bad for page in pages for bad in page.quarantined]


def test_the_proposal_for_the_sample_reads_it_to_the_cent() -> None:
    entry, lines, refused = accepted(SAMPLE)
    assert (entry["currency"], entry["scale"], refused) == ("USD", 1_000_000, [])
    assert [amount["version"] for amount in entry["amounts"]] == ["actual", "forecast", "budget"]
    budget = sum(line.amount_minor for line in lines if line.version == "budget")
    assert budget == 4_337_598_758_800


@needs_data
@pytest.mark.parametrize("name", ACCEPTED_AS_THEY_ARE)
def test_the_proposal_for_a_real_file_reads_every_amount_of_it(name: str) -> None:
    _, lines, refused = accepted(DATA / "finance" / name)
    count, total = independent(name)
    assert refused == []
    assert len(lines) == count
    assert sum(line.amount_minor for line in lines) == total


def read(config: FinanceSourceConfig) -> Counter[tuple[object, ...]]:
    """What a mapping makes of its file, without the ids."""
    return Counter(
        (line.line, line.version, line.period, line.currency, line.amount_minor)
        for page in FinanceSource(config).pages()
        for line in page.records
        if isinstance(line, BudgetLine)
    )


def amounts(config: FinanceSourceConfig) -> dict[str, Any]:
    return {amount.title: amount.model_dump() for amount in config.all_amounts()}


def edits(name: str) -> list[str]:
    """What a person who knows the file changes in the proposal: each key that needs another value.

    The encoding, edges and notation of a table need no edit where the proposed ones read the same.
    """
    path = DATA / "finance" / name
    ours = proposed(path).config()
    known = FinanceSourceConfig.model_validate({"name": "known", "path": path} | FILES[name])
    needed: list[str] = []
    for key in ("currency", "scale", "calendar", "delimiter"):
        needed += [key] if getattr(ours, key) != getattr(known, key) else []
    for key in ("encoding", "header", "number", "totals", "footer"):
        if getattr(ours, key) != getattr(known, key):
            tried = known.model_copy(update={key: getattr(ours, key)})
            needed += [key] if read(tried) != read(known) else []
    for role, column in known.columns.model_dump(exclude_none=True).items():
        needed += [f"columns.{role}"] if getattr(ours.columns, role) != column else []
    found, right = amounts(ours), amounts(known)
    needed += [f"amounts: {title}" for title in found.keys() ^ right.keys()]
    for title in found.keys() & right.keys():
        needed += [f"{title}.{key}" for key in right[title] if found[title][key] != right[title][key]]
    return needed


@needs_data
def test_a_proposal_needs_at_most_two_edits_for_four_files_in_five() -> None:
    """The edits by file; the currency, and a fiscal year that starts in April, are nowhere in these files."""
    found = {name: edits(name) for name in FILES}
    assert {name: needed for name, needed in found.items() if needed} == {
        "uk_spend_over_25k/cabinetoffice_2019-08.csv": ["currency", "calendar"],
        "uk_spend_over_25k/cabinetoffice_2020-06.csv": ["currency", "calendar"],
        "uk_spend_over_25k/cabinetoffice_2022-05.csv": ["currency", "calendar"],
        "uk_spend_over_25k/cabinetoffice_2022-07.csv": ["currency", "calendar"],
        "uk_spend_over_25k/networkrail_2017-01.csv": ["currency", "calendar"],
        "uk_council_spend/oxford_2017-07-09.csv": ["currency", "calendar"],
        "us_oakland/FY13-14__adopted.csv": ["currency"],
        "us_oakland/FY22-23__adopted.csv": ["currency"],
        "us_philadelphia_fy18_appropriations.csv": ["currency"],
        "ca_gc_it_projects_2019.csv": ["currency"],
        "ca_gc_it_projects_combined.csv": ["currency"],
        "us_itdb_fy2017_businesscase.csv": ["amounts: Funding PY1 and Prior ($ M)"],
    }
    few = [name for name, needed in found.items() if len(needed) <= 2]
    assert len(few) >= 0.8 * len(found)


@needs_data
def test_a_grand_total_and_a_footer_are_proposed_as_such() -> None:
    name = "uk_spend_over_25k/networkrail_2017-01.csv"
    entry, lines, refused = accepted(DATA / "finance" / name)
    assert entry["totals"] == [{"column": "Supplier Name", "pattern": r"Grand\ Total", "sums": "file"}]
    assert "Copyright" in entry["footer"]["pattern"]
    assert [bad.line for bad in refused] == [1783]
    assert sum(line.amount_minor for line in lines) == independent(name)[1]
    assert "are these rows sums or data? Total Gas & Power Ltd" in proposed(DATA / "finance" / name).yaml()


def test_preamble_months_scale_and_notation_are_proposed_with_their_evidence(tmp_path: Path) -> None:
    months = ";".join(
        f"{name} 2017"
        for name in ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    )
    file = tmp_path / "plan.csv"
    amounts = ";".join(f"{n}.234,50" for n in range(1, 13))
    file.write_text(f"Budget in TEUR\n\nKostenstelle;{months}\n0042;{amounts}\n0043;{amounts}\n")
    entry, lines, refused = accepted(file)
    assert entry["header"] == {"within": 2}
    assert entry["periods"] == [{"labels": "{mon} {yyyy}", "count": 12}]
    assert entry["number"] == {"decimal": ",", "group": "."}
    assert (entry["delimiter"], entry["scale"], refused) == (";", 1000, [])
    assert (lines[0].cost_centre, lines[0].period, lines[0].amount_minor) == (
        "0042",
        "FY2017-01",
        123_450_000,
    )


def test_what_cannot_be_known_is_told_as_a_doubt(tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_bytes("Project,Amount\nMuñoz,1.234\nB,2.345\n".encode("cp1252"))
    proposal = propose(file, 2026).yaml()
    assert "doubt: the file names no year; 2026 only stands in for it" in proposal
    assert "doubt: nothing names the currency; EUR only stands in for it" in proposal
    assert "doubt: cp1252 is only the commonest other one" in proposal
    assert "every amount would also read with decimal ','" in proposal


def test_a_sheet_of_a_workbook_is_proposed_by_name(tmp_path: Path) -> None:
    path = tmp_path / "plan 2017.xlsx"
    write_xlsx(
        path, [row(1, text("Project"), text("Amount")), row(2, text("A"), number(5))], sheets=("Plan",)
    )
    entry, lines, _ = accepted(path)
    assert (entry["sheet"], lines[0].fiscal_year, lines[0].amount_minor) == ("Plan", 2017, 500)


@pytest.mark.parametrize("content", [b"", b"only one row,x\n", b"%PDF-1.7\n"])
def test_what_is_no_table_is_refused_with_its_reason(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.csv: "):
        propose(tmp_path / "x.csv", 2026)
