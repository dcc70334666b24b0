"""Turn rule files into a rule set, or into all the mistakes of all files at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rules import document as yaml
from rules.catalogue import Catalogue
from rules.choices import Choices, check_known, makes_choices, read_choices
from rules.document import Document, Entry, Scalar
from rules.keys import TOP_KEYS, VERSION
from rules.moments import Context
from rules.names import suggest
from rules.problem import Problem, RuleErrors
from rules.rollups import RollupReader
from rules.rule_reader import RuleReader
from rules.ruleset import Mode, Rule, RuleSet

PACKS = ("strategic", "operational", "tactical", "cultural", "governance")
_FOLDER = Path(str(resources.files("rules").joinpath("packs")))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files that share their roll-ups: one pack that ships, or everything of the admin's own."""

    documents: list[Document]
    pack: str | None = None


def shipped() -> list[Path]:
    """Return the choice of rules that holds where nobody makes one."""
    return [_FOLDER / "default.yaml"]


def pack_files(pack: str) -> list[Path]:
    """Return the files of a pack that ships: one for each rule, named by its id, and one for roll-ups."""
    return sorted((_FOLDER / pack).glob("*.yaml"))


def load(paths: Sequence[Path], catalogue: Catalogue, context: Context) -> RuleSet:
    """Load files and folders of `*.yaml`. Raises `RuleErrors` with every mistake: never half a set.

    Relative dates are resolved with the context's `now`: load anew for each run. With an unbound catalogue
    the rules can be checked and evaluated, with a bound one also compiled.
    """
    own = [document for path in paths for document in _read_path(path)]
    for document in own:
        _check_top(document)
    choices = _choices(own)
    mine = Bundle([document for document in own if not makes_choices(document)])
    bundles = [*_chosen(choices, _ids(mine.documents)), mine]
    rules = [rule for bundle in bundles for rule in _rules_of(bundle, catalogue, context, choices)]
    documents = [document for bundle in bundles for document in bundle.documents]
    known = _check_ids(documents)
    check_known(choices, [*known, *_shipped_ids()])
    documents += [document for document in own if makes_choices(document)]
    if not any(document.problems for document in documents) and not rules:
        raise RuleErrors((Problem(paths[0] if paths else Path(), 0, 0, "There are no rules here."),))
    problems = tuple(
        problem
        for document in documents
        for problem in sorted(document.problems, key=lambda problem: (problem.line, problem.column))
    )
    if problems:
        raise RuleErrors(problems)
    return RuleSet(
        tuple(rule for rule in rules if rule.active), tuple(rule for rule in rules if not rule.active)
    )


def _choices(documents: list[Document]) -> Choices:
    made = [document for document in documents if makes_choices(document)]
    for other in made[1:]:
        message = f"Packs and rules are chosen in {made[0].path} already."
        other.add(message, other.root or (0, 1), "Put all choices into one file.")
    return read_choices(made[0], PACKS) if made else Choices()


def _chosen(choices: Choices, own: Collection[str]) -> Iterator[Bundle]:
    """Read the packs that are on, and of others the rules that are named, with the roll-ups of their pack.

    A name that one of the admin's `own` rules has means that one.
    """
    for pack in PACKS:
        files = pack_files(pack)
        wanted = [
            file
            for file in files
            if choices.packs.get(pack, Mode.OFF) is not Mode.OFF
            or (file.stem in choices.rules and file.stem not in own)
        ]
        if wanted:
            shared = [file for file in files if file.stem == "rollups" and file not in wanted]
            yield Bundle([yaml.read(file) for file in (*shared, *wanted)], pack)


def _shipped_ids() -> list[str]:
    return [file.stem for pack in PACKS for file in pack_files(pack)]


def _rules_of(bundle: Bundle, catalogue: Catalogue, context: Context, choices: Choices) -> Iterator[Rule]:
    if bundle.pack is not None:
        for document in bundle.documents:
            _check_top(document)
    extended = _with_rollups(bundle.documents, catalogue, context)
    for document in bundle.documents:
        yield from _rules(document, RuleReader(document, extended, context, choices, bundle.pack))


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


def _rules(document: Document, reader: RuleReader) -> Iterator[Rule]:
    section = _top(document, "rules")
    if section is None:
        return
    if not isinstance(section.value, yaml.Sequence):
        document.add("rules: is a list; each rule begins with - id:.", section.value)
        return
    for node in section.value.items:
        rule = reader.read(node)
        if rule is not None:
            yield rule


def _named(document: Document) -> Iterator[Scalar]:
    """Give the ids that stand in a document."""
    section = _top(document, "rules")
    if section is None or not isinstance(section.value, yaml.Sequence):
        return
    for node in section.value.items:
        entry = node.get("id") if isinstance(node, yaml.Mapping) else None
        if entry is not None and isinstance(entry.value, Scalar) and entry.value.value:
            yield entry.value


def _ids(documents: list[Document]) -> set[str]:
    return {str(name.value) for document in documents for name in _named(document)}


def _check_ids(documents: list[Document]) -> Collection[str]:
    """Refuse ids that stand twice; return all."""
    first: dict[str, str] = {}
    for document in documents:
        for scalar in _named(document):
            name = str(scalar.value)
            line = document.text.count("\n", 0, scalar.start) + 1
            if name in first:
                message = f"The id {name} is taken by the rule at {first[name]}."
                document.add(message, scalar, "Give this rule another id.", name)
            first.setdefault(name, f"{document.path}:{line}")
    return first
