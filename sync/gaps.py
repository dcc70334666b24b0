"""Turn the sources that were not read whole into what must not be judged: kinds of source, single sites."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sync.feeds import Feed, Kind

# What is read of one site and ties the work of that site only: the others can be judged without it.
OF_ONE_SITE = frozenset({Kind.WORK, Kind.LINKS})


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is not known whole: of these kinds nothing is certain, of these sites their work and its links."""

    kinds: frozenset[Kind] = frozenset()
    sites: frozenset[str] = frozenset()

    @property
    def alignment(self) -> bool:
        """Say whether nobody can tell of any work whether it serves an objective."""
        return bool(self.kinds & {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS})


def gaps_in(feeds: Sequence[Feed], complete: Collection[str]) -> Gaps:
    """Find what is missing; where no site is left, the kind as a whole is."""
    broken = [feed for feed in feeds if feed.name not in complete]
    local = [feed for feed in broken if feed.site is not None and feed.kind in OF_ONE_SITE]
    sites = frozenset(feed.site for feed in local if feed.site is not None)
    if sites >= {feed.site for feed in feeds if feed.kind is Kind.WORK}:
        return Gaps(frozenset(feed.kind for feed in broken))
    return Gaps(frozenset(feed.kind for feed in broken if feed not in local), sites)
