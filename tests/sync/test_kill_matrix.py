"""A night may end anywhere, in any way: the next one ends as if nothing had happened.

Here at each place in one way, another one on each database; `make soak-kill` ends nights at each place in
every way, also the second time they come by, and the third.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from sync.frame.milestones import Milestone, listening, reach
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
def dawn(database_url: str, tmp_path: Path) -> Iterator[Morning]:
    with morning(database_url, tmp_path) as made:
        yield made


def test_wherever_and_however_a_night_ends_the_next_one_ends_as_if_nothing_had_happened(
    dawn: Morning,
) -> None:
    passed = dawn.live_undisturbed()
    assert set(passed) == set(Milestone), "the night comes by every place"
    assert dawn.whole.open_ends == ()
    assert dawn.whole.rows["ledger"].total() > 15
    turn = 0 if dawn.url.startswith("sqlite") else 1
    ways = cycle([*How][turn:] + [*How][:turn])
    drawn = [Case(place, how) for place, how in zip([*Milestone, *OnTheWire], ways, strict=False)]
    wrong = [text for case in drawn for text in dawn.live_through(case)]
    assert wrong == []


def test_a_difference_would_be_seen(dawn: Morning) -> None:
    dawn.live_undisturbed()
    dawn.whole.jira["PAY-1"][0].append("a label that no night writes")
    wrong = dawn.live_through(Case(Milestone.PAGE_KEPT, How.KILLED))
    assert len(wrong) == 1
    assert wrong[0].startswith("PAGE_KEPT, 1, SIGKILL: PAY-1 is")
