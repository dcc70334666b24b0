"""Turn a paged API into its records, page by page: nothing lost, nothing twice, and never ending early."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.errors import IncompleteRead
from connectors.figures import plain
from connectors.finance.rest_client import Ask, RestClient, spliced
from connectors.finance.rest_config import (
    Cursor,
    Expect,
    Listing,
    NextUrl,
    Numbered,
    Offset,
    Paging,
    Template,
)
from connectors.finance.rest_session import MISSING, find


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: the document, where it came from, and its records before any is exploded."""

    document: Any
    url: str
    records: list[Any]


def read_records(client: RestClient) -> Iterator[list[Any]]:
    """The records of a source, a page at a time; with `foreach`, its children in place of each."""
    config = client.config
    rows = 0
    for values in config.request.each or ({},):
        for answer in read_pages(client, config, values):
            rows += len(answer.records)
            if config.foreach is None:
                yield answer.records
                continue
            for record in answer.records:
                yield from _children(client, config.foreach, record)
    refuse_few(rows, config.expect.min_rows, config.name)


def refuse_few(rows: int, least: int, name: str) -> None:
    """`IncompleteRead` where a source gave fewer rows than it must."""
    if rows < least:
        raise IncompleteRead(
            f"{name}: it gave {rows} rows, fewer than `expect.min_rows` ({least}). "
            "If that is right, lower it."
        )


def read_pages(client: RestClient, listing: Listing, values: Mapping[str, str]) -> Iterator[Answer]:
    """The pages until the list is at its end; `IncompleteRead` where they do not add up to the whole."""
    name, most = client.config.name, client.config.limits.max_pages
    ask: Ask | None = _first(client.ask(listing.request, values), listing)
    seen: set[str] = set()
    rows = number = 0
    total: int | None = None
    while ask is not None:
        if number == most:
            raise IncompleteRead(
                f"{name}: it has more than {most} pages. Raise `limits.max_pages` if that is right."
            )
        document, url = client.fetch(ask)
        answer = Answer(document, url, _records(document, listing, name))
        _refuse_repetition(answer, seen, name)
        rows, number = rows + len(answer.records), number + 1
        total = _total(document, listing.expect, total)
        yield answer
        ask = _next(client, listing, ask, answer, (rows, number))
    if listing.expect.total is not None and total is None:
        way = " > ".join(listing.expect.total)
        raise IncompleteRead(f"{name}: no answer holds a number at {way}. Correct `expect.total`.")
    if total is not None and rows != total:
        raise IncompleteRead(f"{name}: it says it holds {total} rows and gave {rows}. Read it anew.")


def inherited(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record hands down to those found in it: its values that are no lists, as `parent.…`."""
    return {f"parent.{key}": value for key, value in record.items() if not isinstance(value, list)}


def _children(client: RestClient, children: Listing, record: Any) -> Iterator[list[Any]]:
    if not isinstance(record, dict):
        yield [record]
        return
    values = {key: _text(value) for key, value in record.items() if isinstance(value, str | int | Decimal)}
    rows = 0
    for answer in read_pages(client, children, values):
        rows += len(answer.records)
        yield [
            {**child, **inherited(record)} if isinstance(child, dict) else child for child in answer.records
        ]
    refuse_few(rows, children.expect.min_rows, f"{client.config.name} (foreach)")


def _text(value: str | int | Decimal) -> str:
    return value if isinstance(value, str) else plain(Decimal(value))


def _records(document: Any, listing: Listing, name: str) -> list[Any]:
    expect, way = listing.expect, " > ".join(listing.records) or "the top"
    if expect.status is not None and str(find(document, expect.status)) != expect.equals:
        said = " > ".join(expect.status)
        raise IncompleteRead(f"{name}: the answer does not say {expect.equals!r} at {said}.")
    found = find(document, listing.records)
    if isinstance(found, list):
        return found
    if found is MISSING and expect.absent_is_empty and isinstance(find(document, listing.records[:-1]), dict):
        return []
    if listing.or_one and isinstance(found, dict):
        return [found]
    what = "nothing" if found is MISSING else "no list"
    listed = ", ".join(map(repr, document))[:200] if isinstance(document, dict) else ""
    keys = f"; its keys are {listed}" if listed else ""
    raise IncompleteRead(
        f"{name}: the answer holds {what} at {way}{keys}. "
        "It may be an error told with status 200; else correct `records`."
    )


def _refuse_repetition(answer: Answer, seen: set[str], name: str) -> None:
    if not answer.records:
        return
    mark = hashlib.sha256(json.dumps(answer.records, default=str, sort_keys=True).encode()).hexdigest()
    if mark in seen:
        raise IncompleteRead(f"{name}: it gave the same page twice. Check `paging`, then read it anew.")
    seen.add(mark)


def _total(document: Any, expect: Expect, before: int | None) -> int | None:
    """How many rows there are as this page says or, where it does not, as one before it said."""
    found = str(find(document, expect.total)) if expect.total is not None else ""
    return int(found) if found.isdecimal() else before


def _first(ask: Ask, listing: Listing) -> Ask:
    match listing.paging:
        case Offset() as paging:
            limit = {paging.limit_param: str(paging.limit)} if paging.limit_param else {}
            return replace(ask, params={**ask.params, **limit, paging.param: str(paging.start)})
        case Template() as paging:
            return _from(ask, paging, paging.start)
        case Numbered() as paging:
            size = {paging.size_param: str(paging.size)} if paging.size_param else {}
            return replace(ask, params={**ask.params, **size, paging.param: str(paging.start)})
        case _:
            return ask


def _next(
    client: RestClient, listing: Listing, ask: Ask, answer: Answer, read: tuple[int, int]
) -> Ask | None:
    """The request for the page after this one, or None at the end; `read` counts rows and pages so far."""
    name = client.config.name
    match listing.paging:
        case NextUrl() as paging:
            link = find(answer.document, paging.path)
            return client.follow(answer.url, link, ask) if isinstance(link, str) and link else None
        case Cursor() as paging:
            mark = find(answer.document, paging.path)
            if not isinstance(mark, str | int) or not mark:
                return None
            if str(mark) == ask.params.get(paging.param):
                raise IncompleteRead(f"{name}: it gave the same cursor twice. Read it anew.")
            return _with(ask, paging.param, str(mark))
        case Offset(more=more) if more is not None and _is_false(answer, more, name):
            return None
        case _:
            return _counted(listing.paging, ask, *read) if answer.records else None


def _counted(paging: Paging, ask: Ask, rows: int, pages: int) -> Ask | None:
    """The next request of those that go on by what was received, as long as something was."""
    match paging:
        case Offset():
            return _with(ask, paging.param, str(paging.start + rows))
        case Template():
            return _from(ask, paging, paging.start + rows)
        case Numbered():
            return _with(ask, paging.param, str(paging.start + pages))
        case _:
            return None


def _is_false(answer: Answer, way: Sequence[str], name: str) -> bool:
    more = find(answer.document, way)
    if not isinstance(more, bool):
        raise IncompleteRead(f"{name}: the answer does not say at {' > '.join(way)} whether there is more.")
    return not more


def _with(ask: Ask, param: str, value: str) -> Ask:
    return replace(ask, params={**ask.params, param: value})


def _from(ask: Ask, paging: Template, start: int) -> Ask:
    """The request with the text of its query for the page that starts here."""
    text = spliced(paging.text, {"start": str(start), "limit": str(paging.limit)})
    if paging.where == "params":
        return _with(ask, paging.param, text)
    return replace(ask, body={**(ask.body or {}), paging.param: text})
