"""Ledgers made at random, restated at random: every sum is what the files say, to the cent.

First money is shared out at random (`shares_soak`), last an import is killed at each of its statements.

Each ledger is read several times as it changes: amounts, new and lost rows, rows that cannot be read, blank
ones, repeated keys. The sums are made here, from the integers that the files were written from.

Run it longer with: make soak-finance ARGS="--ledgers 2000"
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import randrange
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.finance.currencies import EXPONENTS
from sync.store.database import open_store
from sync.store.money import promotion
from sync.store.money.as_known import as_known
from tests.sync.import_kills import kill_imports
from tests.sync.ledgers import Books, control_total, entry, reconciliation, totals
from tests.sync.shares_soak import shares_test

Series = promotion.Series


@dataclass(frozen=True)
class Entry:
    """One row of a ledger: an amount in minor units, nothing, or something that is no amount."""

    project: str
    month: int
    version: str
    currency: str
    minor: int | None
    spoilt: bool = False

    def written(self) -> str:
        places = EXPONENTS[self.currency]
        if self.minor is None:
            text = ""
        else:
            whole, fraction = divmod(abs(self.minor), 10**places)
            text = f"{'-' if self.minor < 0 else ''}{whole}" + (f".{fraction:0{places}d}" if places else "")
        said = {"month": self.month, "version": self.version, "currency": self.currency}
        return entry(self.project, text + "x" * self.spoilt, **said)

    @property
    def series(self) -> Series:
        return self.version, 2026, f"FY2026-{self.month:02d}", self.currency


ENTRIES = st.builds(
    Entry,
    project=st.sampled_from(["A", "B", "C|D", "é", ""]),
    month=st.integers(1, 13),
    version=st.sampled_from(["budget", "forecast", "actual"]),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    minor=st.none() | st.integers(-(10**6), 10**6) | st.integers(-(10**14), 10**14),
    spoilt=st.sampled_from([False] * 9 + [True]),
)
LEDGERS = st.lists(st.lists(ENTRIES, max_size=8), min_size=1, max_size=4)


def check_ledger(books: Books, states: Sequence[Sequence[Entry]]) -> None:
    """Read a ledger in each of its states, and hold the store against the integers it was written from."""
    known = []
    for entries in states:
        books.write(*(it.written() for it in entries))
        pulled = books.read(shrink=1.0, rejects=True, restatement=True)
        assert pulled.complete, pulled.message
        good = [it for it in entries if it.minor is not None and not it.spoilt]
        expected = totals((it.series, it.minor or 0) for it in good)
        assert books.sums() == expected
        account = books.account()
        bad = sum(it.spoilt for it in entries)
        assert (account.rows_read, account.rows_accepted) == (len(entries), len(good))
        assert (account.quarantined, account.rows_blank) == (bad, len(entries) - len(good) - bad)
        known.append((books.now, expected))
    for moment, expected in known:
        with books.engine.connect() as connection:
            rows = as_known(connection, moment + timedelta(hours=1), books.name)
        found = Counter[Series]()
        for row in rows:
            found[row.version, row.fiscal_year, row.period, row.currency] += int(row.amount_minor)
        assert {key: minor for key, minor in found.items() if minor} == expected
    for row in books.rows(select(reconciliation).where(reconciliation.c.source == books.name)):
        moved = row.previous_minor + row.added_minor + row.changed_minor - row.removed_minor
        assert moved == row.current_minor
    for row in books.rows(select(control_total).where(control_total.c.source == books.name)):
        assert row.stated_minor == row.accepted_minor + row.refused_minor + row.excluded_minor


def ledger_test(
    engine: Engine, folder: Path, examples: int, *, derandomize: bool, number: int | None = None
) -> Callable[[], None]:
    """Make the property as a function; every ledger is a source of its own in one store."""
    numbers = iter(range(sys.maxsize))

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(states=LEDGERS)
    def check(states: list[list[Entry]]) -> None:
        name = f"ledger-{next(numbers)}"
        check_ledger(Books(engine, folder / name, name=name), states)

    return check if number is None else seed(number)(check)


def main() -> None:
    """Check as many ledgers as asked for, in a store of their own or in the one named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledgers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=randrange(10**9), help="made up, and told, by default")
    parser.add_argument("--database", help="the URL of an empty store; a SQLite file by default")
    given_arguments = parser.parse_args()
    ledgers, number = given_arguments.ledgers, given_arguments.seed
    say(f"seed {number}")
    with TemporaryDirectory(prefix="tieline-") as folder:
        url = given_arguments.database or f"sqlite:///{folder}/tieline.db"
        engine = open_store(url)
        shares_test(engine, ledgers, derandomize=False, number=number)()
        say(f"{ledgers} times shared out: each unit once among work, objectives and currencies")
        ledger_test(engine, Path(folder), ledgers, derandomize=False, number=number)()
        say(f"{ledgers} ledgers: every sum as written, every difference 0")
        engine.dispose()
        for first in (False, True):
            count = kill_imports(url, Path(folder) / f"killed-{first}", first=first)
            kind = "first import" if first else "restatement"
            say(f"{count} kills, one at each statement of a {kind}: all of it stands or nothing")


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
