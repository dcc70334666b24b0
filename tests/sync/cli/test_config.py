"""`tieline config show`: what counts, where it comes from, no secret."""

from __future__ import annotations

from sync.settings import KEYS
from tests.sync.cli.desk import Desk


def test_every_setting_is_shown_with_its_origin_and_without_secrets(desk: Desk) -> None:
    said = desk.say("config", "show", "--origin", TIELINE_CURRENCY="EUR")
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "TIELINE_CURRENCY EUR environment" in lines
    assert "JIRA_API_TOKEN ******** .env:2" in lines
    assert "TIELINE_SCHEDULE 0 2 * * * default" in lines
    assert ".env:" not in desk.say("config", "show").out
    document = desk.say("config", "show", "--json").document
    assert [it["key"] for it in document] == list(KEYS)
    assert {"key": "OBJECTIVES_PATH", "value": "objectives.csv", "origin": ".env:6"} in document


def test_it_makes_no_store(desk: Desk) -> None:
    desk.say("config", "show")
    assert not (desk.folder / "tieline.db").exists()


def test_a_file_that_is_not_there_is_told(desk: Desk) -> None:
    said = desk.say("config", "show", "--env-file", "none.env")
    assert (said.code, said.err) == (
        2,
        "--env-file none.env: no such file. Copy config.example.env and fill it in.\n",
    )
