"""Remember which of millions of texts came before, in a few bytes for each."""

from __future__ import annotations

from hashlib import blake2b

_BUCKETS = 1 << 16
_REST = 10


class Seen:
    """A set of texts by 96 bits of their hash: two texts are taken for one once in 10^16 files of a million.

    The first two bytes of a hash choose a bucket, which is the rest of all its hashes one after another: some
    20 bytes a text where a set of strings needs 150.
    """

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = [None] * _BUCKETS

    def add(self, text: str) -> bool:
        """Remember the text; whether it is new."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=2 + _REST).digest()
        number, rest = digest[0] << 8 | digest[1], digest[2:]
        bucket = self._buckets[number]
        if bucket is None:
            self._buckets[number] = bytearray(rest)
            return True
        at = bucket.find(rest)
        while at >= 0 and at % _REST:
            at = bucket.find(rest, at + 1)
        if at < 0:
            bucket += rest
        return at < 0
