"""A year of nights under a bad star: clocks that change, a service that is down, killed, late and doubled.

Each seed lives through 366 nights in one of five zones, on the real ledger. At the end each local date has
exactly one run that came to an end; a date is missing only where nobody looked between it and the next one.
`python -m tests.sync.schedule_soak --seeds 200 --database postgresql+psycopg://…`
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, delete, select

from sync.errors import Exit
from sync.service.cron import Slot, Times
from sync.service.running import find_asked, find_due
from sync.service.schedules import Schedule
from sync.store import runs, schedules, tables
from sync.store.database import open_store
from sync.store.schema import table_of

# A leap year in which all five changed their clocks; São Paulo did so at midnight.
FIRST, NIGHTS = date(2016, 1, 1), 366
# Times inside the hour that is left out or comes twice, and outside of it.
PLACES = {
    "Europe/Berlin": ("0 2 * * *", "30 2 * * *", "59 2 * * *", "0 3 * * *"),
    "America/New_York": ("30 1 * * *", "30 2 * * *", "0 2 * * *", "0 3 * * *"),
    "Australia/Sydney": ("30 2 * * *", "0 2 * * *", "59 2 * * *", "0 3 * * *"),
    "America/Sao_Paulo": ("0 0 * * *", "30 0 * * *", "30 23 * * *", "0 1 * * *"),
    "Australia/Lord_Howe": ("45 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *"),
}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Year:
    """One seed: where, when, and what goes wrong. `harsh` has outages and runs of more than a day."""

    engine: Engine
    seed: int
    random: Random = field(init=False)
    schedule: Schedule = field(init=False)
    looked: set[date] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)
    busy_until: datetime = LONG_AGO
    broken: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        zone = sorted(PLACES)[self.seed % len(PLACES)]
        inside = self.random.random() < 0.7
        outside = f"{self.random.randrange(60)} {self.random.randrange(24)} * * *"
        cron = self.random.choice(PLACES[zone]) if inside else outside
        self.schedule = Schedule("night", Times(cron, ZoneInfo(zone)))
        self.harsh = self.random.random() < 0.5

    @property
    def told(self) -> str:
        times = self.schedule.times
        return f"seed {self.seed}: {times.cron!r} in {times.zone}{', harsh' if self.harsh else ''}"

    def live(self) -> list[str]:
        """Live through the year, and give what is wrong at the end of it."""
        with self.engine.begin() as connection:
            schedules.note_schedules(connection, ["night"], self._midnight(FIRST))
        moment = self._midnight(FIRST) - timedelta(seconds=1)
        for _ in range(NIGHTS):
            due = self.schedule.times.next_after(moment).at.astimezone(UTC)
            following = self.schedule.times.next_after(due).at.astimezone(UTC)
            for tick in self._ticks(moment, due, following):
                self._look(tick)
            moment = due
        problems = self._judge()
        self._forget()
        return problems

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.schedule.times.zone).astimezone(UTC)

    def _ticks(self, before: datetime, due: datetime, following: datetime) -> list[datetime]:
        """When somebody looks around one due time; the service may be down for all or most of it."""
        random = self.random
        if self.harsh and random.random() < 0.02:
            self.happened["outages of a day or more"] += 1
            return []
        span = (following - due).total_seconds()
        late = random.random() < 0.05
        first = due + timedelta(seconds=random.uniform(0.3, 0.9) * span if late else random.uniform(0, 60))
        self.happened["late starts"] += late
        ticks = [due - timedelta(seconds=1), first]
        ticks += [first + timedelta(seconds=random.uniform(0, 1) ** 3 * (span - 1800)) for _ in range(3)]
        ticks += [due, following - timedelta(seconds=1)] if not late and random.random() < 0.2 else []
        if random.random() < 0.05:
            self.happened["clocks set back"] += 1
            ticks.append(first - random.choice((HOUR, DAY)))
        return sorted(tick for tick in ticks if before < tick < following)

    def _look(self, now: datetime) -> None:
        """One tick: of the service, of a cron job beside it, or of both at once."""
        if now < self.busy_until:
            return
        slot = self.schedule.times.last_until(now)
        if slot is not None and slot.at >= self._midnight(FIRST):
            self.looked.add(slot.local_date)
        found = find_due(self.engine, self.schedule, now)
        rival = find_asked(self.engine, self.schedule, now) if self.random.random() < 0.3 else None
        if found is not None:
            self._run(found, now)
            if rival is not None and self._claim(rival, now + MINUTE) is not None:
                self.happened["doubled claims"] += 1

    def _claim(self, slot: Slot, now: datetime) -> int | None:
        """Begin a run as the lease's holder does; None where the slot is done, and nothing is left behind."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            run_id = runs.begin(connection, "soak", now, dry_run=False)
            if not schedules.claim(connection, "night", slot, run_id, now):
                transaction.rollback()
                return None
        return run_id

    def _run(self, slot: Slot, now: datetime) -> None:
        random = self.random
        run_id = self._claim(slot, now)
        assert run_id is not None, f"{self.told}: {slot.name} was due and could not be claimed"
        while random.random() < 0.06 and self.broken[slot.name] < 2 and self._left(now) > 3 * HOUR:
            self.broken[slot.name] += 1
            self.happened["kills"] += 1
            now += self._restarted()
            if random.random() < 0.3:
                self._finish(run_id, now, random.choice(("failed", "interrupted")))
            again = find_due(self.engine, self.schedule, now)
            assert again == slot, f"{self.told}: {slot.name} was killed and is not run again but {again}"
            claimed = self._claim(slot, now)
            assert claimed is not None
            run_id = claimed
        lasts = self._lasts()
        self.busy_until = now + lasts
        self._finish(run_id, self.busy_until, random.choice(("done", "incomplete", "partly done")))

    def _restarted(self) -> timedelta:
        """How long after a kill somebody looks again: after the pause, and before the next slot."""
        return self.random.uniform(11, 60) * MINUTE

    def _left(self, now: datetime) -> timedelta:
        """How long it is until the next slot, which would stand for a killed one."""
        return self.schedule.times.next_after(now).at.astimezone(UTC) - now

    def _lasts(self) -> timedelta:
        if self.harsh and self.random.random() < 0.01:
            self.happened["runs of more than a day"] += 1
            return self.random.uniform(25, 50) * HOUR
        return self.random.uniform(1, 25) * MINUTE

    def _finish(self, run_id: int, now: datetime, status: str) -> None:
        with self.engine.begin() as connection:
            runs.finish(connection, run_id, now, status=status, exit_code=int(Exit.OK), message=None)

    def _judge(self) -> list[str]:
        slot, run = schedules.slots, runs.run
        ended = run.c.status.not_in(schedules.BROKEN)
        with self.engine.connect() as connection:
            finished = connection.scalar(select(run.c.id).where(ended).order_by(run.c.id.desc()).limit(1))
            dates = list(
                connection.scalars(
                    select(slot.c.local_date).join(run, run.c.id == slot.c.run_id).where(ended)
                )
            )
            number = len(connection.scalars(select(run.c.id).where(ended)).all())
        problems = [] if finished else ["nothing was run"]
        problems += [f"{number} runs ended for {len(dates)} dates"] if number != len(dates) else []
        problems += [f"{day} was lost" for day in sorted(self.looked - set(dates))]
        problems += [f"{day} was run and nobody looked" for day in sorted(set(dates) - self.looked)]
        problems += ["a slot was claimed twice"] if self.happened["doubled claims"] else []
        if not self.harsh and len(set(dates)) != NIGHTS:
            problems.append(f"{len(set(dates))} nights of {NIGHTS}")
        self.happened["nights"] += len(dates)
        return [f"{self.told}: {problem}" for problem in problems]

    def _forget(self) -> None:
        with self.engine.begin() as connection:
            for table in (schedules.slots, schedules.known, table_of(tables.AuditEntry), runs.run):
                connection.execute(delete(table))


def soak(engine: Engine, seeds: range) -> tuple[list[str], Counter[str]]:
    """Live through a year for each seed; give what went wrong, and how often what happened."""
    problems: list[str] = []
    happened: Counter[str] = Counter()
    for seed in seeds:
        year = Year(engine, seed)
        problems += year.live()
        happened += year.happened
    return problems, happened


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--database", help="an empty database; a SQLite file of its own by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(given.database or f"sqlite:///{folder}/soak.db")
        problems, happened = soak(engine, range(given.first, given.first + given.seeds))
        engine.dispose()
    print(f"{given.seeds} years:", ", ".join(f"{number} {what}" for what, number in sorted(happened.items())))
    print("\n".join(problems) or "Each date was run once, none was lost, none doubled.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
