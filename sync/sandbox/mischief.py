"""What makes the answers to searches as nasty as a real Jira's: switches, and a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class Mischief:
    """Everything is off until switched on.

    `short_pages`: a page of a Cloud search may hold fewer issues than there are, or none, and yet not be the
    last; Data Center clamps the size of each page anew. `repeat_tokens`: so many pages more come with the
    token they were asked for with. `withheld` ids are listed and never given by bulk fetch; `failing` ids are
    called failed by it so many times more.
    """

    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - a seed, no secret
    short_pages: bool = False
    repeat_tokens: int = 0
    withheld: set[str] = field(default_factory=set)
    failing: dict[str, int] = field(default_factory=dict)

    def cut(self, size: int) -> int:
        """How many of `size` issues a page holds; none every now and then."""
        return self.random.choice([0, 1, min(7, size), size // 2, size]) if self.short_pages else size

    def clamp(self, size: int) -> int:
        return max(1, self.random.randint(size // 2, size)) if self.short_pages else size

    def repeats(self) -> bool:
        left = self.repeat_tokens
        self.repeat_tokens = max(0, left - 1)
        return left > 0

    def fails(self, issue_id: str) -> bool:
        left = self.failing.get(issue_id, 0)
        self.failing[issue_id] = max(0, left - 1)
        return left > 0
