"""Hold the ids of many issues, with what tells whether one changed, in a few bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
# No issue changes at such a moment: it stands for "not told".
UNTOLD = -(2**63)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of one issue: its key, and when it last changed where the list tells that."""

    id: int
    key: str = ""
    updated: datetime | None = None


class Census:
    """The issues that a source lists at one moment, or that the store holds, by ascending id.

    Sixteen bytes beside each id tell two lists apart: a hash of the key (0: not told) and the time of the
    last change. Hashes differ from process to process, so a census never leaves this one.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.ids, self.keys, self.updated = array("Q"), array("q"), array("q")
        for entry in entries:
            self._add(entry.id, hash(entry.key) if entry.key else 0, stamp(entry.updated))
        self._sort()

    def _add(self, number: int, key: int, updated: int) -> None:
        self.ids.append(number)
        self.keys.append(key)
        self.updated.append(updated)

    def _sort(self) -> None:
        """Put the ids in order; of one listed twice the later mention counts."""
        ids = self.ids
        if all(one < next_one for one, next_one in pairwise(ids)):
            return  # as most lists come: nothing is held beside them
        order = array("Q", sorted(range(len(ids)), key=ids.__getitem__))
        last = len(order) - 1
        kept = array("Q", (at for n, at in enumerate(order) if n == last or ids[at] != ids[order[n + 1]]))
        self.ids, self.keys, self.updated = (
            array(column.typecode, (column[at] for at in kept)) for column in (ids, self.keys, self.updated)
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.isdecimal() and self.place(int(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return map(str, self.ids)

    def place(self, number: int) -> int | None:
        """The index of an id, None where it is not in the list."""
        at = bisect_left(self.ids, number)
        return at if at < len(self.ids) and self.ids[at] == number else None

    def joined(self, ids: Iterable[int]) -> Census:
        """This list with more ids in it, of which nothing else is told."""
        joined = Census()
        joined.ids, joined.keys, joined.updated = self.ids[:], self.keys[:], self.updated[:]
        for number in ids:
            if self.place(number) is None:
                joined._add(number, 0, UNTOLD)
        joined._sort()
        return joined

    def without(self, other: Census) -> list[str]:
        """The ids that another list lacks."""
        return [str(number) for number in self.ids if other.place(number) is None]

    def news_to(self, known: Census) -> Iterator[int]:
        """The ids that `known` lacks, or of which this list tells another key or another last change."""
        for at, number in enumerate(self.ids):
            there = known.place(number)
            if there is None or self._differs(at, known, there):
                yield number

    def _differs(self, at: int, known: Census, there: int) -> bool:
        key, updated = self.keys[at], self.updated[at]
        return (key != 0 and key != known.keys[there]) or (
            updated != UNTOLD and updated != known.updated[there]
        )


def stamp(moment: datetime | None) -> int:
    """Milliseconds of the epoch: the grain of Jira's times."""
    return UNTOLD if moment is None else (moment - EPOCH) // MILLISECOND
