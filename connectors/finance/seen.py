"""Remember which of millions of texts came before, in a few bytes for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress

_SLOTS = 1 << 12


class Seen:
    """A set of texts by Python's own 64-bit hash of them, in a table of hashes without anything else.

    That takes 16 to 32 bytes a text where a set of strings needs 150. Two texts are taken for one once in
    thirty million files of a million; which two, every process draws anew.
    """

    def __init__(self) -> None:
        self._slots = array("q", [0]) * _SLOTS  # 0 is an empty one
        self._count = 0

    def add(self, text: str) -> bool:
        """Remember the text; whether it is new."""
        return self.add_all((text,))

    def add_all(self, texts: Sequence[str]) -> bool:
        """Remember the texts, if all of them are new and none is there twice; else none of them."""
        hashes = [number or 1 for number in map(hash, texts)]
        if len(set(hashes)) < len(hashes):
            return False
        slots, mask = self._slots, len(self._slots) - 1
        taken = map(slots.__getitem__, [number & mask for number in hashes])
        if any(map(self._holds, compress(hashes, taken))):
            return False
        self._count += len(hashes)
        if 2 * self._count > len(slots):
            self._grow()
        self._put(hashes)
        return True

    def _holds(self, number: int) -> bool:
        slots, mask = self._slots, len(self._slots) - 1
        place = number & mask
        while there := slots[place]:
            if there == number:
                return True
            place = (place + 1) & mask
        return False

    def _put(self, hashes: Iterable[int]) -> None:
        slots, mask = self._slots, len(self._slots) - 1
        for number in hashes:
            place = number & mask
            while slots[place]:
                place = (place + 1) & mask
            slots[place] = number

    def _grow(self) -> None:
        """Make the table large enough for what it holds and for as much again."""
        old, size = self._slots, len(self._slots)
        while size < 2 * self._count:
            size *= 2
        self._slots = array("q", [0]) * size
        self._put(filter(None, old))
