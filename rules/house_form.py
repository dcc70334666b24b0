"""Turn the text of a rule file into its house form: keys in order, conditions under `|`, comments kept.

Works on lines, so that whatever it has no opinion about stays as it was written. A comment above a key moves
with that key. Rules written in braces stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rules.document import Document, Mapping, Node, Scalar, Sequence, parse
from rules.keys import RULE_KEYS, TOP_KEYS
from rules.pieces import Cut, Lines, Piece, Unusual, shift
from rules.problem import Problem, RuleErrors

_DASH = 2
_KEY = 4
_TEXT = 6


def format_text(text: str, path: Path) -> str:
    """Return the house form; applied twice it changes nothing more. Raises `RuleErrors` if it is not YAML."""
    before = _read(text.replace("\r\n", "\n"), path)
    if not isinstance(before.root, Mapping) or not before.root.entries:
        return text
    try:
        formatted = _file(Lines(before, before.text.split("\n")), before.root)
    except Unusual:
        return text
    if _meaning(_read(formatted, path).root) != _meaning(before.root):
        message = "The file cannot be brought into the house form without changing what it says."
        raise RuleErrors((Problem(path, 0, 0, message, "Format it by hand."),))
    return formatted


def _read(text: str, path: Path) -> Document:
    document = parse(path, text)
    if document.problems:
        raise RuleErrors(tuple(document.problems))
    return document


def _meaning(node: Node | None, key: str | None = None) -> object:
    """What a file says, without the order of keys and the white space of conditions."""
    if isinstance(node, Mapping):
        return {entry.name: _meaning(entry.value, entry.name) for entry in node.entries}
    if isinstance(node, Sequence):
        return [_meaning(item) for item in node.items]
    value = node.value if node else None
    return " ".join(value.split()) if key == "when" and value else value


def _file(lines: Lines, root: Mapping) -> str:
    if lines.column(root.entries[0].key.start) != 0:
        raise Unusual
    cut = lines.cut(root, len(lines.lines))
    header = "\n".join(line.rstrip() for line in lines.lines[: cut.pieces[0].first]).strip("\n")
    sections = ["\n".join(_section(lines, piece)).strip("\n") for piece in _ordered(cut.pieces, TOP_KEYS)]
    footer = "\n".join(_comments(cut.rest, 0))
    body = "\n\n".join([*sections, footer] if footer else sections)
    return "\n".join(part for part in (header, body) if part) + "\n"


def _ordered(pieces: list[Piece], keys: Iterable[str]) -> list[Piece]:
    places = {key: at for at, key in enumerate(keys)}
    return sorted(pieces, key=lambda piece: places.get(piece.entry.name, len(places)))


def _comments(lines: list[str], column: int) -> list[str]:
    """Line comments up under each other; empty lines between them go."""
    return [" " * column + line.strip() for line in lines if line.strip()]


def _section(lines: Lines, piece: Piece) -> list[str]:
    body = [line.rstrip() if not line.strip() else line for line in piece.lines]
    node = piece.entry.value
    if piece.entry.name == "rules" and isinstance(node, Sequence) and node.items:
        with suppress(Unusual):
            body = _rules(lines, piece, node)
    return [*_comments(piece.comments, 0), *body]


def _rules(lines: Lines, piece: Piece, sequence: Sequence) -> list[str]:
    """Write the list of rules: an empty line between two of them, comments above the rule they precede."""
    result = [piece.lines[0].rstrip()]
    end = piece.first + len(piece.lines)
    starts = [lines.number(item.start) for item in sequence.items]
    if starts[0] == piece.first or len(set(starts)) < len(starts):
        raise Unusual
    above = lines.lines[piece.first + 1 : starts[0]]
    for at, (item, after) in enumerate(zip(sequence.items, [*starts[1:], end], strict=True)):
        if (
            not isinstance(item, Mapping)
            or lines.lines[starts[at]][: lines.column(item.start)].strip() != "-"
        ):
            raise Unusual
        cut = lines.cut(item, after)
        result += [*([""] if at else []), *_comments(above, _DASH), *_rule(lines, cut)]
        above = cut.rest
    return result + _comments(above, _DASH)


def _rule(lines: Lines, cut: Cut) -> list[str]:
    column = cut.pieces[0].column
    inner = [line for line in cut.rest if line.strip() and len(line) - len(line.lstrip()) >= column]
    # Comments below the last key at its own depth are the rule's; others belong to what comes next.
    own = cut.rest[: cut.rest.index(inner[-1]) + 1] if inner else []
    cut.rest = cut.rest[len(own) :]
    pieces = _ordered(cut.pieces, RULE_KEYS)
    first, *others = [_piece(lines, piece) for piece in pieces]
    comments, body = first
    result = [*_comments(comments, _DASH), " " * _DASH + "- " + body[0][_KEY:], *body[1:]]
    for comments, body in others:
        result += [*_comments(comments, _KEY), *body]
    return result + _comments(own, _KEY)


def _piece(lines: Lines, piece: Piece) -> tuple[list[str], list[str]]:
    """Give the comments above a key, and its lines where they belong."""
    value = piece.entry.value
    if piece.entry.name == "when" and isinstance(value, Scalar) and _fits_block(value):
        return _condition(lines, piece, value)
    body = shift(piece.lines, _KEY - piece.column)
    if isinstance(value, Sequence) and value.items and lines.number(value.start) > piece.first:
        inner = lines.number(value.start) - piece.first
        by = _TEXT - lines.column(value.start)
        body = body[:1] + _comments(piece.lines[1:inner], _TEXT) + shift(piece.lines[inner:], by)
    return piece.comments, [body[0].rstrip(), *body[1:]]


def _fits_block(value: Scalar) -> bool:
    """Tell whether a condition can stand under a `|`: there are no escapes there."""
    text = (value.value or "").strip()
    return bool(text) and all(letter.isprintable() or letter in "\n\t" for letter in text)


def _condition(lines: Lines, piece: Piece, value: Scalar) -> tuple[list[str], list[str]]:
    """Write a condition under `|`, with the line breaks it has; remarks beside it go above the key."""
    text = lines.document.text
    source = text[value.start : value.end]
    head, _, below = source.partition("\n")
    if head[:1] in {"|", ">"}:
        remark, source = head.partition("#")[2], below
    else:
        remark = text[value.end : text.find("\n", value.end)].partition("#")[2]
    same = " ".join(source.split()) == " ".join((value.value or "").split())
    written = (source if same else value.value or "").strip().split("\n")
    remarks = [f"# {remark.strip()}"] if remark.strip() else []
    body = [(" " * _TEXT + line).rstrip() for line in _levelled(written)]
    below_it = piece.lines[lines.last(value) - piece.first + 1 :]
    return [*piece.comments, *remarks, *below_it], [" " * _KEY + "when: |", *body]


def _levelled(lines: list[str]) -> list[str]:
    """Keep how far lines stand in from the least of them; the first one begins at the edge."""
    depths = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    least = min(depths, default=0)
    return [lines[0], *(line[least:] if line.strip() else "" for line in lines[1:])]
