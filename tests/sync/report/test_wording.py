from __future__ import annotations

import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.report.wording import change_of, moment, money, points, shortened, visible, web_address
from tests.clock import NOW


@given(st.text())
def test_visible_text_holds_no_character_that_acts(text: str) -> None:
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}]
    assert not [c for c in shown if unicodedata.bidirectional(c) in {"LRI", "RLI", "FSI", "PDI"}]
    shown.encode()


@pytest.mark.parametrize("text", ["Straße", "日本語", "عربي", "👩\u200d💻", "naïve — “quoted”"])
def test_text_in_any_language_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\there", "two lines here"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("\u202egpj.exe", "⟨U+202E⟩gpj.exe"),
        ("hid\u200bden", "hid⟨U+200B⟩den"),
        ("half \ud800", "half ⟨U+D800⟩"),
    ],
)
def test_characters_that_act_are_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example", "", None]
)
def test_only_web_addresses_are_followed(url: str | None) -> None:
    assert web_address(url) == ""


def test_web_addresses_are_kept() -> None:
    assert web_address("https://jira.example/browse/PAY-1") == "https://jira.example/browse/PAY-1"


def test_amounts_carry_the_decimals_of_their_currency() -> None:
    assert money(4_337_598_758_800, "USD") == "43,375,987,588.00 USD"
    assert money(-1_234, "JPY") == "-1,234 JPY"
    assert money(1, "KWD") == "0.001 KWD"


def test_a_difference_carries_its_sign() -> None:
    assert [change_of(it, "USD") for it in (1, 0, -1)] == ["+0.01", "0.00", "-0.01"]
    assert [points(500, after) for after in (512, 500, 488)] == ["+1.2", "±0.0", "-1.2"]
    assert (points(None, 1), points(1, None)) == ("", "")


def test_a_long_text_is_cut() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc defg", 5) == "abc…"


def test_a_moment_is_that_of_the_zone_in_summer_and_winter() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert moment(NOW, zone) == "2026-03-03 02:30 CET"
    assert moment(NOW.replace(month=7), zone) == "2026-07-03 03:30 CEST"
