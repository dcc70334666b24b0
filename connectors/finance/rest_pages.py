"""Turn a paged API into its records, page by page: nothing lost, nothing twice, and never ending early."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import IncompleteRead
from connectors.finance.rest_client import Ask, RestClient
from connectors.finance.rest_config import Cursor, NextUrl, Numbered, Offset, RestFinanceConfig

MISSING = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: the document, where it came from, and its records before any is exploded."""

    document: Any
    url: str
    records: list[Any]


def read_pages(client: RestClient, config: RestFinanceConfig) -> Iterator[Answer]:
    """The pages until the source is at its end; `IncompleteRead` where they do not add up to the whole."""
    ask: Ask | None = _first(client.first(), config)
    seen: set[str] = set()
    rows = number = 0
    total: int | None = None
    while ask is not None:
        if number == config.limits.max_pages:
            raise IncompleteRead(
                f"{config.name}: it has more than {number} pages. Raise `limits.max_pages` if that is right."
            )
        document, url = client.fetch(ask)
        answer = Answer(document, url, _records(document, config))
        _refuse_repetition(answer, seen, config.name)
        rows, number = rows + len(answer.records), number + 1
        total = _total(document, config) if config.expect.total else None
        yield answer
        ask = _next(client, ask, answer, (rows, number))
    if total is not None and rows != total:
        raise IncompleteRead(f"{config.name}: it says it holds {total} rows and gave {rows}. Read it anew.")
    if rows < config.expect.min_rows:
        raise IncompleteRead(
            f"{config.name}: it gave {rows} rows, fewer than `expect.min_rows` ({config.expect.min_rows}). "
            "If that is right, lower it."
        )


def find(document: Any, keys: Sequence[str]) -> Any:
    """What stands at the end of the way down a document, or `MISSING`."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return MISSING
        document = document[key]
    return document


def _records(document: Any, config: RestFinanceConfig) -> list[Any]:
    expect, way = config.expect, " > ".join(config.records) or "the top"
    if expect.status is not None and str(find(document, expect.status)) != expect.equals:
        said = " > ".join(expect.status)
        raise IncompleteRead(f"{config.name}: the answer does not say {expect.equals!r} at {said}.")
    found = find(document, config.records)
    if found is MISSING or not isinstance(found, list):
        what = "nothing" if found is MISSING else "no list"
        listed = ", ".join(map(repr, document))[:200] if isinstance(document, dict) else ""
        keys = f"; its keys are {listed}" if listed else ""
        raise IncompleteRead(
            f"{config.name}: the answer holds {what} at {way}{keys}. "
            "It may be an error told with status 200; else correct `records`."
        )
    return found


def _refuse_repetition(answer: Answer, seen: set[str], name: str) -> None:
    if not answer.records:
        return
    mark = hashlib.sha256(json.dumps(answer.records, default=str, sort_keys=True).encode()).hexdigest()
    if mark in seen:
        raise IncompleteRead(f"{name}: it gave the same page twice. Check `paging`, then read it anew.")
    seen.add(mark)


def _total(document: Any, config: RestFinanceConfig) -> int | None:
    found = find(document, config.expect.total or ())
    if str(found).isdecimal():
        return int(str(found))
    raise IncompleteRead(
        f"{config.name}: the answer holds no number at {' > '.join(config.expect.total or ())}."
    )


def _first(ask: Ask, config: RestFinanceConfig) -> Ask:
    match config.paging:
        case Offset() as paging:
            limit = {paging.limit_param: str(paging.limit)} if paging.limit_param else {}
            return replace(ask, params={**ask.params, **limit, paging.param: str(paging.start)})
        case Numbered() as paging:
            size = {paging.size_param: str(paging.size)} if paging.size_param else {}
            return replace(ask, params={**ask.params, **size, paging.param: str(paging.start)})
        case _:
            return ask


def _next(client: RestClient, ask: Ask, answer: Answer, read: tuple[int, int]) -> Ask | None:
    """The request for the page after this one, or None at the end; `read` counts rows and pages so far."""
    rows, number = read
    match client.config.paging:
        case Offset() as paging:
            ended = not answer.records or (
                paging.more is not None and _is_false(answer, paging.more, client.config)
            )
            return None if ended else _with(ask, paging.param, str(paging.start + rows))
        case Numbered() as paging:
            return _with(ask, paging.param, str(paging.start + number)) if answer.records else None
        case NextUrl() as paging:
            link = find(answer.document, paging.path)
            return client.follow(answer.url, link) if isinstance(link, str) and link else None
        case Cursor() as paging:
            mark = find(answer.document, paging.path)
            if not isinstance(mark, str | int) or not mark:
                return None
            if str(mark) == ask.params.get(paging.param):
                raise IncompleteRead(f"{client.config.name}: it gave the same cursor twice. Read it anew.")
            return _with(ask, paging.param, str(mark))
        case _:
            return None


def _is_false(answer: Answer, way: Sequence[str], config: RestFinanceConfig) -> bool:
    more = find(answer.document, way)
    if not isinstance(more, bool):
        raise IncompleteRead(
            f"{config.name}: the answer does not say at {' > '.join(way)} whether there is more."
        )
    return not more


def _with(ask: Ask, param: str, value: str) -> Ask:
    return replace(ask, params={**ask.params, param: value})
