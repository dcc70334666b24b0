"""What a run found and did, and the exit code that says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sync.digests.delivering import Delivered
from sync.errors import Exit
from sync.judge import Judgement
from sync.labels.first_night import FirstNight
from sync.labels.markers import MarkerPlan
from sync.labels.marking import MarkersWritten
from sync.labels.plan import Plan
from sync.labels.savedplan import NOTHING_PLANNED, SavedPlan
from sync.labels.writeback import Written
from sync.pull import Pulled
from sync.store.traces import Asked
from sync.waivers.asking import Heard


@dataclass(slots=True)
class RunResult:
    """What a run found and did; `asked` is what other processes asked of sites for it."""

    run_id: int
    started_at: datetime
    dry_run: bool = False
    pulled: list[Pulled] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)
    judgement: Judgement = field(default_factory=Judgement)
    heard: Heard = field(default_factory=Heard)
    plan: Plan = field(default_factory=Plan)
    saved: SavedPlan = NOTHING_PLANNED
    stopped: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    first_nights: list[FirstNight] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    stale: str = ""
    halted: str = ""
    interrupted: bool = False
    written: Written | None = None
    markers: MarkerPlan = field(default_factory=MarkerPlan)
    marked: MarkersWritten | None = None
    report: Path | None = None
    digests: list[Delivered] = field(default_factory=list)
    asked: Counter[Asked] = field(default_factory=Counter)

    @property
    def exit_code(self) -> Exit:
        """Give the exit code of the most serious thing that happened."""
        codes = {pulled.exit_code for pulled in self.pulled}
        for code in (Exit.USAGE, Exit.ACCESS, Exit.INCOMPLETE):
            if code in codes:
                return code
        if self.judgement.frozen or self.incomplete or self.halted:
            return Exit.INCOMPLETE
        if self.stopped:
            return Exit.GUARD
        quiet = bool(self.waits) and not self.plan
        if self.held or quiet or (self.written is not None and not self.written.whole):
            return Exit.PARTLY
        return Exit.OK

    @property
    def goes_ahead(self) -> bool:
        """Say whether labels are to be written."""
        return not self.dry_run and not self.stopped

    @property
    def said(self) -> list[str]:
        """Give what the run's row keeps: what stopped it, and by which rules it judged if not the newest."""
        return [*self.stopped, *self.held, *self.waits, *filter(None, [self.stale, self.halted])]

    @property
    def status(self) -> str:
        """Say in a word how the run ended."""
        if self.interrupted:
            return "interrupted"
        words = {Exit.OK: "done", Exit.PARTLY: "partly done", Exit.GUARD: "stopped by the guard"}
        return words.get(self.exit_code, "incomplete")
