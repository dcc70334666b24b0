"""What `sources.yaml` may say about a finance API: where it is, what to ask for, and how to page."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from connectors.declared import Declared, DeclaredTable, Header
from connectors.finance.config import FinanceMapping
from connectors.finance.profiles import filled_in
from connectors.finance.rest_login import Auth, Keys, NoAuth, Url
from connectors.headers import Column


class Request(Declared):
    """The request for a page. A POST is repeated after a failure only if it is `repeatable`.

    With `each` it is made once for each of these sets of values, every page of it: where path, params or
    body hold `{name}`, the value of that name is put.
    """

    method: Literal["GET", "POST"] = "GET"
    path: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    repeatable: bool = False
    each: tuple[dict[str, str], ...] = ()


class Single(Declared):
    """All records come with one answer."""

    type: Literal["single"] = "single"


class Offset(Declared):
    """The offset goes on by the rows received, not by those asked for, until a page is empty.

    `more` is the way to a flag; false ends the read, where the API can be trusted with it.
    """

    type: Literal["offset"]
    param: str = "offset"
    limit_param: str | None = "limit"
    limit: Annotated[int, Field(ge=1)] = 1000
    start: Annotated[int, Field(ge=0)] = 0
    more: Keys | None = None


class Template(Declared):
    """Like an offset, but inside a text: a query language whose paging is part of the query.

    `text` holds `{start}` and may hold `{limit}`. It goes into the parameter `param` or, with `where: body`,
    under that key of the body.
    """

    type: Literal["template"]
    param: str = "query"
    where: Literal["params", "body"] = "params"
    text: str
    limit: Annotated[int, Field(ge=1)] = 1000
    start: Annotated[int, Field(ge=0)] = 1

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if "{start}" not in self.text:
            raise ValueError("`text` must hold {start}, or every page would be the first")
        return self


class Numbered(Declared):
    """Pages by number until one is empty."""

    type: Literal["page"]
    param: str = "page"
    start: int = 1
    size_param: str | None = None
    size: Annotated[int, Field(ge=1)] = 100


class NextUrl(Declared):
    """The answer holds the address of the next page, on the same origin, until it holds none."""

    type: Literal["next_url"]
    path: Keys


class Cursor(Declared):
    """The answer holds a mark that the next request carries, until it holds none."""

    type: Literal["cursor"]
    path: Keys
    param: str = "cursor"


Paging = Annotated[Single | Offset | Template | Numbered | NextUrl | Cursor, Field(discriminator="type")]


class Expect(Declared):
    """What answers must say: a status at a place, the number of all rows, how few rows are too few.

    With `absent_is_empty`, an answer that holds all but the last key of the way to the records has none.
    """

    status: Keys | None = None
    equals: str = "ok"
    total: Keys | None = None
    min_rows: Annotated[int, Field(ge=0)] = 1
    absent_is_empty: bool = False


class Listing(Declared):
    """Records that are asked for, page by page.

    `records` is the way to the list of them in an answer. With `or_one`, a lone record may stand there
    without a list around it.
    """

    request: Request = Request()
    paging: Paging = Single()
    records: tuple[str, ...] = ()
    or_one: bool = False
    expect: Expect = Expect()


class Children(Listing):
    """What is asked for once for each record: where the request holds `{Key}`, the record's value is put.

    The records found take the place of the first one, which is `parent.…` in them.
    """

    expect: Expect = Expect(min_rows=0)


class Poll(Declared):
    """How a job is watched: the way to its state, which states mean that it is done or has failed.

    `success` is the way to a flag that must be true as well, for APIs in which a failed job is done, too.
    """

    path: str
    state: Keys
    done: tuple[str, ...]
    failed: tuple[str, ...] = ()
    success: Keys | None = None
    every_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    longest_minutes: Annotated[int, Field(ge=1, le=720)] = 60


class Chunks(Declared):
    """Where the parts of a result are listed, and where each is: `{chunk}` stands for its `id`."""

    path: str
    records: tuple[str, ...]
    id: str
    chunk_path: str


class Job(Declared):
    """An export that is started, watched until it is done and then fetched, whole or in chunks.

    `{job}` in the paths stands for the id that starting it gave. With `chunks`, the request of the source
    is not used.
    """

    method: Literal["POST", "PUT"] = "POST"
    path: str
    body: dict[str, Any] = Field(default_factory=dict)
    id: Keys
    poll: Poll
    chunks: Chunks | None = None


class Limits(Declared):
    """How often and how much may be asked. Requests go one after another, spread evenly over any window."""

    per_second: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None
    per_5_minutes: Annotated[int, Field(ge=1)] | None = None
    max_requests: Annotated[int, Field(ge=1)] | None = None
    max_pages: Annotated[int, Field(ge=1)] = 10_000
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 120

    def seconds_apart(self) -> float:
        windows = ((self.per_second, 1), (self.per_minute, 60), (self.per_5_minutes, 300))
        return max((seconds / many for many, seconds in windows if many), default=0.0)


class RestFinanceConfig(FinanceMapping, Listing):
    """One finance source: an API that answers with JSON or, with `csv`, with a table of that form.

    A column of the mapping is a key of a record, or a way down it with dots (`AccountRef.value`). `explode`
    makes a record of each element of a nested list; what stood around it is then `parent.Name`. `profile`
    names one that comes with Tieline, and `with` holds what it asks for; own keys go before its keys.
    """

    kind: Literal["rest"]
    profile: str | None = None
    base_url: Url
    allow_private: bool = False
    auth: Auth = NoAuth()
    foreach: Children | None = None
    explode: tuple[Keys, ...] = ()
    csv: DeclaredTable | None = None
    job: Job | None = None
    limits: Limits = Limits()
    optional: tuple[Header, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, declared: Any) -> Any:
        return filled_in(declared) if isinstance(declared, dict) and "profile" in declared else declared

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.optional:
            if name not in self.column_names():
                raise ValueError(f"optional column {name!r} is not used by the mapping")
        if self.csv is not None and (self.foreach or self.explode or self.paging.type != "single"):
            raise ValueError("a table (`csv`) comes with one answer: leave out paging, foreach and explode")
        if self.job is not None and self.csv is None:
            raise ValueError("the result of a `job` is a table: say under `csv` how it is written")
        return self

    def needed(self) -> tuple[Column, ...]:
        own = () if self.csv is None else tuple(self.csv.own_columns())
        names = dict.fromkeys([*self.column_names(), *own])
        return tuple(Column(name, name not in self.optional) for name in names)
