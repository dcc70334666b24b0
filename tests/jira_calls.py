"""Every request that the product can make to a Jira, read from its source: (method, path without ids)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sync.sandbox import Deployment

SOURCE = Path(__file__).parents[1] / "connectors" / "jira"
CLIENT = re.compile(r"(.*\.)?(client|twin)\.(get|request)")
# What stands in these modules is asked of one of the two alone.
ONLY = {
    "cloud.py": Deployment.CLOUD,
    "bulk_edits.py": Deployment.CLOUD,
    "datacenter.py": Deployment.DATA_CENTER,
}


class Asked(NamedTuple):
    """One kind of request: `issue/{}/comment` with any issue."""

    method: str
    path: str

    def is_meant(self, method: str, path: str) -> bool:
        """Whether a request, its path given from below `/rest/api/<version>/`, is of this kind."""
        pattern = re.escape(self.path).replace(r"\{\}", "[^/]+")
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def asked_of(deployment: Deployment) -> frozenset[Asked]:
    """What the product can ask of a Jira of this kind."""
    modules = (one for one in SOURCE.glob("*.py") if ONLY.get(one.name, deployment) is deployment)
    return frozenset(asked for module in modules for asked in asked_in(module.read_text(encoding="utf-8")))


def asked_in(source: str) -> Iterator[Asked]:
    """What one module asks; a request whose method or path cannot be told is an error."""
    tree = ast.parse(source)
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    for function in functions:
        for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
            said = [call.func, *call.args]  # the request may be handed to what repeats it
            for place, part in enumerate(said):
                client = CLIENT.fullmatch(ast.unparse(part))
                if client and place + 1 < len(said):
                    yield from requests_of(client[3], said[place + 1 :], function)


def requests_of(name: str, given: Sequence[ast.expr], function: ast.FunctionDef) -> Iterator[Asked]:
    methods = {"GET"} if name == "get" else texts_of(given[0], function)
    paths = texts_of(given[0 if name == "get" else 1], function)
    yield from (Asked(method, path) for method in methods for path in paths)


def texts_of(node: ast.expr, function: ast.FunctionDef) -> set[str]:
    """The texts that an expression can be, with `{}` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        return {"".join(str(part) for part in parts)}
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, function) | texts_of(node.orelse, function)
    if isinstance(node, ast.Name):
        values = list(values_of(node.id, function))
        if values:
            return set().union(*(texts_of(value, function) for value in values))
    raise AssertionError(f"{function.name}: the source does not tell what {ast.unparse(node)} may be")


def values_of(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What is assigned to a name in a function, also as one of several."""
    for assign in (one for one in ast.walk(function) if isinstance(one, ast.Assign)):
        for target in assign.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield assign.value
            elif isinstance(target, ast.Tuple):
                places = [n for n, one in enumerate(target.elts) if ast.unparse(one) == name]
                several = assign.value
                either = [several.body, several.orelse] if isinstance(several, ast.IfExp) else [several]
                yield from (one.elts[n] for one in either if isinstance(one, ast.Tuple) for n in places)
