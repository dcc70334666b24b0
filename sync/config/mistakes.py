"""Turn what pydantic found wrong in a YAML file into its words: place, name, and the nearest known key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from rapidfuzz import fuzz, process

from sync.config.placeholders import place


def mistakes(path: Path, document: Any, details: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """Say each mistake once.

    Where a value may have several forms pydantic complains for each; that it is not of another type than it
    was meant to be tells a reader nothing.
    """
    steps = [walk(document, detail["loc"]) for detail in details]
    said = [
        problem(path, document, found, detail, model)
        for found, detail in zip(steps, details, strict=True)
        if not (detail["type"].endswith("_type") and has_company(found, steps))
    ]
    return list(dict.fromkeys(said))


def walk(document: Any, loc: Sequence[Any]) -> list[Any]:
    """Give the steps that lead through the file, without the names pydantic adds for its own use."""
    node, steps = document, []
    for step in loc:
        if not isinstance(node, Mapping | list):
            break
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            continue
        steps.append(step)
    return steps


def has_company(steps: Sequence[Any], others: Sequence[Sequence[Any]]) -> bool:
    """Say whether another mistake stands at the same place or inside it."""
    return sum(list(other[: len(steps)]) == list(steps) for other in others) > 1


def problem(path: Path, document: Any, steps: Sequence[Any], detail: Any, model: type[BaseModel]) -> str:
    """Say where in the file a mistake stands, what it is, and the nearest known key."""
    node, where = document, "1:1"
    for step in steps:
        where = place(node, step)
        node = node[step]
    names = [str(step) for step in steps]
    if detail["type"] == "missing":
        names.append(str(detail["loc"][-1]))
    name = ".".join(names)
    if detail["type"] == "extra_forbidden":
        nearest = process.extractOne(names[-1], keys_at(steps[:-1], model), scorer=fuzz.ratio)
        return f"{path}:{where}: {name}: unknown key; did you mean {nearest[0]}?"
    return f"{path}:{where}: {name}: {sentence(detail['msg'])}"


def keys_at(steps: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """Give the keys that the part of the file at these steps may hold."""
    models = [model]
    for step in steps:
        fields = [model.model_fields[str(step)] for model in models if str(step) in model.model_fields]
        models = [part for field in fields for part in models_in(field.annotation)] or models
    return list(dict.fromkeys(key for model in models for key in model.model_fields))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Give the models that a type such as `tuple[Model, ...]` or `Model | None` is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def sentence(message: str) -> str:
    """Drop the words pydantic puts before our own message."""
    return message.removeprefix("Value error, ")
