"""A night may end anywhere, in any way: the next one ends as if nothing had happened.

Here at each place in one way, on SQLite; `make soak-kill` ends nights at each place in every way, also the
second time they come by, and the third.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.frame.milestones import Milestone, listening, reach
from tests.sync.kill_soak import each_place_once
from tests.sync.killing import Case, How, Morning, OnTheWire
from tests.sync.morning import morning

ROOT = Path(__file__).parents[2]


def test_each_place_stands_in_the_code_once_and_the_list_names_no_other() -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "sync").rglob("*.py")]
    named = Counter(name for text in code for name in re.findall(r"reach\(Milestone\.(\w+)\)", text))
    assert named == dict.fromkeys(Milestone.__members__, 1)
    assert len(Milestone) + len(OnTheWire) >= 28


def test_nobody_is_told_of_a_place_who_does_not_listen() -> None:
    heard: list[Milestone] = []
    with listening(heard.append):
        reach(Milestone.RUN_BEGUN)
    reach(Milestone.RUN_ENDED)
    assert heard == [Milestone.RUN_BEGUN]


@pytest.fixture
def dawn(tmp_path: Path) -> Iterator[Morning]:
    with morning(f"sqlite:///{tmp_path / 'tieline.db'}", tmp_path) as made:
        yield made


def test_wherever_and_however_a_night_ends_the_next_one_ends_as_if_nothing_had_happened(
    dawn: Morning,
) -> None:
    passed = dawn.live_undisturbed()
    assert set(passed) == set(Milestone), "the night comes by every place"
    assert dawn.whole.open_ends == ()
    assert dawn.whole.rows["ledger"].total() > 15
    links, comments = zip(*(shown[1::2] for shown in dawn.whole.jira.values()), strict=True)
    assert {len(one) for one in (*links, *comments)} == {0, 1}, "some tickets are told why, none twice"
    assert [text for case in each_place_once() for text in dawn.live_through(case)] == []


def test_a_difference_would_be_seen(dawn: Morning) -> None:
    dawn.live_undisturbed()
    dawn.whole.jira["PAY-1"][0].append("a label that no night writes")
    wrong = dawn.live_through(Case(Milestone.PAGE_KEPT, How.KILLED))
    assert len(wrong) == 1
    assert wrong[0].startswith("PAGE_KEPT, 1, SIGKILL: PAY-1 is")
