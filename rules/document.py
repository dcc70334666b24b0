"""Turn a YAML file into nodes that know where they stood, keeping every scalar a string.

What a rule file has no use for is a mistake here, because each of them has silently changed somebody's rules:
tags (`when: ! type = bug` drops the `!`), anchors and aliases, duplicate keys, several documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from rules.problem import Problem

# The YAML reader is pure Python: a file of this size takes it a second or two.
MAX_SIZE = 250_000
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, or None where nothing, `~` or `null` is written. `start` and `end` are offsets into the file."""

    value: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    key: Scalar
    value: Node

    @property
    def name(self) -> str:
        return self.key.value or ""


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[Entry, ...]
    start: int
    end: int

    def get(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    start: int
    end: int


Node = Scalar | Mapping | Sequence


@dataclass(slots=True)
class Document:
    """A file being read: its text, its root, and the problems found so far."""

    path: Path
    text: str = ""
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        message: str,
        place: Node | tuple[int, int],
        suggestion: str | None = None,
        rule: str | None = None,
    ) -> None:
        """Note a problem at a node, or at a range of offsets."""
        start, end = place if isinstance(place, tuple) else (place.start, place.end)
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        line_end = len(self.text) if line_end < 0 else line_end
        self.problems.append(
            Problem(
                path=self.path,
                line=self.text.count("\n", 0, start) + 1,
                column=start - line_start + 1,
                message=message,
                suggestion=suggestion,
                rule=rule,
                source=self.text[line_start:line_end],
                width=max(1, min(end, line_end) - start),
            )
        )

    def add_file(self, message: str, suggestion: str | None = None) -> None:
        """Note a problem of the file as a whole."""
        self.problems.append(Problem(self.path, 0, 0, message, suggestion))

    def place_in(self, scalar: Scalar, start: int, end: int) -> tuple[int, int]:
        """Turn offsets into a scalar's value into offsets into the file.

        Exact for plain text, block scalars and quotes without escapes: there, value and source differ in
        white space only. Otherwise the whole scalar is meant.
        """
        value = scalar.value or ""
        begin = scalar.start
        if self.text[begin : begin + 1] in {"|", ">"}:
            begin = self.text.find("\n", begin) + 1
        elif self.text[begin : begin + 1] in {'"', "'"}:
            begin += 1
        source = [at for at in range(begin, scalar.end) if not self.text[at].isspace()]
        letters = [at for at, character in enumerate(value) if not character.isspace()]
        if any(self.text[there] != value[here] for here, there in zip(letters, source, strict=False)):
            return scalar.start, scalar.end
        before = sum(1 for at in letters if at < start)
        inside = sum(1 for at in letters if start <= at < end)
        if before >= len(letters) or before >= len(source):
            last = source[len(letters) - 1] + 1 if letters else scalar.start
            return last, last + 1
        last = source[min(before + max(inside, 1), len(source)) - 1] + 1
        return source[before], last


def read(path: Path) -> Document:
    """Read a file; a document with problems may have no root."""
    document = Document(path)
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MAX_SIZE + 1)
        if len(raw) > 4 * MAX_SIZE:
            _refuse_size(document)
            return document
        document.text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        document.add_file(f"The file cannot be read: {error.strerror}.")
        return document
    except UnicodeDecodeError:
        document.add_file("The file is not UTF-8 text.", "Save it as UTF-8.")
        return document
    _parse(document)
    return document


def parse(path: Path, text: str) -> Document:
    """Read text as if it stood in that file."""
    document = Document(path, text)
    _parse(document)
    return document


def _parse(document: Document) -> None:
    if len(document.text) > MAX_SIZE:
        _refuse_size(document)
        return
    document.root, faults = _tree(document.text)
    for fault in faults:
        if fault.place is None:
            document.add_file(fault.message)
        else:
            document.add(fault.message, fault.place, fault.suggestion)


def _refuse_size(document: Document) -> None:
    document.add_file(f"The file is larger than {MAX_SIZE} characters.", "Split it.")


class Fault(NamedTuple):
    """What is wrong with a text, and where in it; nowhere when it is wrong as a whole."""

    message: str
    place: Node | tuple[int, int] | None
    suggestion: str | None = None


# Nights and webhooks read the rules again and again, mostly the same: those that ship are dozens of files.
@lru_cache(maxsize=128)
def _tree(text: str) -> tuple[Node | None, tuple[Fault, ...]]:
    """The root of a text, and what is wrong with it."""
    faults: list[Fault] = []
    try:
        root = _read_events(text, faults)
    except MarkedYAMLError as error:
        root = None
        faults.append(_syntax_fault(text, error))
    except YAMLError as error:
        root = None
        faults.append(Fault(f"The file is not YAML: {str(error).splitlines()[0]}.", None))
    return root, tuple(faults)


def _read_events(text: str, faults: list[Fault]) -> Node | None:
    events = iter(YAML(typ="safe", pure=True).parse(text))
    root, documents = None, 0
    for event in events:
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                place = (event.start_mark.index, event.end_mark.index)
                advice = "Start another file instead of ---."
                faults.append(Fault("A rule file holds one document.", place, advice))
                break
        elif isinstance(event, NodeEvent):
            root = _build(event, events, faults, 1)
    return root


def _build(event: Any, events: Iterator[Any], faults: list[Fault], depth: int) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent) or event.anchor:
        message = "Anchors and aliases have no place in a rule file."
        faults.append(Fault(message, (start, end), "Write it out."))
    if getattr(event, "tag", None) is not None or getattr(event, "ctag", None) is not None:
        advice = "Put the text under | or in quotes; for JQL write NOT instead of a leading !."
        faults.append(Fault("A leading ! is a YAML tag and would be lost.", (start, end), advice))
    if depth > MAX_DEPTH:
        raise YAMLError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(event, MappingStartEvent):
        return _build_mapping(start, events, faults, depth)
    if isinstance(event, SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(_build(event, events, faults, depth + 1))
        return Sequence(tuple(items), start, start + 1)
    return _scalar(event) if isinstance(event, ScalarEvent) else Scalar(None, start, end)


def _build_mapping(start: int, events: Iterator[Any], faults: list[Fault], depth: int) -> Mapping:
    entries: list[Entry] = []
    names: set[str] = set()
    while not isinstance(event := next(events), MappingEndEvent):
        key = _build(event, events, faults, depth + 1)
        value = _build(next(events), events, faults, depth + 1)
        if not isinstance(key, Scalar) or key.value is None:
            faults.append(Fault("A key must be a word.", key))
        elif key.value in names:
            faults.append(Fault(f'The key "{key.value}" stands here twice.', key, "Keep one of them."))
        else:
            names.add(key.value)
            entries.append(Entry(key, value))
    return Mapping(tuple(entries), start, entries[0].key.end if entries else start + 1)


def _scalar(event: ScalarEvent) -> Scalar:
    plain = event.style is None
    empty = plain and event.value in {"", "~", "null"}
    return Scalar(None if empty else event.value, event.start_mark.index, event.end_mark.index)


def _syntax_fault(text: str, error: MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    advice = "Write a condition or any text with colons and quotes under a |."
    index = min(mark.index, len(text)) if mark else 0
    return Fault(f"This is not YAML: {error.problem or error.context}.", (index, index + 1), advice)
