"""Replace every `${NAME}` of a YAML document by its value, noting those that are not set with their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def substitute(node: Any, variables: Mapping[str, str], path: Path, problems: list[str]) -> Any:
    """Give the document as plain dicts and lists, with every `${NAME}` replaced by its value."""
    if isinstance(node, Mapping):
        return {str(key): substitute_at(node, key, variables, path, problems) for key in node}
    if isinstance(node, list):
        return [substitute_at(node, index, variables, path, problems) for index in range(len(node))]
    return node


def substitute_at(
    parent: Any, key: Any, variables: Mapping[str, str], path: Path, problems: list[str]
) -> Any:
    """Replace the variables in one value, noting those that are not set with their place."""
    value = parent[key]
    if not isinstance(value, str):
        return substitute(value, variables, path, problems)
    where = f"{path}:{place(parent, key)}"
    return VARIABLE.sub(lambda match: variable(match[1], variables, where, problems), value)


def variable(name: str, variables: Mapping[str, str], where: str, problems: list[str]) -> str:
    """Give what a variable holds or, where only `NAME_FILE` is set, what the file of that name holds."""
    if name in variables:
        return variables[name]
    file = variables.get(f"{name}_FILE")
    if not file:
        problems.append(f"{where}: ${{{name}}} is not set; set it in .env or in the environment")
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        problems.append(f"{where}: {name}_FILE: cannot read {file} as UTF-8 text")
        return ""


def place(node: Any, key: Any) -> str:
    """Give `line:column` of a key in a mapping or of an element in a list."""
    marks: Any = node
    line, column = marks.lc.key(key) if isinstance(node, Mapping) else marks.lc.item(key)
    return f"{line + 1}:{column + 1}"
