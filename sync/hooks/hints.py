"""Keep hints until somebody has time for them: each issue once, and no more than there is room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Condition

Hint = tuple[str, str]
ROOM = 1000


@dataclass(slots=True)
class Hints:
    """The issues to look at again, by site and id, in order of arrival; `told` counts what became of what."""

    room: int = ROOM
    waiting: dict[Hint, None] = field(default_factory=dict)
    changed: Condition = field(default_factory=Condition)
    closed: bool = False
    told: Counter[str] = field(default_factory=Counter)

    def put(self, site: str, ids: Iterable[str]) -> bool:
        """Keep these issues of a site; False where there is no room for all of them: then none is kept."""
        with self.changed:
            more = [(site, name) for name in ids if (site, name) not in self.waiting]
            if len(self.waiting) + len(more) > self.room:
                return False
            self.waiting.update(dict.fromkeys(more))
            self.changed.notify_all()
            return True

    def know(self, site: str, ids: Iterable[str]) -> bool:
        """Say whether all these issues of a site are waiting already."""
        with self.changed:
            return all((site, name) in self.waiting for name in ids)

    def take(self, most: int) -> list[Hint]:
        """Wait for hints and give some of one site, the oldest first; none once it is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.closed)
            if self.closed:
                return []
            site = next(iter(self.waiting))[0]
            taken = [hint for hint in self.waiting if hint[0] == site][:most]
            for hint in taken:
                del self.waiting[hint]
            return taken

    def give_back(self, taken: Iterable[Hint]) -> None:
        """Keep what was taken and not looked at, before what came since."""
        with self.changed:
            self.waiting = dict.fromkeys([*taken, *self.waiting])

    def note(self, what: str, number: int = 1) -> None:
        """Count what became of deliveries or hints."""
        with self.changed:
            self.told[what] += number

    def rest(self, seconds: float) -> bool:
        """Wait so long, or until it is closed; say whether it is."""
        with self.changed:
            return self.changed.wait_for(lambda: self.closed, timeout=seconds)

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
