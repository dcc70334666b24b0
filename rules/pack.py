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
from rules.keys import TOP_KEYS, VERSION, WAIVERS
from rules.moments import Context
from rules.names import suggest
from rules.problem import Problem, RuleErrors
from rules.rollups import RollupReader
from rules.rule_reader import RuleReader
from rules.ruleset import Mode, Rule, RuleFile, RuleSet
from rules.waiver_reader import read_waivers

PACKS = ("strategic", "operational", "tactical", "cultural", "governance")
RULES = "rules"
KEYS = {RULES: tuple(TOP_KEYS), WAIVERS: ("version", WAIVERS)}
APART = {
    WAIVERS: "Waivers stand in files of their own: TIELINE_WAIVERS names them.",
    RULES: "Rules stand in files of their own: TIELINE_RULES names them.",
}
_FOLDER = Path(str(resources.files("rules").joinpath("packs")))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files that share their roll-ups: one pack that ships, or everything of the admin's own."""

    documents: list[Document]
    pack: str | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """What one load has read: the admin's own files, the packs they choose, the waivers."""

    own: list[Document]
    packs: list[Bundle]
    waivers: list[Document]

    def files(self) -> Iterator[RuleFile]:
        """Give every file word for word, so that the set can be loaded again."""
        kinds = [(RULES, self.own), (WAIVERS, self.waivers)]
        for kind, documents in [*kinds, *((bundle.pack or RULES, bundle.documents) for bundle in self.packs)]:
            yield from (RuleFile(kind, document.path, document.text) for document in documents)


def shipped() -> list[Path]:
    """Return the choice of rules that holds where nobody makes one."""
    return [_FOLDER / "default.yaml"]


def pack_files(pack: str) -> list[Path]:
    """Return the files of a pack that ships: one for each rule, named by its id, and one for roll-ups."""
    return sorted((_FOLDER / pack).glob("*.yaml"))


def every_pack(catalogue: Catalogue, context: Context) -> RuleSet:
    """Load every rule that ships, with the values that its file gives its parameters."""
    choices = Choices(packs=dict.fromkeys(PACKS, Mode.LABEL))
    return _build(Documents([], list(_chosen(choices, ())), []), choices, catalogue, context)


def load(
    paths: Sequence[Path], catalogue: Catalogue, context: Context, waivers: Sequence[Path] = ()
) -> RuleSet:
    """Load files and folders of `*.yaml`. Raises `RuleErrors` with every mistake: never half a set.

    Relative dates are resolved with the context's `now`: load anew for each run. With an unbound catalogue
    the rules can be checked and evaluated, with a bound one also compiled.
    """
    own = [document for path in paths for document in _read_path(path, RULES)]
    for document in own:
        _check_top(document, RULES)
    choices = _choices(own)
    packs = list(_chosen(choices, _ids([document for document in own if not makes_choices(document)])))
    theirs = [document for path in waivers for document in _read_path(path, WAIVERS)]
    return _build(Documents(own, packs, theirs), choices, catalogue, context)


def load_again(files: Sequence[RuleFile], catalogue: Catalogue, context: Context) -> RuleSet:
    """Load files as they once were, at another moment: those of a `RuleSet`, packs that ship included."""
    read = {kind: [yaml.parse(f.path, f.text) for f in files if f.kind == kind] for kind in (*KEYS, *PACKS)}
    packs = [Bundle(read[pack], pack) for pack in PACKS if read[pack]]
    for document in read[RULES]:
        _check_top(document, RULES)
    documents = Documents(read[RULES], packs, read[WAIVERS])
    return _build(documents, _choices(read[RULES]), catalogue, context)


