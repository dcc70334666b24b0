"""The pages in a real browser: a visit from the login to the log-out, and what axe-core says of each page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from sqlalchemy import insert

from sync.store import tables
from sync.store.database import open_store
from sync.store.money.quarantine import quarantine
from sync.store.schema import table_of
from tests import browsers
from tests.npm import Package
from tests.sync.making import MONEY, SITE, epic, item_id
from tests.sync.report.stage import COMPANY, Stage
from tests.sync.web.lobby import ANNA, Lobby, serve
from tests.sync.web.test_findings import HOSTILE, MANY

pytestmark = pytest.mark.browser

AXE = Package(
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    "axe-core",
)
PAGES = (
    "/login",
    "/",
    "/report",
    "/findings",
    "/findings?text=nothing-of-the-kind",
    "/items/jira/3",
    "/items/jira/1",
    "/items/jira/9",
    "/money",
    "/money?line=project%3DPAY-1",
    "/money?line=unknown",
    "/runs",
    "/runs/1",
    "/quarantine",
    "/waivers",
    "/nothing",
)


@dataclass
class Visit:
    """A browser in front of the pages of a company in which every list holds something."""

    browser: webdriver.Chrome
    lobby: Lobby

    def open(self, path: str) -> None:
        self.browser.get(self.lobby.url + path)

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def press(self, element: Any) -> None:
        """Click, and wait for the page that it leads to: what is noted in this one is gone in that."""
        self.browser.execute_script("window.before = true")
        element.click()
        arrived = "return window.before === undefined && document.readyState === 'complete'"
        WebDriverWait(self.browser, 60).until(lambda browser: browser.execute_script(arrived))

    @property
    def soon(self) -> str:
        return (self.lobby.stage.now + timedelta(days=30)).date().isoformat()

    @property
    def text(self) -> str:
        return str(self.find("main").text)

    def log_in(self) -> None:
        self.open("/login")
        self.find("#token").send_keys(ANNA)
        self.press(self.find("main button"))


def furnish(stage: Stage) -> None:
    stage.night({**COMPANY, SITE: (*COMPANY[SITE], *MANY, epic("EVIL-9", summary=HOSTILE))})
    stage.night()
    row = {"run_id": 1, "first_run": 1, "source": MONEY, "file": "money.csv", "line": 3, "code": "x",
           "reason": HOSTILE, "raw": HOSTILE}  # fmt: skip
    waiver = {"origin": "file", "state": "granted", "rule": "a-rule", "condition": HOSTILE, "reason": HOSTILE,
              "owner": "Anna", "until": stage.now.date(), "place": "w:3"}  # fmt: skip
    waiver |= {"first_run": 1, "last_run": 1}
    with stage.engine.begin() as connection:
        request = {"work_item_id": item_id(connection, "PAY-3"), "rule": "epic-without-objective"}
        request |= {"kind": "exempt", "state": "requested", "asked_at": stage.now, "asked_run": 1}
        connection.execute(insert(table_of(tables.WaiverRequest)).values(request))
        connection.execute(insert(quarantine).values(row))
        connection.execute(insert(table_of(tables.Waiver)).values(waiver))


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("company")
    stage = Stage(open_store(f"sqlite:///{folder / 'tieline.db'}"))
    furnish(stage)
    with serve(stage) as lobby, browsers.opened(folder / "profile") as browser:
        yield Visit(browser, lobby)
    stage.engine.dispose()


@pytest.fixture(autouse=True)
def afresh(visit: Visit) -> None:
    visit.browser.delete_all_cookies()
    browsers.resize(visit.browser, 1200)
    browsers.prefer(visit.browser, "light")


def test_a_visit_from_the_login_to_the_log_out(visit: Visit) -> None:
    visit.open("/findings?rule=epic-without-objective")
    assert visit.text.startswith("Log in")
    visit.find("#token").send_keys("not the token of anybody")
    visit.press(visit.find("main button"))
    assert "That is no token of this service." in visit.text
    visit.find("#token").send_keys(ANNA)
    visit.press(visit.find("main button"))
    assert visit.text.startswith("Findings\n133 findings; 1 to 50 of 133")
    visit.find("#text").send_keys("pay summary")
    Select(visit.find("#severity")).select_by_value("warning")
    visit.press(visit.find("main button"))
    assert visit.text.startswith("Findings\n1 finding.")
    visit.press(visit.find("tbody th a"))
    assert visit.browser.current_url == f"{visit.lobby.url}/items/jira/3"
    assert "How to clear it" in visit.text
    visit.press(visit.find("section[aria-labelledby=history-title] a"))
    assert visit.text.startswith("Run 1")
    assert "tieline undo 1" in visit.text
    visit.press(visit.browser.find_element(By.LINK_TEXT, "Waivers"))
    visit.find("#reason-1").send_keys("until the merger")
    visit.browser.execute_script("document.getElementById('until-1').value = arguments[0]", visit.soon)
    visit.press(visit.find("button[value=approve]"))
    assert f"was accepted by anna until {visit.soon}: until the merger" in visit.text
    for name, heading in (("Quarantine", "Quarantine"), ("Waivers", "Waivers"), ("Report", "79.0 %")):
        visit.press(visit.browser.find_element(By.LINK_TEXT, name))
        assert visit.text.startswith(heading), name
    visit.press(visit.find(".who button"))
    assert visit.text.startswith("Log in")
    visit.browser.back()
    assert "tieline undo" not in visit.text
    errors = [it["message"] for it in browsers.log(visit.browser, "browser")]
    assert [text for text in errors if " 401 " not in text and "[DOM]" not in text] == []


def test_no_page_asks_for_anything_but_itself_and_no_text_acts(visit: Visit) -> None:
    visit.log_in()
    browsers.log(visit.browser, "performance")
    for path in PAGES:
        visit.open(path)
        sent = [json.loads(it["message"])["message"] for it in browsers.log(visit.browser, "performance")]
        asked = [it["params"]["request"]["url"] for it in sent if it["method"] == "Network.requestWillBeSent"]
        assert [url for url in asked if not url.startswith("data:")] == [visit.lobby.url + path]
        assert "taken over" not in visit.browser.title
    visit.open("/quarantine")
    assert "<script>document.title='taken over'</script>" in visit.text


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_axe_finds_nothing_amiss_and_every_page_fits(visit: Visit, scheme: str, width: int) -> None:
    (axe,) = AXE.files("axe.min.js", "axe.min.js")
    visit.log_in()
    browsers.prefer(visit.browser, scheme)
    browsers.resize(visit.browser, width)
    for path in PAGES:
        visit.open(path)
        assert visit.browser.execute_script("return document.documentElement.scrollWidth") <= width, path
        assert visit.browser.execute_script(browsers.CONTRAST) == [], path
        visit.browser.execute_script(axe.decode())
        said = visit.browser.execute_async_script("axe.run().then(arguments[0])")
        found = [(it["id"], it["impact"], it["nodes"][0]["html"][:200]) for it in said["violations"]]
        assert found == [], path
        assert len(said["passes"]) > 10, path


def test_keys_alone_lead_through_the_pages(visit: Visit) -> None:
    visit.log_in()
    visit.open("/findings")
    focused = (
        "const it = document.activeElement; return [it.textContent.trim(), getComputedStyle(it).outlineStyle]"
    )
    visit.find("body").send_keys(Keys.TAB)
    assert visit.browser.execute_script(focused) == ["Skip to content", "solid"]
    visit.browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert visit.browser.execute_script("return document.activeElement.id") == "content"
