"""Propose which work unmatched money may be for, by names and codes that are alike; a person decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process

# Below these, suggestions were mostly wrong; a person reads a few, not a list.
LIKE_A_NAME = 70
LIKE_A_CODE = 80
FEW = 3


@dataclass(frozen=True, slots=True)
class LooseCode:
    """A code whose money found no work, the name that stands beside it, and how much it is."""

    field: str
    code: str
    name: str | None
    amounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """What a work item is called and which codes it carries."""

    key: str
    summary: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A work item that a code's money may be for: `likeness` in percent, `evidence` names what is alike."""

    field: str
    code: str
    name: str | None
    amounts: tuple[str, ...]
    key: str
    summary: str
    likeness: int
    evidence: str


def propose(
    codes: Iterable[LooseCode], items: Sequence[Name], rejected: Iterable[tuple[str, str, str]] = ()
) -> Iterator[Proposal]:
    """Give the likeliest work items for each code, but for the (field, code, key) somebody rejected."""
    refused = set(rejected)
    summaries = {item.key: default_process(item.summary) for item in items}
    carriers: dict[str, list[Name]] = {}
    for item in items:
        for carried in item.codes:
            carriers.setdefault(carried, []).append(item)
    by_key = {item.key: item for item in items}
    for code in codes:
        found = {
            **alike_by_name(code, summaries),
            **alike_by_code(code, carriers),
        }
        likeliest = sorted(found.items(), key=lambda it: (-it[1][0], it[0]))
        allowed = [it for it in likeliest if (code.field, code.code, it[0]) not in refused]
        for key, (likeness, evidence) in allowed[:FEW]:
            item = by_key[key]
            yield Proposal(
                code.field, code.code, code.name, code.amounts, key, item.summary, likeness, evidence
            )


def alike_by_name(code: LooseCode, summaries: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """Find items whose summary is like the name beside a code."""
    name = default_process(code.name or "")
    if not name:
        return {}
    near = process.extract(name, summaries, scorer=fuzz.WRatio, score_cutoff=LIKE_A_NAME, limit=2 * FEW)
    return {key: (int(score), f"its summary is like {code.name!r}") for _, score, key in near}


def alike_by_code(code: LooseCode, carriers: Mapping[str, Sequence[Name]]) -> dict[str, tuple[int, str]]:
    """Find items that carry a code like this one."""
    near = process.extract(
        code.code.casefold(),
        list(carriers),
        scorer=fuzz.ratio,
        processor=str.casefold,
        score_cutoff=LIKE_A_CODE,
        limit=FEW,
    )
    return {
        item.key: (int(score), f"it carries the code {known!r}")
        for known, score, _ in reversed(near)
        for item in carriers[known]
    }
