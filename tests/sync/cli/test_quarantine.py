"""Refused rows are listed, handed on, let be, and read again from what was kept by a mended mapping."""

from __future__ import annotations

import csv

from tests.sync.cli.desk import Desk

HEADER = "project,fiscal_year,currency,amount\n"
BAD = HEADER + "C-1,2026,USD,5.00\nC-1,2026,USD,=1+1\nC-2,2026,EU,7.00\n"


def test_refused_rows_are_exported_as_a_table_that_runs_nothing(desk: Desk) -> None:
    desk.write("money.csv", BAD)
    assert desk.say("pull", "finance", "--allow-rejects").code == 0
    assert "2 refused rows written to bad.csv" in desk.say("quarantine", "export", "bad.csv").out
    text = (desk.folder / "bad.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["line"], row["record"], row["column_name"], row["code"]) for row in rows] == [
        ("3", "3", "amount", "amount"),
        ("4", "4", "currency", "currency"),
    ]
    assert rows[1]["reason"] == "'EU' is no ISO 4217 currency code (such as USD or EUR)"


def test_a_file_with_too_many_bad_rows_is_held_until_it_is_let_pass_once(desk: Desk) -> None:
    desk.write("money.csv", BAD)
    held = desk.say("pull", "finance")
    assert held.code == 5
    assert "2 of 3 rows were refused; `max_rejects` allows 50%" in held.out
    assert "run once with --allow-rejects" in held.out
    assert desk.say("pull", "finance", "--allow-rejects").code == 0


def test_a_row_is_waived_with_a_reason_and_is_no_longer_open(desk: Desk) -> None:
    desk.write("money.csv", BAD)
    desk.say("pull", "finance", "--allow-rejects")
    first, _ = desk.say("quarantine", "list", "--json").document
    assert desk.say("quarantine", "waive", str(first["id"]), "--reason", "a test row").code == 0
    assert len(desk.say("quarantine", "--json").document) == 1
    (waived,) = desk.say("quarantine", "list", "--status", "waived", "--json").document
    assert (waived["id"], waived["note"]) == (first["id"], "a test row")
    wrong = desk.say("quarantine", "list", "--status", "lost")
    assert (wrong.code, wrong.err) == (2, "--status lost: there are open, fixed, waived and all.\n")


def test_retry_reads_the_kept_file_by_the_mended_mapping_also_when_the_file_is_gone(desk: Desk) -> None:
    mapping = (
        "finance:\n  - name: erp\n    path: plan.csv\n    currency: EUR\n    max_rejects: 1\n{}"
        "    columns: {{project: Project}}\n    amount: {{column: Sum, fiscal_year: 2026}}\n"
    )
    desk.write("sources.yaml", mapping.format(""))
    path = desk.write("plan.csv", 'Project,Sum\nA,1.00\nB,"1.000,00"\n')
    only_money = {"TIELINE_SOURCES": str(desk.folder / "sources.yaml")}
    assert desk.say("pull", "erp", **only_money).code == 0
    assert len(desk.say("quarantine", "--json", **only_money).document) == 1
    path.unlink()
    desk.write("sources.yaml", mapping.format('    number: {decimal: ",", group: "."}\n'))
    said = desk.say("quarantine", "retry", "erp", "--allow-rejects", "--json", **only_money)
    assert said.code == 0
    (source,) = said.document["sources"]
    assert (source["records"], source["changed"], source["quarantined"]) == (1, 1, 1)
    (still,) = desk.say("quarantine", "--json", **only_money).document
    assert still["raw"] == "A,1.00"
    (known,) = desk.say("budget", "--json", **only_money).document
    assert (known["lines"], known["amount_minor"]) == (1, 100_000)


def test_a_source_of_which_no_files_are_kept_is_named(desk: Desk) -> None:
    said = desk.say("quarantine", "retry", "nowhere")
    assert said.code == 2
    assert said.err == "nowhere: no files are kept of this source. `tieline pull nowhere` reads it anew.\n"
