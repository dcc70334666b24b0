"""The page in a real browser, opened as the file it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from sync.report.page import page
from tests import browsers
from tests.sync.report.making import full

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title='taken over'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with browsers.opened(tmp_path / "profile") as driver:
        yield driver


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
    assert browsers.log(browser, "browser") == []
    asked = browsers.requests(browser, file.as_uri())
    assert asked[0] == file.as_uri()
    assert [url for url in asked[1:] if not url.startswith("data:")] == []


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_fits_its_window(browser: webdriver.Chrome, tmp_path: Path, width: int) -> None:
    file = tmp_path / "index.html"
    file.write_text(page(full("word" * 60), ZoneInfo("UTC"), "1"), encoding="utf-8")
    browsers.resize(browser, width)
    browser.get(file.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_wcag_aa_asks_for(
    browser: webdriver.Chrome, tmp_path: Path, scheme: str
) -> None:
    file = tmp_path / "index.html"
    file.write_text(page(full(), ZoneInfo("UTC"), "1"), encoding="utf-8")
    browsers.prefer(browser, scheme)
    browser.get(file.as_uri())
    assert browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches") is (
        scheme == "dark"
    )
    assert browser.execute_script(browsers.CONTRAST) == []
