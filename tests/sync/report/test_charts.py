from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from sync.figures.coverage import Split, TrendPoint
from sync.report.bars import COLOURS, Bar
from sync.report.charts import NAME_LENGTH, coverage_chart, run_names, trend_chart, unique_names
from tests.clock import NOW

ZONE = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def bar(name: str, aligned: int = 3, unaligned: int = 1) -> Bar:
    return Bar(name, Split(aligned=aligned, unaligned=unaligned), "75.0 %")


def widths(svg: str, state: str) -> list[int]:
    """The widths of the bars of one standing, in whole pixels."""
    found = []
    for path in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        match = re.match(r"M([\d.]+),[\d.]+h([\d.]+)v", path.get("d", ""))
        if path.get("fill") == COLOURS[state] and path.get("aria-roledescription") == "bar" and match:
            found.append(round(float(match[2])))
    return found


def test_the_bars_stand_in_the_order_given_and_measure_the_amounts() -> None:
    svg = coverage_chart([bar("Zebra", 600, 200), bar("Apple", 300, 100)], "USD", "Coverage")
    names = [text for text in texts(svg) if text in {"Zebra", "Apple"}]
    assert names == ["Zebra", "Apple"]
    long, short = widths(svg, "aligned")
    assert long == pytest.approx(2 * short, abs=2)
    assert long == pytest.approx(3 * widths(svg, "unaligned")[0], abs=3)


def test_the_legend_names_the_standings_that_occur() -> None:
    some = texts(coverage_chart([bar("A")], "USD", "Coverage"))
    assert {"Aligned", "Not aligned"} <= set(some)
    assert not {"Waived", "Unknown"} & set(some)
    every = texts(coverage_chart([Bar("A", Split(1, 2, 3, 4), "")], "USD", "Coverage"))
    assert {"Aligned", "Not aligned", "Waived", "Unknown"} <= set(every)


def test_billions_are_called_billions() -> None:
    assert "6B" in texts(coverage_chart([bar("A", 6_000_000_000, 0)], "USD", "Coverage"))


def test_negative_amounts_are_drawn() -> None:
    svg = coverage_chart([Bar("Credit", Split(aligned=-5, unaligned=10), "-")], "USD", "Coverage")
    assert {"Credit", "Aligned", "Not aligned"} <= set(texts(svg))


def test_names_are_text_cut_to_fit_with_nothing_that_acts() -> None:
    name = "<script>alert(1)</script>\x1b[31m\u202e & " + "x" * 100
    svg = coverage_chart([bar(name)], "USD", 'A "quoted" <summary>')
    assert "<script" not in svg
    shown = next(text for text in texts(svg) if text.startswith("<script>"))
    assert shown == "<script>alert(1)</script>⟨U+001B⟩[31m⟨U+20…"
    assert len(shown) <= NAME_LENGTH
    assert ET.fromstring(svg).get("aria-label") == 'A "quoted" <summary>'


def test_names_that_look_the_same_when_cut_stay_two_bars() -> None:
    bars = [bar("x" * 60 + "one"), bar("x" * 60 + "two")]
    assert len(set(unique_names(bars))) == 2
    assert len(widths(coverage_chart(bars, "USD", "Coverage"), "aligned")) == 2


def test_a_chart_refers_to_nothing_outside_itself() -> None:
    points = [TrendPoint(1, NOW, Split(1, 1)), TrendPoint(2, NOW + DAY, Split(2, 1))]
    for svg in (coverage_chart([bar("A")], "USD", "s"), trend_chart(points, ZONE, "s")):
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert "url(" not in svg
        assert "href" not in svg
        assert {element.get("id") for element in root.iter()} == {None}
        assert set(re.findall(r"https?://[^\"]+", svg)) == {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_without_bars_there_is_no_chart() -> None:
    assert coverage_chart([], "USD", "Coverage") == ""


def test_one_run_is_no_trend() -> None:
    assert trend_chart([TrendPoint(1, NOW, Split(1, 1))], ZONE, "Trend") == ""


def test_the_trend_names_its_last_share_and_its_days() -> None:
    points = [TrendPoint(1, NOW, Split(1, 3)), TrendPoint(2, NOW + DAY, Split(3, 1))]
    found = texts(trend_chart(points, ZONE, "Trend"))
    assert {"75.0 %", "2026-03-03", "2026-03-04", "0 %", "100 %"} <= set(found)
    assert "25.0 %" not in found


def test_runs_of_one_day_are_told_apart_by_their_number() -> None:
    points = [TrendPoint(number, NOW, Split(1)) for number in (1, 2)] + [TrendPoint(3, NOW + DAY, Split(1))]
    assert run_names(points, ZONE) == ["2026-03-03 run 1", "2026-03-03 run 2", "2026-03-04"]
