"""Some random nights of pulling: after a quiet one the store equals Jira (`make soak-pull` for more).

Seeds tell long stories; the state machine tells short ones in any order, and shortens one that goes wrong.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sync.sandbox import Deployment, Sandbox
from sync.store.database import open_store
from tests.sync.office import Clock, Office
from tests.sync.pull_soak import ACTS, SCOPE, Soak, soak


@pytest.mark.parametrize(
    ("deployment", "seed"), [(Deployment.CLOUD, 7), (Deployment.DATA_CENTER, 8)], ids=["cloud", "dc"]
)
def test_after_any_bad_night_a_quiet_one_leaves_the_store_equal_to_jira(
    deployment: Deployment, seed: int, tmp_path: Path
) -> None:
    wrong, tally = soak(deployment, 25, seed, tmp_path)
    assert wrong == []
    assert tally["quiet, reading changes"] > 10
    assert tally["killed"] + tally["bad, ended failed"] > 0
    assert tally["edits while reading"] > 5


class Nights(RuleBasedStateMachine):
    """People edit, the index lags, nights go wrong and heal, in any order; every quiet night ends equal."""

    deployment = Deployment.CLOUD

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        clock = Clock()
        folder = self.open.enter_context(TemporaryDirectory())
        jira = self.open.enter_context(Sandbox(self.deployment, now=clock, views_max=7))
        engine = open_store(f"sqlite:///{folder}/tieline.db")
        self.open.callback(engine.dispose)
        self.soak = Soak(Office(jira, engine, clock, jql=SCOPE, max_shrink=1.0), Random(0))

    def teardown(self) -> None:
        self.open.close()

    @rule(name=st.sampled_from(sorted(ACTS)), number=st.integers(0, 24))
    def act(self, name: str, number: int) -> None:
        site = self.soak.office.jira.site
        issues = sorted(site.issues, key=int)
        if issues:
            ACTS[name](self.soak.people, site.issues[issues[number % len(issues)]])

    @rule()
    def lag(self) -> None:
        self.soak.office.jira.site.index.lagging = True

    @rule(chance=st.integers(0, 10_000))
    def night(self, chance: int) -> None:
        self.soak.random.seed(chance)
        assert self.soak.night() == []


class NightsOfDataCenter(Nights):
    deployment = Deployment.DATA_CENTER


@pytest.mark.parametrize("nights", [Nights, NightsOfDataCenter], ids=["cloud", "dc"])
def test_in_whatever_order_people_edit_and_nights_fail_a_quiet_one_leaves_the_store_equal_to_jira(
    nights: type[Nights],
) -> None:
    few = settings(
        max_examples=3, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(nights, settings=few)
