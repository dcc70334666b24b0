"""Remember which of millions of texts came before, in a few bytes for each."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import starmap

_BUCKETS = 1 << 16
_REST = 8
_WIDTH = 2 + _REST


class Seen:
    """A set of texts by 80 bits of their hash: two texts are taken for one once in 10^12 files of a million.

    The first two bytes of a hash choose a bucket, which is the rest of all its hashes one after another: some
    15 bytes a text where a set of strings needs 150.
    """

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = [None] * _BUCKETS

    def add(self, text: str) -> bool:
        """Remember the text; whether it is new."""
        return self.add_all((text,))

    def add_all(self, texts: Sequence[str]) -> bool:
        """Remember the texts, if all of them are new and none is there twice; else none of them."""
        buckets, width = self._buckets, _WIDTH
        digests = [
            blake2b(text.encode("utf-8", "surrogatepass"), digest_size=width).digest() for text in texts
        ]
        placed = [(digest[0] << 8 | digest[1], digest[2:]) for digest in digests]
        if len(set(digests)) < len(digests) or any(starmap(self._holds, placed)):
            return False
        for number, rest in placed:
            bucket = buckets[number]
            if bucket is None:
                buckets[number] = bytearray(rest)
            else:
                bucket += rest
        return True

    def _holds(self, number: int, rest: bytes) -> bool:
        bucket = self._buckets[number]
        if bucket is None or rest not in bucket:
            return False
        at = bucket.find(rest)
        while at >= 0 and at % _REST:  # a piece of two rests that meet
            at = bucket.find(rest, at + 1)
        return at >= 0
