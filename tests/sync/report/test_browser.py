"""The page in a real browser, opened as the file it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from sync.report.page import page
from tests.sync.report.making import full

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = "<script>document.title='taken over'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def log(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


def requests(browser: webdriver.Chrome, document: str) -> list[str]:
    """The addresses that a document asked for, itself included."""
    events = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [it["request"]["url"] for it in sent if it["documentURL"] == document]


def test_the_page_opens_quietly_and_shows_its_headline(browser: webdriver.Chrome, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(page(full(HOSTILE), ZoneInfo("UTC"), "1"), encoding="utf-8")
    browser.get(file.as_uri())
    body = browser.find_element(By.TAG_NAME, "body").text
    assert "80.9 %" in browser.find_element(By.TAG_NAME, "h1").text
    assert "1,000,000.00 USD of 1,234,568.89 USD is aligned" in body
    assert HOSTILE in body
    assert browser.title.startswith("80.9 % aligned")
    charts = browser.find_elements(By.CSS_SELECTOR, "svg[role=img]")
    assert [chart.is_displayed() for chart in charts] == [True, True]
    assert log(browser, "browser") == []
    asked = requests(browser, file.as_uri())
    assert asked[0] == file.as_uri()
    assert [url for url in asked[1:] if not url.startswith("data:")] == []


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_fits_its_window(browser: webdriver.Chrome, tmp_path: Path, width: int) -> None:
    file = tmp_path / "index.html"
    file.write_text(page(full("word" * 60), ZoneInfo("UTC"), "1"), encoding="utf-8")
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(file.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


CONTRAST = """
const seen = c => c.match(/[\\d.]+/g).map(Number);
const part = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
const light = c => { const [r, g, b] = seen(c).map(part); return .2126 * r + .7152 * g + .0722 * b; };
const back = e => {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (seen(c)[3] !== 0) return c;
  }
};
const worst = [];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(e);
  const [a, b] = [light(e.namespaceURI.includes('svg') ? style.fill : style.color), light(back(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) worst.push([e.tagName, e.textContent.trim().slice(0, 30), ratio]);
}
return worst;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_wcag_aa_asks_for(
    browser: webdriver.Chrome, tmp_path: Path, scheme: str
) -> None:
    file = tmp_path / "index.html"
    file.write_text(page(full(), ZoneInfo("UTC"), "1"), encoding="utf-8")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(file.as_uri())
    assert browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches") is (
        scheme == "dark"
    )
    assert browser.execute_script(CONTRAST) == []
