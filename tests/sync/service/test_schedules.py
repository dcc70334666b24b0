"""What `schedules:` may say, and how its mistakes are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sync.errors import ConfigurationError
from sync.service.schedules import What
from sync.service.timetable import load_schedules, schedule_named
from sync.settings import Settings, load_settings
from sync.sources import load_sources

SITES = """\
jira:
  - {name: east, url: https://east.example.com, pat: "${EAST_PAT}", jql: project = E}
objectives:
  - {name: goals, path: goals.csv, columns: {id: id, title: title}}
"""
THREE = """\
schedules:
  - {name: hourly, cron: 15 * * * *, run: pull, sources: [east]}
  - {name: night, cron: 0 2 * * *, timezone: Australia/Lord_Howe, time_limit: 3h30m}
  - {name: census, cron: 0 4 * * 0, full: true}
"""
SECRETS = {"EAST_PAT": "secret"}


def settings_of(folder: Path, text: str) -> Settings:
    file = folder / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(
        {"TIELINE_SOURCES": str(file), "TIELINE_TIMEZONE": "Europe/Berlin", "TIELINE_TIME_LIMIT": "90m"}
    )


def test_several_schedules_are_read_each_with_what_the_settings_leave_to_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, SITES + THREE)
    load_sources(settings, SECRETS)
    hourly, night, census = load_schedules(settings)
    assert (hourly.what, hourly.sources, hourly.time_limit) == (What.PULL, ("east",), timedelta(minutes=90))
    assert str(hourly.times.zone) == "Europe/Berlin"
    assert (night.what, str(night.times.zone)) == (What.NIGHT, "Australia/Lord_Howe")
    assert (night.time_limit, night.full, census.full) == (timedelta(hours=3.5), False, True)


@pytest.mark.parametrize("text", [SITES, "jira: []\nschedules: []\n"])
def test_without_any_the_night_of_the_settings_stands_in(tmp_path: Path, text: str) -> None:
    (night,) = load_schedules(settings_of(tmp_path, text))
    assert (night.name, night.times.cron, night.time_limit) == ("night", "0 2 * * *", timedelta(minutes=90))


MISTAKES = {
    "{name: a, cron: nightly}": r":6:15: schedules\.0\.cron: 'nightly' is no cron expression",
    "{name: a, cron: 0 2 * * *, timezone: Berlin}": r"'Berlin' is no time zone; use a name such as",
    "{name: a, cron: 0 2 * * *, time_limit: 0h}": r"'0h' is no length of time; write one such as 90m",
    "{name: a, cron: 0 2 * * *, time_limit: 90}": r"90 is no length of time; write one such as 90m",
    "{name: a, cron: 0 2 * * *, run: all}": r"schedules\.0\.run: .*'night' or 'pull'",
    "{name: a b, cron: 0 2 * * *}": r":6:6: schedules\.0\.name: ",
    "{name: a, cron: 0 2 * * *, source: [east]}": r"unknown key; did you mean sources\?",
    "{cron: 0 2 * * *}": r"schedules\.0\.name: Field required",
    "{name: a, cron: 0 2 * * *, sources: [goals, est]}": r":6:49: sources: 'est' is no source; .* 'east'",
    "{name: a, cron: 0 2 * * *}\n  - {name: a, cron: 0 3 * * *}": r":7:6: two schedules are named 'a'",
}


@pytest.mark.parametrize("entry", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_the_remedy(tmp_path: Path, entry: str) -> None:
    settings = settings_of(tmp_path, f"{SITES}schedules:\n  - {entry}\n")
    with pytest.raises(ConfigurationError, match=MISTAKES[entry]) as error:
        load_sources(settings, SECRETS)
    assert "sources.yaml:" in str(error.value)


def test_looking_at_the_schedules_asks_for_no_secret_and_tells_the_same_mistakes(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"{SITES}schedules:\n  - {{name: a, cron: nightly}}\n")
    with pytest.raises(ConfigurationError, match=MISTAKES["{name: a, cron: nightly}"]):
        load_schedules(settings)


def test_a_schedule_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^weekly: no such schedule; there are hourly, night, census$"
    ):
        schedule_named(settings_of(tmp_path, SITES + THREE), "weekly")
