"""Run a night in a process of its own that ends at once, without any clean-up, at its n-th write.

Arguments: the settings as JSON, the database URL, n, and `before` or `after` (that write reached Jira).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from connectors.base import LabelWriter
from connectors.changes import Answered, LabelChange
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_night
from sync.settings import load_settings
from sync.sources import load_sources
from sync.store.database import open_store
from sync.wiring import build_service
from tests.clock import NOW
from tests.sync.house import no_report

DIED = 9


@dataclass
class Dying:
    """Passes changes on until its time has come."""

    writer: LabelWriter
    last: int
    written: bool
    made: count[int]

    def apply(self, changes: Sequence[LabelChange]) -> Iterator[Sequence[Answered]]:
        for change in changes:
            number = next(self.made)
            if number == self.last and not self.written:
                os._exit(DIED)
            answered = list(self.writer.apply([change]))
            if number == self.last:
                os._exit(DIED)
            yield from answered

    def labels_of(self, issue_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return self.writer.labels_of(issue_ids)


def main(given: str, database_url: str, last: str, when: str) -> None:
    environ = json.loads(given)
    settings = load_settings(environ)
    engine = open_store(database_url)
    moment = NOW + timedelta(days=1)
    sources = load_sources(settings, environ)
    service, sites = build_service(settings, sources, engine, no_report, lambda: moment)
    made = count(1)

    def dying(permit: Callable[[], None], older: frozenset[str]) -> dict[str, LabelWriter]:
        writers = sites.writers(permit, older)
        return {name: Dying(writer, int(last), when == "after", made) for name, writer in writers.items()}

    run_night(replace(service, writers=dying), Options(), Quiet())


if __name__ == "__main__":
    main(*sys.argv[1:])
