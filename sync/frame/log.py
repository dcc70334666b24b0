"""Turn events into log lines: JSON for machines, plain text for people; silent until somebody listens.

`log` is the one logger of the service; connectors log through the standard library below the same name. What
a line is about (run, step, site) is bound to the context and need not be said again.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TextIO, cast

import structlog
from pydantic import BaseModel, SecretStr
from structlog.contextvars import merge_contextvars
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter, add_log_level
from structlog.typing import EventDict, Processor

NAME = "tieline"
HIDDEN = "***"
PROOF = re.compile(r"\b(Basic|Bearer) [\w+/=.~-]+")


class LogForm(StrEnum):
    """What log lines look like; `auto` suits whoever reads: people on a terminal, machines elsewhere."""

    AUTO = "auto"
    JSON = "json"
    HUMAN = "human"
    OFF = "off"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


SHARED: tuple[Processor, ...] = (
    merge_contextvars,
    add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
logging.getLogger(NAME).addHandler(logging.NullHandler())
logging.getLogger(NAME).propagate = False
log: BoundLogger = structlog.wrap_logger(
    logging.getLogger(NAME),
    processors=[structlog.stdlib.filter_by_level, *SHARED, ProcessorFormatter.wrap_for_formatter],
    wrapper_class=BoundLogger,
)


@contextmanager
def logging_to(
    stream: TextIO, form: LogForm, level: LogLevel = LogLevel.INFO, secrets: Iterable[str] = ()
) -> Iterator[None]:
    """Write log lines to a stream for as long as the context lasts; `secrets` never show in them."""
    if form is LogForm.OFF:
        yield
        return
    human = form is LogForm.HUMAN or (form is LogForm.AUTO and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(human=human, secrets=secrets))
    logger = logging.getLogger(NAME)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level.value.upper())
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def formatter(*, human: bool, secrets: Iterable[str]) -> logging.Formatter:
    """Make the last steps of a line: hide secrets, make control characters visible, write it down."""
    hidden = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def clean(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: cleaned(value, hidden) for key, value in event.items()}

    return ProcessorFormatter(
        foreign_pre_chain=[*SHARED, ExtraAdder()],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            clean,
            plain_line if human else json_line,
        ],
    )


def cleaned(value: Any, hidden: Iterable[str]) -> Any:
    """Give a value that is one line without secrets; numbers stay numbers."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = hide(str(value), hidden)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def hide(text: str, secrets: Iterable[str]) -> str:
    """Give a text without these secrets, and without what a header proves a login by."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return PROOF.sub(rf"\1 {HIDDEN}", text)


def json_line(_logger: object, _method: str, event: EventDict) -> str:
    """Write an event as one JSON object, the time, the level and what happened first."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return json.dumps({**first, **event}, ensure_ascii=True)


def plain_line(_logger: object, _method: str, event: EventDict) -> str:
    """Write an event as people read it: `14:03:05 info    step ended: step=pull jira seconds=0.4`."""
    time, level = str(event.pop("timestamp", ""))[11:19], event.pop("level", "")
    said = event.pop("event", "")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{time} {level:<7} {said}" + (f": {rest}" if rest else "")


def secrets_in(value: Any) -> Iterator[str]:
    """Give every secret that a configuration holds, however deep."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from secrets_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from secrets_in(one)


def standard_error() -> TextIO:
    """Give the stream that log lines go to: stdout belongs to what a command answers."""
    return cast(TextIO, sys.stderr)
