"""Turn a YAML file of objectives into rows like those of a table, every value as the text that stands there.

The file is a list of entries, or has such a list under `objectives`. Only the node tree is built: no value is
guessed to be a number, a date or a boolean, so that 005 stays 005 and `no` stays no.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from connectors.errors import BadInput
from connectors.headers import Column, fold_name, header_problems
from connectors.pages import Quarantined
from connectors.tables import Row
from connectors.textfiles import TextFile, open_text

_NULLS = {"", "~", "null", "Null", "NULL"}
_FORM = "write a list of entries (`- id: …`), alone or under `objectives:`"


def read_entries(file: TextFile, columns: Sequence[Column]) -> list[Row | Quarantined]:
    """One row for each entry; `BadInput` where no entries are listed or a wanted key is nowhere used."""
    with open_text(file) as stream:
        text = stream.read()
    entries = _entries(file.path, _compose(file.path, text))
    mappings = [entry for entry in entries if isinstance(entry, MappingNode)]
    keys = {fold_name(str(key.value)): str(key.value) for entry in mappings for key, _ in entry.value}
    problems = header_problems(list(keys.values()), columns) if mappings else []
    if problems:
        raise BadInput(*(f"{file.path}: {_of_keys(problem)}" for problem in problems))
    return [_row(file.path.name, entry, text, columns) for entry in entries]


def _compose(path: Path, text: str) -> Node | None:
    try:
        node: Node | None = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadInput(f"{path}: {where}this is no valid YAML: {error.problem}. Correct the file.") from None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: this is no valid YAML: {reason}. Correct the file.") from None
    except RecursionError:
        raise BadInput(f"{path}: this YAML is nested too deeply; {_FORM}.") from None
    return node


def _entries(path: Path, node: Node | None) -> list[Node]:
    if isinstance(node, MappingNode):
        node = next((value for key, value in node.value if key.value == "objectives"), node)
    if node is None or (isinstance(node, ScalarNode) and node.value in _NULLS):
        raise BadInput(f"{path}: there is no objective in it; {_FORM}.")
    if not isinstance(node, SequenceNode):
        raise BadInput(f"{path}: line {node.start_mark.line + 1}: this is no list of objectives; {_FORM}.")
    return list(node.value)


def _row(name: str, entry: Node, text: str, columns: Sequence[Column]) -> Row | Quarantined:
    line = entry.start_mark.line + 1
    raw = text[entry.start_mark.index : entry.end_mark.index].rstrip()
    if not isinstance(entry, MappingNode):
        return Quarantined(name, line, None, "the entry is no mapping of keys to values", raw)
    cells = {column.name: "" for column in columns}
    wanted = {fold_name(column.name): column.name for column in columns}
    seen: set[str] = set()
    for key, value in entry.value:
        column = wanted.get(fold_name(str(key.value)))
        if column is None:
            continue
        if column in seen:
            return Quarantined(name, key.start_mark.line + 1, column, "the key is there twice", raw)
        if not isinstance(value, ScalarNode):
            return Quarantined(name, key.start_mark.line + 1, column, "the value is no single text", raw)
        seen.add(column)
        cells[column] = _text(value)
    return Row(line, cells, raw)


def _text(node: ScalarNode) -> str:
    return "" if node.style is None and node.value in _NULLS else str(node.value)


def _of_keys(problem: str) -> str:
    return problem.replace("the header has no column", "no entry has the key").replace(
        "its other columns are", "the other keys are"
    )
