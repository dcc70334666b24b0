"""Give the schedules that a sources file declares or, where it has none, the one night of the settings."""

from __future__ import annotations

from pydantic import ValidationError

from sync.config.mistakes import mistakes
from sync.errors import ConfigurationError
from sync.service.cron import Times
from sync.service.schedules import NIGHT, Schedule, schedule_from
from sync.settings import Settings
from sync.sources import SourcesConfig, read_yaml


def load_schedules(settings: Settings) -> tuple[Schedule, ...]:
    """Read the schedules without asking for any secret: looking when the next night is takes none."""
    document = {} if settings.sources is None else read_yaml(settings.sources)
    if settings.sources is None or not document.get("schedules"):
        return (Schedule(NIGHT, Times(settings.schedule, settings.zone), time_limit=settings.time_limit),)
    try:
        config = SourcesConfig.model_validate({"schedules": document["schedules"]})
    except ValidationError as error:
        problems = mistakes(settings.sources, document, error.errors(), SourcesConfig)
        raise ConfigurationError(*problems) from None
    return tuple(schedule_from(one, settings.zone, settings.time_limit) for one in config.schedules)


def schedule_named(settings: Settings, name: str) -> Schedule:
    """Give the schedule of this name, or raise a `ConfigurationError` that says which there are."""
    schedules = {schedule.name: schedule for schedule in load_schedules(settings)}
    if name not in schedules:
        raise ConfigurationError(f"{name}: no such schedule; there are {', '.join(schedules)}")
    return schedules[name]
