"""The protocols of connectors: sources of pages, with a memory or of money; label writers; kept tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.census import Census
from connectors.changes import Answered, LabelChange
from connectors.pages import Page
from connectors.textfiles import File
from connectors.verdicts import Marked, Marking


class Source(Protocol):
    """Something that can be read whole, page by page.

    `name` is unique among the configured sources and stable over time: rows are stored under it.
    """

    @property
    def name(self) -> str: ...

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        """Yield the pages from `cursor` on (None: from the start).

        Raises a `ConnectorError` when the read cannot be completed; what was yielded before still stands.
        A source never ends early and quietly: reaching the end of the iterator means the read was complete.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms new budget lines may take the place of those that stand.

    With `by_period` they replace only the versions and periods they hold, and of two files that hold the same
    one the newer counts; without it they are all there is. Nothing up to the fiscal period `closed_through`
    may change. A read that had to refuse a larger share of its rows than `max_rejects` is not believed.
    """

    by_period: bool = False
    closed_through: str | None = None
    max_rejects: float = 1.0


@runtime_checkable
class Ledger(Source, Protocol):
    """A source of budget lines: none of them counts until all are read and their sums are proved.

    `parser` stands for how its files are read: the same files by the same parser hold the same budget lines.
    """

    @property
    def parser(self) -> str: ...

    @property
    def terms(self) -> Terms: ...

    def files(self) -> Sequence[File]:
        """Give the files that will be read, fingerprinted: not the members of an archive, but the archive.

        None where the source is no set of files.
        """
        ...


@runtime_checkable
class BulkLedger(Ledger, Protocol):
    """A ledger whose plain rows can be had by the column, as well as one by one."""

    def bulk_pages(self) -> Iterator[Page]:
        """Yield what `pages` yields, from the start, with budget lines in `columns` where that is quicker."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of a source: with it, only what changed need be read, and what is gone is noticed.

    `bookmark` was left by the last complete read (None: read whole). `rows` are those counted as in scope;
    `again` must be read whatever their state, `beside` are rows outside the scope to look after. `parents`
    gives the names of all parents that rows claim, `keys` the last known keys of some ids. At most `may_lose`
    rows may be gone at once; if it is more, nobody believes it, and it is not worth finding out why.
    """

    bookmark: str | None = None
    rows: Census = field(default_factory=Census)
    again: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    may_lose: int = 0
    parents: Callable[[], Iterable[str]] = tuple
    keys: Callable[[Sequence[str]], Mapping[str, str]] = lambda _: {}


@runtime_checkable
class RememberingSource(Source, Protocol):
    """A source that, told what is known, reads what changed and accounts for everything else."""

    def pages_since(self, known: Known, cursor: str | None = None) -> Iterator[Page]:
        """Yield the pages; the last one carries the proof. Raises as `pages` does."""
        ...


@runtime_checkable
class NamedSource(Source, Protocol):
    """A source that can be asked for single records at any time, past any index."""

    def named(self, ids: Sequence[str]) -> Page:
        """Read these records by their ids, those outside the scope marked so; what is gone is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ids of the issues to ask for their remote links in this run.

    `kept` are issues not asked this time whose links are known from before; `left` is how many have never
    been asked and are not now.
    """

    ask: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    left: int = 0


class Candidates(Protocol):
    """The issues of a site that nothing but a remote link could tie: each of them costs a request."""

    def choose(self, most: int) -> Chosen:
        """Choose at most so many, those never asked first, then those asked longest ago."""
        ...

    def note_asked(self, issue_ids: Sequence[str]) -> None:
        """Remember that these have been asked, now that the answers are kept."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """The ids and keys by which work names issues as objectives, and no objective has; `known`: asked before.

    `former` gives the ids of those among them that are known to be the key an issue had before it was moved;
    `objectives` are the ids of the issues that are some.
    """

    ask: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    former: Mapping[str, str] = field(default_factory=dict)
    objectives: frozenset[str] = frozenset()


class NamedObjectives(Protocol):
    """What the work that is known names as an objective of one site, in vain."""

    def choose(self) -> Named:
        """Choose all of them, each name once."""
        ...


class LabelWriter(Protocol):
    """Something that can add labels to and remove labels from issues."""

    def apply(self, changes: Sequence[LabelChange]) -> Iterator[Sequence[Answered]]:
        """Make the changes with add and remove operations only, and answer them as the answers come.

        A change may be answered in parts, each label of it exactly once. A refusal that concerns one issue
        alone (screen, permission, archived, deleted) is an `Outcome` with `done=False`. An error that
        concerns the whole site (credential, network) raises a `ConnectorError`; what was under way then has
        been answered as lost, and what has no answer was never sent.
        """
        ...

    def labels_of(self, issue_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Read the labels of these issues back by id, past any search index; hidden ones are left out."""
        ...


class MarkerWriter(Protocol):
    """Something that can tell issues why they bear our labels, and take that back."""

    def mark(self, markings: Sequence[Marking]) -> Iterator[Sequence[Marked]]:
        """Make the markings, those of one issue together, and answer them as the answers come.

        Each is answered once, and making it twice is like making it once. What concerns one issue alone is
        parked; an error that concerns the whole site raises a `ConnectorError`, as for labels.
        """
        ...


class TokenStore(Protocol):
    """Where a login keeps the refresh token that took the place of the one before.

    `first` is the token that a person put into the configuration: another one there starts afresh.
    """

    def read(self, source: str, first: str) -> str:
        """Give the latest token that descends from `first`, or `first` itself.

        Raises a `ConnectorError` where a later one could not be kept: then nothing may be asked for.
        """
        ...

    def keep(self, source: str, first: str, token: str) -> None:
        """Keep the token that took the place of the one before, for good, before this returns."""
        ...