def _build(read: Documents, choices: Choices, catalogue: Catalogue, context: Context) -> RuleSet:
    bundles = [*read.packs, Bundle([document for document in read.own if not makes_choices(document)])]
    rules = [rule for bundle in bundles for rule in _rules_of(bundle, catalogue, context, choices)]
    documents = [document for bundle in bundles for document in bundle.documents]
    known = _check_ids(documents)
    check_known(choices, [*known, *_shipped_ids()])
    _check_former_ids(documents, rules)
    documents += [document for document in read.own if makes_choices(document)]
    whole = not any(document.problems for document in documents)
    if whole and not rules:
        path = read.own[0].path if read.own else Path()
        raise RuleErrors((Problem(path, 0, 0, "There are no rules here."),))
    for document in read.waivers:
        _check_top(document, WAIVERS)
    waivers = read_waivers(read.waivers, tuple(rules) if whole else None, context)
    every = [*documents, *read.waivers]
    problems = tuple(
        problem
        for document in every
        for problem in sorted(document.problems, key=lambda problem: (problem.line, problem.column))
    )
    if problems:
        raise RuleErrors(problems)
    return RuleSet(
        rules=tuple(rule for rule in rules if rule.active),
        resting=tuple(rule for rule in rules if not rule.active),
        waivers=waivers,
        files=tuple(read.files()),
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
        named = list(choices.rules)
        wanted.sort(key=lambda file: named.index(file.stem) if file.stem in named else len(named))
        if wanted:
            shared = [file for file in files if file.stem == "rollups" and file not in wanted]
            yield Bundle([yaml.read(file) for file in (*shared, *wanted)], pack)


def _shipped_ids() -> list[str]:
    return [file.stem for pack in PACKS for file in pack_files(pack)]


def _rules_of(bundle: Bundle, catalogue: Catalogue, context: Context, choices: Choices) -> Iterator[Rule]:
    if bundle.pack is not None:
        for document in bundle.documents:
            _check_top(document, RULES)
    extended = _with_rollups(bundle.documents, catalogue, context)
    for document in bundle.documents:
        yield from _rules(document, RuleReader(document, extended, context, choices, bundle.pack))


def _read_path(path: Path, kind: str) -> Iterator[Document]:
    if not path.is_dir():
        yield yaml.read(path)
        return
    files = sorted(file for file in path.iterdir() if file.suffix in {".yaml", ".yml"})
    if not files:
        empty = Document(path)
        empty.add_file("The folder holds no *.yaml file.", f"Name the folder with your {kind}.")
        yield empty
    for file in files:
        yield yaml.read(file)


def _check_top(document: Document, kind: str) -> None:
    root, what, keys = document.root, kind.removesuffix("s"), KEYS[kind]
    if root is None:
        if not document.problems:
            document.add_file("The file is empty.", f"Begin with version: 1 and {kind}:.")
        return
    if not isinstance(root, yaml.Mapping):
        document.add(f"A {what} file begins with version: 1 and {kind}:.", root)
        return
    for entry in root.entries:
        if entry.name not in keys:
            advice = APART.get(entry.name) or suggest(entry.name, keys)
            document.add(f'A {what} file has no key "{entry.name}".', entry.key, advice)
    version = root.get("version")
    if version is None:
        document.add("The file does not say its version.", root, "Begin with version: 1.")
    elif not isinstance(version.value, Scalar) or version.value.value != VERSION:
        document.add("This version of rule files is not known.", version.value, f"Write version: {VERSION}.")


def _top(document: Document, key: str) -> Entry | None:
    return document.root.get(key) if isinstance(document.root, yaml.Mapping) else None


def _with_rollups(documents: list[Document], catalogue: Catalogue, context: Context) -> Catalogue:
    sections = [_top(document, "rollups") for document in documents]
    maps = [entry.value for entry in sections if entry and isinstance(entry.value, yaml.Mapping)]
    names = [entry.name for section in maps for entry in section.entries]
    for document, section in zip(documents, sections, strict=True):
        if section is None:
            continue
        if not isinstance(section.value, yaml.Mapping):
            document.add("rollups: names fields, as in openWork: {each: …, count: …}.", section.value)
            continue
        for entry in section.value.entries:
            found = RollupReader(document, catalogue, context, names).read(entry)
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


def _check_former_ids(documents: list[Document], rules: list[Rule]) -> None:
    """Refuse a `was:` that another rule answers to: findings can go on under one id only."""
    answering = {rule.id: rule for rule in rules}
    places = {document.path: document for document in documents}
    for rule in rules:
        for name in rule.was:
            other = answering.setdefault(name, rule)
            if other is not rule:
                message = f"was: {name} is what the rule at {other.path}:{other.line} answers to."
                _refuse_former_id(places[rule.path], rule, name, message)


def _refuse_former_id(document: Document, rule: Rule, name: str, message: str) -> None:
    section = _top(document, RULES)
    nodes = section.value.items if section and isinstance(section.value, yaml.Sequence) else ()
    for node in nodes:
        entry = node.get("was") if isinstance(node, yaml.Mapping) else None
        own = node.get("id") if isinstance(node, yaml.Mapping) else None
        if entry and own and isinstance(own.value, Scalar) and own.value.value == rule.id:
            document.add(message, entry.value, f"Take {name} out of one of them.", rule.id)


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
