"""What a run is made of, built once, and what is asked of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from connectors.base import LabelWriter
from rules.ruleset import RuleSet
from sync.digests.delivering import PostOffice
from sync.feeds import Feed
from sync.frame.deadline import Deadline
from sync.frame.observers import Observer
from sync.labels.marking import MarkerSites
from sync.labels.savedplan import SavedPlan
from sync.service.cron import Slot
from sync.settings import Settings
from sync.store import traces
from sync.work.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a run needs, built once by `sync.wiring`.

    `rules` loads the rule files as of a moment (dates in conditions are relative to it). `writers` gives a
    label writer for each Jira site of the feeds; it calls what it is given before each write, which raises
    when this run may write no more, and may take off the labels it is given, which we wrote under an older
    prefix. `report` writes the report of a run and says where. `drivers` are the fields of work that finance
    sources share their money by. Set `deadline.stop` to end the run under way. `requests` counts what the
    process has asked of each site so far. `observers` are told of each run. `post` sends digests. Sources
    are read on the `bench`.
    """

    settings: Settings
    engine: Engine
    feeds: Sequence[Feed]
    writers: Callable[[Callable[[], None], frozenset[str]], Mapping[str, LabelWriter]]
    rules: Callable[[datetime], RuleSet]
    report: Callable[[int], Path]
    clock: Callable[[], datetime]
    bench: Workbench
    drivers: Mapping[str, str] = field(default_factory=dict)
    markers: MarkerSites = field(default_factory=MarkerSites)
    deadline: Deadline = field(default_factory=Deadline)
    requests: Callable[[], Counter[traces.Asked]] = Counter
    observers: Sequence[Observer] = ()
    post: PostOffice | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of one run.

    `sources` limits a pull to these names; empty means all. `whole` reads every source from scratch, where
    otherwise only changes would be read. `retry` asks Jira again for changes that it refused before and that
    would wait for a later night. `slot` is what this run counts for, with the name of its schedule. It ends
    after `time_limit`, or as the settings say.
    """

    trigger: str = "cli"
    dry_run: bool = False
    allow_changes: int = 0
    allow_quiet_hours: bool = False
    allow_shrink: bool = False
    whole: bool = False
    allow_rejects: bool = False
    allow_restatement: bool = False
    retry: bool = False
    sources: tuple[str, ...] = ()
    slot: tuple[str, Slot] | None = None
    time_limit: timedelta | None = None
    expected: SavedPlan | None = None

    @property
    def is_night(self) -> bool:
        """Say whether the run does the work that nights are for, and does not only look."""
        return self.slot is not None or (self.trigger == "cli" and not self.dry_run)
