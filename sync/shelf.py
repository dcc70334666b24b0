"""Keep the rules of a service that goes on for months: edits count once they are whole, mistakes never."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from rules.ruleset import RuleFile, RuleSet
from sync.errors import ConfigurationError

# What a file is recognised by: path, time of change, size, inode.
Mark = tuple[str, int, int, int]


@dataclass(slots=True)
class Shelf:
    """Gives the rules as of a moment, from the newest files that had no mistakes.

    A change counts when two looks in a row find the files alike, so that nobody is judged by half of an edit
    that is being saved. Files with mistakes change nothing; what is wrong with them is kept in `mistakes`.
    """

    paths: Sequence[Path]
    load: Callable[[datetime], RuleSet]
    load_again: Callable[[datetime, Sequence[RuleFile]], RuleSet]
    good: tuple[RuleFile, ...] = ()
    good_since: datetime | None = None
    mistakes: str = ""
    seen: tuple[Mark, ...] = ()
    taken: tuple[Mark, ...] = field(default=())

    def rules(self, now: datetime) -> RuleSet:
        """Give the rules as of a moment; raise `ConfigurationError` where there never were any."""
        if not self.good:
            self.take(now)
        rules = self.load_again(now, self.good)
        if not self.mistakes or self.good_since is None:
            return rules
        since = f"{self.good_since:%Y-%m-%d %H:%M} UTC"
        return replace(rules, stale=f"The rule files have mistakes; the rules of {since} were used.")

    def look(self, now: datetime) -> str:
        """Look whether the files were changed, and say in a sentence what came of it, if anything did."""
        marks = tuple(marks_of(self.paths))
        settled, self.seen = marks == self.seen, marks
        if marks == self.taken or not settled:
            return ""
        try:
            self.take(now)
        except ConfigurationError as error:
            self.mistakes = str(error)
            return f"The rule files were changed and have mistakes; the rules from before stay:\n{error}"
        return "The rule files were changed; the new rules count from now on."

    def take(self, now: datetime) -> None:
        """Take the files as they are, if they have no mistakes."""
        self.taken = self.seen = tuple(marks_of(self.paths))
        rules = self.load(now)
        self.good, self.good_since, self.mistakes = rules.files, now, ""


def marks_of(paths: Sequence[Path]) -> Iterator[Mark]:
    """Mark each file, and those in each folder; one that is gone has no mark."""
    for path in paths:
        for file in sorted(path.glob("*.y*ml")) if path.is_dir() else [path]:
            try:
                stat = file.stat()
            except OSError:
                continue
            yield str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino
