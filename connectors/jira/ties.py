"""How one site expresses what its work is for, as configured: fields, issue links, remote links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.records import Strength

PLACE = "{objective}"
# The `globalId` of the link with which we explain a label: its address names no objective. It counts for one
# issue only, and is the same on each, so that the copy on a clone is ours to mend as well.
OUR_LINK = "tieline:alignment"
# An id within an address or a text: everything up to what usually ends one.
ID = r"([^\s/?#&,;\"'<>]+)"
USUAL_SEPARATORS = (",", ";", "\n", "\r")


class Tie(BaseModel):
    """One way of tying work to objectives; `strength` is what it says of the work, where it says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    strength: Strength | None = None


class FieldTie(Tie):
    """A custom field that holds objectives; its name alone stands for one that is read as usual.

    `separators` are the texts between several ids; by default comma, semicolon and line break.
    `pattern`: only what stands at `{objective}` in it is the id, as in `https://okr.example.com/o/{objective}`.
    """

    field: str = Field(min_length=1)
    separators: tuple[str, ...] = USUAL_SEPARATORS
    pattern: str | None = None

    @model_validator(mode="before")
    @classmethod
    def accept_a_name(cls, given: Any) -> Any:
        return {"field": given.strip()} if isinstance(given, str) else given

    @field_validator("separators", mode="before")
    @classmethod
    def accept_one_separator(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("separators")
    @classmethod
    def check_separators(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not all(given):
            raise ValueError("an empty text separates nothing; leave separators out for the usual ones")
        return given

    @field_validator("pattern")
    @classmethod
    def check_pattern(cls, given: str | None) -> str | None:
        return None if given is None else checked_pattern(given)


class LinkTie(Tie):
    """An issue link type, by name or id, that ties work to an objective; its name alone counts both ways.

    `direction` is how the work item sees it: `outward` where it *contributes to* the objective, `inward`
    where it *is served by* it.
    """

    type: str = Field(min_length=1)
    direction: Literal["outward", "inward"] | None = None

    @model_validator(mode="before")
    @classmethod
    def accept_a_name(cls, given: Any) -> Any:
        return {"type": given.strip()} if isinstance(given, str) else given


class RemoteLinkTies(Tie):
    """The remote links (web links, links of apps) that tie work to an objective.

    `global_ids` are beginnings of `globalId`, and what follows names the objective; `urls` are addresses with
    `{objective}` in them. `most`: how many issues may be asked for theirs in one run, with a request each.
    """

    global_ids: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    most: int = Field(default=2000, ge=1)

    @field_validator("global_ids", "urls", mode="before")
    @classmethod
    def accept_one(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("urls")
    @classmethod
    def check_urls(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_pattern(one) for one in given)

    @model_validator(mode="after")
    def check_there_is_one(self) -> RemoteLinkTies:
        if not (self.global_ids or self.urls):
            raise ValueError("give global_ids or urls: which remote links name an objective")
        return self


def checked_pattern(given: str) -> str:
    if given.count(PLACE) != 1:
        raise ValueError(f"must hold {PLACE} once, where the objective's id stands")
    return given


def compiled(pattern: str) -> re.Pattern[str]:
    """A search for the id that stands at `{objective}`."""
    before, _, after = pattern.partition(PLACE)
    return re.compile(re.escape(before) + ID + re.escape(after))


def at_separators(tie: FieldTie) -> re.Pattern[str]:
    """What splits a text into ids; the longest separator first, for one may begin another."""
    return re.compile("|".join(map(re.escape, sorted(tie.separators, key=len, reverse=True))))


def named_by(link: Mapping[str, Any], ties: RemoteLinkTies) -> Iterator[str]:
    """The objectives that one remote link, as Jira tells it, names."""
    global_id, target = link.get("globalId"), link.get("object")
    if global_id == OUR_LINK:
        return
    url = target.get("url") if isinstance(target, Mapping) else None
    if isinstance(global_id, str):
        yield from (
            global_id[len(start) :].strip()
            for start in ties.global_ids
            if global_id.startswith(start) and global_id[len(start) :].strip()
        )
    if isinstance(url, str):
        for pattern in ties.urls:
            yield from compiled(pattern).findall(url)
