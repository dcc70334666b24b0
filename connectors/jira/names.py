"""Turn the ids and keys of many issues into a set that stays small: one bit for each number in use."""

from __future__ import annotations

from collections.abc import Iterable

BITS = 256


class Names:
    """A set of issue ids (`10042`) and keys (`PAY-7`): some bits for each, where strings take 100 bytes.

    Ids lie close together and so do the keys of one project, so the numbers are bits, `BITS` to a word.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._words: dict[str, dict[int, int]] = {}
        self._odd: set[str] = set()
        self.update(names)

    def add(self, name: str) -> None:
        prefix, number = split(name)
        if number is None:
            self._odd.add(name)
            return
        words = self._words.setdefault(prefix, {})
        place, bit = divmod(number, BITS)
        words[place] = words.get(place, 0) | 1 << bit

    def update(self, names: Iterable[str]) -> None:
        for name in names:
            self.add(name)

    def __contains__(self, name: str) -> bool:
        prefix, number = split(name)
        if number is None:
            return name in self._odd
        place, bit = divmod(number, BITS)
        return bool(self._words.get(prefix, {}).get(place, 0) >> bit & 1)


def split(name: str) -> tuple[str, int | None]:
    """What stands before the number, and the number; None where the name is not made of these two."""
    prefix, dash, digits = name.rpartition("-")
    if not digits.isdecimal() or not digits.isascii() or (digits[0] == "0" and digits != "0"):
        return name, None
    return prefix + dash, int(digits)
