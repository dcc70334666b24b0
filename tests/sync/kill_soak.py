"""End nights at every place, each time they come by it, in every way: nothing may be left of it.

`make soak-kill`; `ARGS="--cases 500 --seed 2"` draws so many at random, `ARGS="--writes 200"` kills nights at
so many of the writes of SQLite.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sync.frame.milestones import Milestone
from tests import postgres
from tests.sync.killing import Case, How, Morning, OnTheWire
from tests.sync.morning import morning
from tests.sync.striking import count_writes, kill_at_write

# How often at most a night is ended at one place: the eighth page is like the seventh.
TIMES = 4


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'morning.db'}"
        return
    server = postgres.server_url()
    if server is None:
        sys.exit(f"{postgres.SERVER_VARIABLE} names no server: .ci/with-postgresql make soak-kill")
    with postgres.fresh_database(server) as url:
        yield url


def each_place_once(turn: int = 0) -> list[Case]:
    """Each place in one way; another turn takes another way at each."""
    ways = cycle([*How][turn:] + [*How][:turn])
    return [Case(place, how) for place, how in zip([*Milestone, *OnTheWire], ways, strict=False)]


def cases(it: Morning) -> list[Case]:
    """Every way for a night to end: each place as often as the night comes by it."""
    passed = it.live_undisturbed()
    times = {place: min(TIMES, passed.get(place, 1)) for place in [*passed, *OnTheWire]}
    return [Case(place, how, nth) for place in times for nth in range(1, times[place] + 1) for how in How]


def soak_writes(number: int, seed: int) -> int:
    with TemporaryDirectory() as name, morning(f"sqlite:///{name}/morning.db", Path(name)) as it:
        it.live_undisturbed()
        writes = range(1, count_writes(it))
        drawn = sorted(Random(seed).sample(writes, min(number, len(writes))))
        found = [text for write in drawn for text in kill_at_write(it, write)]
    sys.stdout.write("".join(f"{text}\n" for text in found))
    sys.stdout.write(
        f"killed at {len(drawn)} of {len(writes)} writes, {len(found)} differences after the next night\n"
    )
    return bool(found)


def main() -> int:
    """Soak from the command line, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, help="so many at random; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writes", type=int, help="kill nights at so many writes of SQLite instead")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], action="append")
    given = parser.parse_args()
    if given.writes:
        return soak_writes(given.writes, given.seed)
    wrong: list[str] = []
    for kind in given.store or [
        "sqlite",
        *(["postgresql"] if os.environ.get(postgres.SERVER_VARIABLE) else []),
    ]:
        with TemporaryDirectory() as name, store(kind, Path(name)) as url, morning(url, Path(name)) as it:
            drawn = cases(it)
            if given.cases:
                drawn = Random(given.seed).choices(drawn, k=given.cases)
            found = [text for case in drawn for text in it.live_through(case)]
        sys.stdout.write("".join(f"{text}\n" for text in found))
        sys.stdout.write(
            f"{kind}: {len(drawn)} nights ended badly, {len(found)} differences after the next\n"
        )
        sys.stdout.flush()
        wrong += found
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
