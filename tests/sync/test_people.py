"""People and Tieline edit the same issues in any order, and things go wrong: each label is as a model has it.

`make soak-write` lives through a thousand such days on a hundred issues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sync.sandbox import Deployment, Sandbox
from tests.sync.people.crowd import ACTS, Crowd
from tests.sync.people.model import OURS
from tests.sync.people.nights import bad_night, night, second_runner, undo
from tests.sync.people.sight import differences, labels_of
from tests.sync.write_soak import soak

SETTINGS = settings(
    max_examples=4,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class People(RuleBasedStateMachine):
    """Whatever people and runs do to a dozen issues, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        folder = self.open.enter_context(TemporaryDirectory())
        jira = self.open.enter_context(Sandbox(Deployment.CLOUD))
        self.crowd = Crowd(jira, Path(folder), Random(0), issues=12)

    def teardown(self) -> None:
        self.crowd.close()
        self.open.close()

    @rule(name=st.sampled_from(list(ACTS)), number=st.integers(0, 11), chance=st.integers(0, 5))
    def act(self, name: str, number: int, chance: int) -> None:
        crowd = self.crowd
        crowd.random.seed(chance)
        issues = sorted(crowd.tickets, key=int)
        ACTS[name](crowd, issues[number % len(issues)])

    @rule()
    def night(self) -> None:
        assert night(self.crowd) == []

    @rule(chance=st.integers(0, 1000))
    def bad_night(self, chance: int) -> None:
        self.crowd.random.seed(chance)
        assert bad_night(self.crowd) == []

    @rule()
    def undo(self) -> None:
        assert undo(self.crowd) == []

    @rule()
    def second_runner(self) -> None:
        assert second_runner(self.crowd) == []


def test_whatever_people_and_runs_do_each_label_is_as_the_model_has_it() -> None:
    run_state_machine_as_test(People, settings=SETTINGS)


@pytest.mark.parametrize("deployment", list(Deployment))
def test_days_of_people_and_nights_of_trouble_leave_each_label_as_the_model_has_it(
    deployment: Deployment, tmp_path: Path
) -> None:
    wrong, tally = soak(deployment, schedules=15, seed=7, issues=30, bad=0.7, folder=tmp_path)
    assert wrong == []
    assert tally["labels planned"] > 20
    assert sum(number for name, number in tally.items() if name.startswith(("faults", "answers"))) > 5


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    with Sandbox(Deployment.CLOUD) as jira:
        made = Crowd(jira, tmp_path, Random(3), issues=12)
        yield made
        made.close()


@pytest.mark.parametrize(
    "meddle",
    [
        lambda crowd, issue: crowd.jira.site.label(issue, remove=sorted(labels_of(crowd.jira.site, issue))),
        lambda crowd, issue: crowd.jira.site.label(issue, add=[OURS]),
    ],
    ids=["a label lost", "a label too many"],
)
def test_a_label_that_is_not_as_the_model_has_it_is_seen(
    crowd: Crowd, meddle: Callable[[Any, str], None]
) -> None:
    issue = next(issue for issue, ticket in crowd.tickets.items() if ticket.labels and not ticket.aimless)
    assert night(crowd) == []
    meddle(crowd, issue)
    assert len([*differences(crowd.jira.site, crowd.tickets)]) == 1
    assert Counter(crowd.tally)["nights"] == 1
