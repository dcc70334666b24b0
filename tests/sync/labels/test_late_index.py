"""What we wrote is ours, whatever the search index of Jira shows of it yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.errors import Exit
from sync.sandbox import Deployment, Sandbox
from tests.sync.house import House


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_a_label_is_ours_though_the_search_index_does_not_show_it_yet(
    engine: Engine, tmp_path: Path, deployment: Deployment
) -> None:
    with Sandbox(deployment) as jira:
        house = House(jira, tmp_path, engine).furnish()
        key = house.add_epic()
        jira.before("PUT", "/issue/", lambda _: setattr(jira.site.index, "lagging", True))
        night = house.night()
        assert (night.exit_code, house.ledger()) == (Exit.OK, [(key, "add", "done")])
        jira.clear_hooks()
        jira.site.reindex()
        house.serve(key, "O1")
        house.night()
        assert house.labels(key) == []
