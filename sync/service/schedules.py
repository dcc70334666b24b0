"""Turn an entry under `schedules:` of a sources file into what is to be run and when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from rapidfuzz import fuzz, process

from sync.config.durations import Duration
from sync.config.zones import check_zone
from sync.service.cron import Times, check_cron

NIGHT = "night"


class What(StrEnum):
    """What a schedule runs: a whole night, or only the reading of sources."""

    NIGHT = "night"
    PULL = "pull"


class ScheduleConfig(BaseModel):
    """One entry under `schedules:`.

    `sources` limits what is read to these; `full` reads them from scratch. `timezone` is TIELINE_TIMEZONE
    unless it is given, `time_limit` (such as `90m`) TIELINE_TIME_LIMIT.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    cron: Annotated[str, AfterValidator(check_cron)]
    run: What = What.NIGHT
    sources: tuple[str, ...] = ()
    full: bool = False
    timezone: Annotated[str, AfterValidator(check_zone)] | None = None
    time_limit: Duration | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is to be run, when, and for how long at the most."""

    name: str
    times: Times
    what: What = What.NIGHT
    sources: tuple[str, ...] = ()
    full: bool = False
    time_limit: timedelta | None = None


def schedule_from(config: ScheduleConfig, zone: ZoneInfo, time_limit: timedelta | None) -> Schedule:
    """Make a schedule of an entry; what it leaves open is as the settings say."""
    own_zone = zone if config.timezone is None else ZoneInfo(config.timezone)
    return Schedule(
        config.name,
        Times(config.cron, own_zone),
        config.run,
        config.sources,
        config.full,
        time_limit if config.time_limit is None else config.time_limit,
    )


def schedule_problems(
    path: Path,
    entries: Sequence[Any],
    schedules: Sequence[ScheduleConfig],
    sources: Collection[str],
    place: Callable[[Any, Any], str],
) -> list[str]:
    """Point at each schedule that reads what no source brings, or whose name another one before it has.

    `place` gives line and column of a key of an entry.
    """
    problems: list[str] = []
    taken: set[str] = set()
    for entry, schedule in zip(entries, schedules, strict=True):
        if schedule.name in taken:
            problems.append(f"{path}:{place(entry, 'name')}: two schedules are named {schedule.name!r}")
        taken.add(schedule.name)
        problems += [
            f"{path}:{place(entry['sources'], number)}: sources: {name!r} is no source; "
            f"did you mean {process.extractOne(name, sources, scorer=fuzz.ratio)[0]!r}?"
            for number, name in enumerate(schedule.sources)
            if name not in sources
        ]
    return problems
