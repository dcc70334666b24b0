"""How results are laid out: whole figures at any width, one document as JSON, no tricks from outside."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sync.cli.output import Output, counted, printable
from sync.cli.summary import share

WIDE = ["source", "year", "file's own sum>", "accepted>", "refused>", "off by>"]
ROW = ("itdb", "budget 2017", "43,375,987,588.00", "43,375,987,588.00", "0.00", "0.00")


def on_terminal(width: int) -> tuple[Output, io.StringIO]:
    screen = io.StringIO()
    output = Output(as_json=False)
    output.console = Console(
        file=screen, width=width, force_terminal=True, color_system=None, highlight=False, soft_wrap=True
    )
    return output, screen


@pytest.mark.parametrize("width", [40, 60, 75, 80, 120])
def test_a_figure_is_whole_at_every_width(width: int) -> None:
    output, screen = on_terminal(width)
    output.table("Totals", WIDE, [ROW])
    assert screen.getvalue().count("43,375,987,588.00") == 2
    assert "…" not in screen.getvalue()


def test_words_are_wrapped_before_figures_are_touched() -> None:
    output, screen = on_terminal(60)
    output.table(
        "T", ["what", "amount>"], [("a long text of many words that needs a second line", "1,000.00")]
    )
    lines = screen.getvalue().splitlines()
    assert len([line for line in lines if "1,000.00" in line]) == 1
    assert max(len(line) for line in lines) <= 60


def test_a_long_line_goes_on_below_where_it_began_and_a_path_stays_whole() -> None:
    output, screen = on_terminal(40)
    path = "/a/very/long/path/that/is/longer/than/the/line/index.html"
    output.line("  why: words that do not all fit into one line")
    output.line(f"Report: {path}")
    assert screen.getvalue().splitlines() == [
        "  why: words that do not all fit into",
        "  one line",
        "Report:",
        path,
    ]


def test_in_a_pipe_each_row_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table("T", ["a", "b>"], [("x" * 500, "1"), ("y", "2")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == [f"{'x' * 500}  1", f"y{' ' * 501}2"]


def test_a_table_without_rows_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table("T", ["a"], [])
    assert capsys.readouterr().out == ""


def test_as_json_nothing_but_the_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    class Colour(Enum):
        RED = "red"

    @dataclass
    class Thing:
        moment: datetime
        names: frozenset[str]

    output = Output(as_json=True)
    output.line("text")
    output.table("T", ["a"], [("b",)])
    with output.progress().step("a step") as step:
        step.advance(3)
    thing = Thing(datetime(2026, 3, 3, tzinfo=UTC), frozenset({"b", "a"}))
    output.document([thing, date(2026, 3, 3), Colour.RED, Decimal("1.50"), Path("x")])
    assert json.loads(capsys.readouterr().out) == [
        {"moment": "2026-03-03T00:00:00+00:00", "names": ["a", "b"]},
        "2026-03-03",
        "red",
        "1.50",
        "x",
    ]


@given(st.text())
def test_no_text_can_speak_to_the_terminal(text: str) -> None:
    shown = printable(text)
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_text_that_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.line("[red]not red[/red] \x1b[31mnor this")
    output.table("T", ["a"], [("[bold]b[/bold]",)])
    said = capsys.readouterr().out
    assert "[red]not red[/red] \\x1b[31mnor this" in said
    assert "[bold]b[/bold]" in said


def test_on_a_terminal_steps_are_bars_and_end_full() -> None:
    output, screen = on_terminal(80)
    with output.progress().step("pull jira") as step:
        step.advance(100, 747)
        step.advance(647, 747)
    assert "pull jira" in screen.getvalue()
    assert "747" in screen.getvalue()


def test_in_a_pipe_a_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(as_json=False).progress().step("pull jira") as step:
        step.advance(747)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split()[:3] == ["pull", "jira", "747"]


def test_one_is_not_plural() -> None:
    assert [counted(number, "ticket") for number in (0, 1, 2)] == ["0 tickets", "1 ticket", "2 tickets"]


def test_the_share_is_never_better_than_it_is() -> None:
    def of(aligned: int, unaligned: int, unknown: int = 0) -> str:
        return share({"aligned": aligned, "unaligned": unaligned, "waived": 0, "unknown": unknown})

    assert of(9999, 1) == "99.9"
    assert of(1, 0) == "100.0"
    assert of(0, 0) == "-"
    assert of(0, 0, 5) == "unknown"
