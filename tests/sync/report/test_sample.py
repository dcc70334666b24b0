"""The report of the portfolio that ships with the product: its figures are known to the cent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync.errors import Exit
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_night
from sync.report import write_report
from sync.sandbox import Deployment, Sandbox
from sync.sandbox.portfolio import SAMPLE, load_portfolio
from sync.settings import load_settings
from sync.sources import load_sources
from sync.store.database import open_store
from sync.wiring import build_service
from tests.clock import NOW
from tests.sync.report.markup import read, squeezed


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the report of one dry night on the sample."""
    folder = tmp_path_factory.mktemp("sample")
    engine = open_store(f"sqlite:///{folder / 'tieline.db'}")
    with Sandbox(Deployment.CLOUD) as jira:
        load_portfolio(jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
        environ = {
            "JIRA_URL": jira.url,
            "JIRA_EMAIL": jira.credentials.email,
            "JIRA_API_TOKEN": jira.credentials.token,
            "TIELINE_SOURCES": str(SAMPLE / "sources.yaml"),
            "TIELINE_FISCAL_YEAR": "2017",
        }
        settings = load_settings(environ)

        def write(run_id: int) -> Path:
            zone = ZoneInfo("UTC")
            return write_report(engine, run_id, folder, zone=zone, currency="USD", fiscal_year=2017)

        service, sites = build_service(settings, load_sources(settings, environ), engine, write, lambda: NOW)
        result = run_night(service, Options(dry_run=True), Quiet())
        sites.close()
    assert result.exit_code is Exit.OK
    yield folder
    engine.dispose()


def test_the_page_shows_the_known_sums(report: Path) -> None:
    text = squeezed(read((report / "index.html").read_text(encoding="utf-8")).text)
    assert (
        "88.2 % of the budget for fiscal year 2017 serves a live objective 38,287,360,588.00 USD of "
        "43,375,987,588.00 USD is aligned; 5,088,627,000.00 USD is not." in text
    )
    assert "716 of 747 work items (95.8 %) serve a live objective; 31 do not." in text
    assert "USD 2016 forecast 39,169,245,503.00 4,467,033,000.00 43,636,278,503.00" in text
    assert "USD 2015 actual 37,339,867,465.00 4,611,793,000.00 41,951,660,465.00" in text
    assert "They reconcile" in text


def test_the_document_holds_the_same_sums_and_they_reconcile(report: Path) -> None:
    document = json.loads((report / "report.json").read_text(encoding="utf-8"))
    money = document["headline"]["money"]
    assert (money["total_minor"], money["unaligned_minor"]) == (43_375_987_588_00, 5_088_627_000_00)
    assert document["unaligned"]["items"] == 31
    assert document["unaligned"]["amount_minor"] == money["unaligned_minor"]
    projects = [part for it in document["projects"] for part in it["money"] if part["fiscal_year"] == 2017]
    assert sum(part["total_minor"] for part in projects) == money["total_minor"]
    assert document["control_totals"]["reconcile"]
    stated = {it["fiscal_year"]: it["stated_minor"] for it in document["control_totals"]["totals"]}
    assert stated == {2017: 43_375_987_588_00, 2016: 43_636_278_503_00, 2015: 41_951_660_465_00}
