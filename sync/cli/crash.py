"""Tell the story of an error that nobody expected, without the secrets in it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer
from sqlalchemy.exc import OperationalError

from connectors.errors import ConnectorError
from sync.errors import UserError
from sync.frame.log import hide

EXPECTED = (UserError, ConnectorError, OperationalError, typer.TyperException, typer.Exit, typer.Abort)


class Crash(Exception):
    """An unexpected error. Its text is the traceback, and `line` the last line of that, secrets hidden."""

    def __init__(self, story: str) -> None:
        super().__init__(story)
        self.line = story.rstrip().rpartition("\n")[2]


@contextmanager
def hidden_in_crashes(secrets: Iterable[str]) -> Iterator[None]:
    """Turn what nobody expected into a `Crash` that holds none of these secrets."""
    try:
        yield
    except EXPECTED:
        raise
    except Exception as error:  # noqa: BLE001  # told by `main`, as Python would but for the secrets
        raise Crash(hide("".join(traceback.format_exception(error)), secrets)) from None
