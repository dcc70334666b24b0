"""Turn `profile: netsuite` and its few values into the whole declaration of that system's API.

A profile is a YAML file in this folder: what it asks for, each with a default or not, and the keys it gives,
in which `${name}` stands for what was asked. Keys of the source itself go before those of the profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rapidfuzz import fuzz, process
from ruamel.yaml import YAML

_FOLDER = Path(__file__).parent
_ASKED = re.compile(r"\$\{([a-z_]+)\}")
_SECRET = {"password", "client_secret", "key_secret", "private_key", "refresh_token"}
_PATHS = {"path", "chunk_path"}
# Of these keys only one group can be meant: where a source declares one, the profile's others go.
_EITHER_OR = (
    ("amount", "amounts", "periods"),
    ("dated", "fiscal_year"),
    ("dated", "period"),
    ("column", "debit"),
    ("column", "credit"),
)


def profile_names() -> list[str]:
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


@cache
def read_profile(name: str) -> Mapping[str, Any]:
    """What the file says: `system`, `asks` and `gives`. Not to be changed."""
    document: Mapping[str, Any] = YAML(typ="safe", pure=True).load(_FOLDER / f"{name}.yaml")
    return document


def entry_for(name: str) -> list[str]:
    """The lines of an entry for `sources.yaml` that uses this profile, with what is to be filled in."""
    profile = read_profile(name)
    lines = [f"# {profile['system']}", "finance:", f"  - name: {name}", f"    profile: {name}", "    with:"]
    for key, asked in profile["asks"].items():
        lines.append(f"      # {asked['about']}")
        if "default" in asked:
            lines.append(f"      # {key}: {_quoted(str(asked['default']))}")
        elif key in _SECRET:
            lines.append(f"      {key}: ${{{name.upper().replace('-', '_')}_{key.upper()}}}")
        else:
            lines.append(f"      {key}:")
    lacking = [key for key in ("currency", "amount") if key not in profile["gives"]]
    return lines + [f"    {key}:  # which column; see docs/finance.md" for key in lacking]


def filled_in(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration of a source with the keys of its profile added; `ValueError` says what is missing."""
    names, name = profile_names(), str(declared["profile"])
    if name not in names:
        nearest = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=60)
        there = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(names)}"
        raise ValueError(f"profile {name!r} is unknown; {there}")
    profile = read_profile(name)
    values = _answers(name, profile["asks"], declared.get("with") or {})
    own = {key: value for key, value in declared.items() if key != "with"}
    return _merged(_spliced(profile["gives"], values), own)


def _quoted(text: str) -> str:
    return f'"{text}"' if text[:1].isdigit() or " " in text else text


def _answers(name: str, asks: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    problems: list[str] = []
    for key in given:
        if key not in asks:
            nearest = process.extractOne(key, list(asks), scorer=fuzz.ratio)
            problems.append(f"profile {name} asks for no {key!r} under `with`; did you mean {nearest[0]}?")
    for key, asked in asks.items():
        if given.get(key) is None and "default" not in asked:
            problems.append(f"profile {name} needs `{key}` under `with`: {asked['about']}")
    if problems:
        raise ValueError("; ".join(problems))
    known = {key: value for key, value in given.items() if value is not None}
    return {key: str(known.get(key, asked.get("default"))) for key, asked in asks.items()}


def _spliced(node: Any, values: Mapping[str, str]) -> Any:
    """The keys a profile gives, with the answers in their places; in a path they are quoted."""
    if isinstance(node, Mapping):
        safe = {name: quote(value, safe=":@,") for name, value in values.items()}
        return {key: _spliced(node[key], safe if key in _PATHS else values) for key in node}
    if isinstance(node, list):
        return [_spliced(value, values) for value in node]
    return _ASKED.sub(lambda match: values[match[1]], node) if isinstance(node, str) else node


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Own keys before those of the base, level by level; null takes a key away."""
    excluded = {key for group in _EITHER_OR if set(group) & set(own) for key in group if key not in own}
    merged = {key: value for key, value in base.items() if key not in excluded}
    for key, value in own.items():
        there = merged.pop(key, None)
        if value is None:
            continue
        merged[key] = _merged(there, value) if _same_kind(there, value) else value
    return merged


def _same_kind(base: Any, own: Any) -> bool:
    """Whether two values are of one form, so that the keys of both can stand side by side."""
    if not (isinstance(base, Mapping) and isinstance(own, Mapping)):
        return False
    return bool(own.get("type", base.get("type")) == base.get("type"))
