"""Turn rule files into a rule set, or into all the mistakes of all files at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from rules import document as yaml
from rules.catalogue import Catalogue
from rules.document import Document, Entry, Scalar
from rules.keys import TOP_KEYS, VERSION
from rules.moments import Context
from rules.names import suggest
from rules.problem import Problem, RuleErrors
from rules.rollups import RollupReader
from rules.rule_reader import RuleReader
from rules.ruleset import Rule, RuleSet


def shipped() -> list[Path]:
    """Return the files of the pack that comes with the product."""
    folder = Path(str(resources.files("rules").joinpath("packs", "default")))
    return sorted(folder.glob("*.yaml"))


def load(paths: Sequence[Path], catalogue: Catalogue, context: Context) -> RuleSet:
    """Load files and folders of `*.yaml`. Raises `RuleErrors` with every mistake: never half a set.

    Relative dates are resolved with the context's `now`: load anew for each run. With an unbound catalogue
    the rules can be checked and evaluated, with a bound one also compiled.
    """
    documents = [document for path in paths for document in _read_path(path)]
    for document in documents:
        _check_top(document)
    extended = _with_rollups(documents, catalogue, context)
    rules = [rule for document in documents for rule in _rules(document, extended, context)]
    _check_ids(documents)
    if not any(document.problems for document in documents) and not rules:
        raise RuleErrors((Problem(paths[0] if paths else Path(), 0, 0, "There are no rules here."),))
    problems = tuple(
        problem
        for document in documents
        for problem in sorted(document.problems, key=lambda problem: (problem.line, problem.column))
    )
    if problems:
        raise RuleErrors(problems)
    return RuleSet(tuple(rules))


def _read_path(path: Path) -> Iterator[Document]:
    if not path.is_dir():
        yield yaml.read(path)
        return
    files = sorted(file for file in path.iterdir() if file.suffix in {".yaml", ".yml"})
    if not files:
        empty = Document(path)
        empty.add_file("The folder holds no *.yaml file.", "Name the folder with your rules.")
        yield empty
    for file in files:
        yield yaml.read(file)


def _check_top(document: Document) -> None:
    root = document.root
    if root is None:
        if not document.problems:
            document.add_file("The file is empty.", "Begin with version: 1 and rules:.")
        return
    if not isinstance(root, yaml.Mapping):
        document.add("A rule file begins with version: 1 and rules:.", root)
        return
    for entry in root.entries:
        if entry.name not in TOP_KEYS:
            document.add(f'A rule file has no key "{entry.name}".', entry.key, suggest(entry.name, TOP_KEYS))
    version = root.get("version")
    if version is None:
        document.add("The file does not say its version.", root, "Begin with version: 1.")
    elif not isinstance(version.value, Scalar) or version.value.value != VERSION:
        document.add("This version of rule files is not known.", version.value, f"Write version: {VERSION}.")


def _top(document: Document, key: str) -> Entry | None:
    return document.root.get(key) if isinstance(document.root, yaml.Mapping) else None


def _with_rollups(documents: list[Document], catalogue: Catalogue, context: Context) -> Catalogue:
    for document in documents:
        section = _top(document, "rollups")
        if section is None:
            continue
        if not isinstance(section.value, yaml.Mapping):
            document.add("rollups: names fields, as in openWork: {each: …, count: …}.", section.value)
            continue
        for entry in section.value.entries:
            found = RollupReader(document, catalogue, context).read(entry)
            if found is not None:
                catalogue = catalogue.replace(found[0].with_fields(found[1]))
    return catalogue


def _rules(document: Document, catalogue: Catalogue, context: Context) -> Iterator[Rule]:
    section = _top(document, "rules")
    if section is None:
        return
    if not isinstance(section.value, yaml.Sequence):
        document.add("rules: is a list; each rule begins with - id:.", section.value)
        return
    reader = RuleReader(document, catalogue, context)
    for node in section.value.items:
        rule = reader.read(node)
        if rule is not None:
            yield rule


def _check_ids(documents: list[Document]) -> None:
    first: dict[str, str] = {}
    for document in documents:
        section = _top(document, "rules")
        if section is None or not isinstance(section.value, yaml.Sequence):
            continue
        for node in section.value.items:
            entry = node.get("id") if isinstance(node, yaml.Mapping) else None
            if entry is None or not isinstance(entry.value, Scalar) or not entry.value.value:
                continue
            name = entry.value.value
            line = document.text.count("\n", 0, entry.value.start) + 1
            if name in first:
                message = f"The id {name} is taken by the rule at {first[name]}."
                document.add(message, entry.value, "Give this rule another id.", name)
            first.setdefault(name, f"{document.path}:{line}")
