"""Furnish a morning that gives a night much to do: pages, labels, money restated, new rates, losses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sync.sandbox import Deployment, Sandbox
from tests.clock import NOW
from tests.fakes.inbox import open_inbox
from tests.sync.house import NO_OBJECTIVE
from tests.sync.killing import Morning, run

SOURCES = """\
jira:
  - {{name: jira, url: "{url}", email: "{email}", api_token: "{token}", jql: "project = PAY", page_size: 5,
      objective_field: "{field}", parallel: 2, markers: [link, property, comment]}}
objectives:
  - {{name: goals, path: goals.csv, columns: {{id: id, title: title}}}}
finance:
  - name: money
    path: money.csv
    currency: {{column: currency}}
    columns: {{project: project}}
    amount: {{column: amount, fiscal_year: {{column: year}}}}
fx:
  - {{name: rates, path: rates.csv, type: average, base: {{column: base}}, quote: USD, rate: rate,
      dated: {{column: month, label: "{{yyyy}}-{{mm}}"}}}}
"""
EPICS = 22
# Few enough at once for the guard, and for a share that may be gone.
FLAGGED, MENDED, SPOILT = 8, 4, 4


@contextmanager
def morning(url: str, folder: Path) -> Iterator[Morning]:
    """Give a morning: a night has run, then people worked. Its Jira runs for as long as the context lasts."""
    with Sandbox(Deployment.CLOUD, now=lambda: NOW) as jira, open_inbox() as inbox:
        site = jira.site
        field = site.add_field("Objective ids")
        site.add_project("PAY", "Payments")
        site.permissions.project_admin.add("PAY")
        environ = write_settings(jira, folder, field) | {"TIELINE_DIGEST_TO": inbox.address()}
        keys = [
            site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "Epic", "labels": ["theirs"]})
            for _ in range(EPICS)
        ]
        for key in keys[FLAGGED:]:
            site.edit(key, {field: "O1"})
        write_money(folder, [f"PAY-{number},2026,USD,{number}00.50" for number in range(1, 12)])
        made = Morning(jira, folder, url, environ, NOW, inbox)
        assert run(made.night(url).live) == 0
        assert sum(NO_OBJECTIVE in site.get(key).fields["labels"] for key in keys) == FLAGGED
        # What is gone is gone for good at the second sighting, however soon that comes: the first is past.
        site.delete(keys[FLAGGED + 2])
        made.now += timedelta(days=1)
        assert run(made.night(url).live) == 0
        live_a_day(made, field, keys)
        made.now += timedelta(days=1)
        made.keep()
        yield made


def write_settings(jira: Sandbox, folder: Path, field: str) -> dict[str, str]:
    known = jira.credentials
    said = SOURCES.format(url=jira.url, email=known.email, token=known.token, field=field)
    (folder / "sources.yaml").write_text(said, encoding="utf-8")
    (folder / "goals.csv").write_text("id,title\nO1,Grow\nO2,Save\n", encoding="utf-8")
    (folder / "rates.csv").write_text("base,month,rate\nEUR,2026-01,1.1\n", encoding="utf-8")
    return {
        "TIELINE_SOURCES": str(folder / "sources.yaml"),
        "TIELINE_FX_RATES": "rates",
        "TIELINE_MAX_SHARE": "0.9",
        "TIELINE_PUBLIC_URL": "https://tieline.example.com",
    }


def write_money(folder: Path, rows: list[str]) -> None:
    text = "\n".join(["project,year,currency,amount", *rows]) + "\n"
    (folder / "money.csv").write_text(text, encoding="utf-8")


def live_a_day(it: Morning, field: str, keys: list[str]) -> None:
    """Let people mend, spoil, relabel, add, move and delete; finance restates and learns new rates."""
    site, folder = it.jira.site, it.folder
    for key in keys[:MENDED]:
        site.edit(key, {field: "O2"})
    for key in keys[-SPOILT:]:
        site.edit(key, {field: None})
    site.label(keys[MENDED], remove=[NO_OBJECTIVE])
    site.label(keys[MENDED + 1], add=["align-by-hand", "more"], remove=["theirs"])
    site.label(keys[MENDED + 2], add=["align-exempt"])
    site.label(keys[FLAGGED + 1], add=[NO_OBJECTIVE])
    site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "New", field: "O3"})
    site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "New too"})
    write_money(
        folder,
        [
            *(f"PAY-{number},2026,USD,{number}00.50" for number in range(1, 9)),
            "PAY-9,2026,USD,901.25",
            "PAY-12,2026,EUR,12.30",
            "PAY-13,2026,EUR,not a number",
            "PAY-14,2026,USD,77.77",
        ],
    )
    (folder / "rates.csv").write_text("base,month,rate\nEUR,2026-01,1.2\nEUR,2026-02,1.3\n", encoding="utf-8")
