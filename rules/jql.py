"""Turn the text of a JQL query into a tree of frozen values that know where they stood in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from rules.tree import (
    And,
    Clause,
    Empty,
    FieldName,
    Function,
    JqlError,
    Node,
    Not,
    Operand,
    Or,
    Predicate,
    Query,
    Sort,
    Value,
    Values,
)
from rules.words import KEYWORDS, RESERVED

__all__ = [
    "And",
    "Clause",
    "Empty",
    "FieldName",
    "Function",
    "JqlError",
    "Node",
    "Not",
    "Operand",
    "Or",
    "Predicate",
    "Query",
    "Sort",
    "Value",
    "Values",
    "parse",
    "quote",
]

MAX_LENGTH = 50_000
MAX_DEPTH = 50


def parse(text: str) -> Query:
    """Parse a query, or raise the first `JqlError` in it."""
    if len(text) > MAX_LENGTH:
        raise JqlError(f"The query is longer than {MAX_LENGTH} characters.", MAX_LENGTH, len(text))
    try:
        where, order_by = _parser().parse(text)
    except UnexpectedToken as error:
        _refuse_token(text, error)
    except UnexpectedCharacters as error:
        _refuse_character(text, error.pos_in_stream or 0)
    return Query(text=text, where=where, order_by=order_by)


def quote(text: str) -> str:
    """Write a value so that JQL reads it back as it is, quoting only where needed."""
    if re.fullmatch(r"[\w.-]+", text) and text.lower() not in RESERVED and text.upper() not in KEYWORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for character, letter in (("\t", "t"), ("\n", "n"), ("\r", "r")):
        escaped = escaped.replace(character, "\\" + letter)
    return f'"{escaped}"'


def _classify(token: Token) -> Token:
    word = str(token)
    if re.fullmatch(r"[0-9]+", word):
        return token.update(type="NUMBER")
    if re.fullmatch(r"-[0-9]+", word):
        return token.update(type="NEGATIVE")
    keyword = KEYWORDS.get(word.upper())
    if keyword is not None:
        return token.update(type=keyword)
    if word.lower() in RESERVED:
        return token.update(type="RESERVED")
    return token


@cache
def _parser() -> Any:
    grammar = resources.files("rules").joinpath("jql.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        transformer=_TreeBuilder(),
        lexer_callbacks={"WORD": _classify},
    )


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _LETTERS.get(match[2], match[2])

    return _ESCAPE.sub(replace, text)


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


def _literal(item: Value | Token) -> Value:
    return item if isinstance(item, Value) else Value(str(item), False, _start(item), _end(item))


def _deepen(children: Sequence[Node | Operand], start: int, end: int) -> int:
    depth = 1 + max(getattr(child, "depth", 0) for child in children)
    if depth > MAX_DEPTH:
        raise JqlError(f"The condition is nested more than {MAX_DEPTH} deep.", start, end, "Split the rule.")
    return depth


class _TreeBuilder(Transformer[Token, Any]):
    """Called by the parser as each rule is completed: no tree of Lark's own is built, nothing recurses."""

    def start(self, items: list[Any]) -> tuple[Node | None, tuple[Sort, ...]]:
        order_by = items.pop() if items and isinstance(items[-1], tuple) else ()
        return (items[0] if items else None, order_by)

    def disjunction(self, items: list[Node]) -> Node:
        return self._join(Or, items)

    def conjunction(self, items: list[Node]) -> Node:
        return self._join(And, items)

    def _join(self, kind: Callable[..., Node], items: list[Node]) -> Node:
        if len(items) == 1:
            return items[0]
        start, end = items[0].start, items[-1].end
        return kind(tuple(items), start, end, _deepen(items, start, end))

    def negation(self, items: list[Any]) -> Node:
        start, end = _start(items[0]), items[1].end
        return Not(items[1], start, end, _deepen(items[1:], start, end))

    def group(self, items: list[Any]) -> Node:
        return items[1]  # type: ignore[no-any-return]

    def clause(self, items: list[Any]) -> Clause:
        name, operator, *rest = items
        predicates = tuple(item for item in rest if isinstance(item, Predicate))
        operand = next((item for item in rest if not isinstance(item, Predicate)), None)
        end = rest[-1].end if rest else _end(operator[-1])
        words = " ".join(str(token).upper() for token in operator)
        places = (_start(operator[0]), _end(operator[-1]))
        return Clause(name, words, operand, predicates, name.start, end, *places)

    def _tokens(self, items: list[Token]) -> list[Token]:
        return items

    equality = likeness = comparison = membership = emptiness = was = was_in = changed = _tokens

    def predicate(self, items: list[Any]) -> Predicate:
        word, operand = items
        return Predicate(str(word).upper(), operand, _start(word), operand.end)

    change = predicate

    def field(self, items: list[Any]) -> FieldName:
        first, *properties = items
        base = _literal(first)
        end = properties[-1].end if properties else base.end
        return FieldName(base.text + "".join(item.text for item in properties), base.start, end)

    def custom_field(self, items: list[Any]) -> FieldName:
        opening, _, number, closing, *properties = items
        end = properties[-1].end if properties else _end(closing)
        tail = "".join(item.text for item in properties)
        return FieldName(f"cf[{number}]{tail}", _start(opening), end)

    def property(self, items: list[Any]) -> Value:
        opening, name, closing, *tail = items
        parts = [_literal(item) for item in tail]
        end = parts[-1].end if parts else _end(closing)
        text = f"[{_literal(name).text}]" + "".join(part.text for part in parts)
        return Value(text, False, _start(opening), end)

    def empty(self, items: list[Token]) -> Empty:
        return Empty(_start(items[0]), _end(items[0]))

    def argument(self, items: list[Token]) -> Value:
        token = items[0]
        quoted = token.type == "QUOTED"
        text = _unescape(token[1:-1] if quoted else str(token))
        return Value(text, quoted, _start(token), _end(token))

    def value(self, items: list[Any]) -> Value:
        return _literal(items[0])

    def function(self, items: list[Any]) -> Function:
        name = _literal(items[0])
        arguments = tuple(_literal(item) for item in items[2:-1] if item is not None)
        return Function(name.text, arguments, name.start, _end(items[-1]))

    def values(self, items: list[Any]) -> Values:
        start, end = _start(items[0]), _end(items[-1])
        return Values(tuple(items[1:-1]), start, end, _deepen(items[1:-1], start, end))

    def order(self, items: list[Any]) -> tuple[Sort, ...]:
        return tuple(item for item in items if isinstance(item, Sort))

    def sort(self, items: list[Any]) -> Sort:
        name, *direction = items
        end = _end(direction[0]) if direction else name.end
        return Sort(name, bool(direction) and direction[0].type == "DESC", name.start, end)


def _refuse_token(text: str, error: UnexpectedToken) -> NoReturn:
    token = error.token
    start, end = _start(token), _end(token)
    if token.type == "$END":
        start = len(text.rstrip())
        raise JqlError(f"The condition ends too early: {_expectation(error)}.", start, start + 1) from None
    if token.type == "RESERVED" or token.type in KEYWORDS.values():
        word = str(token)
        message = f'"{word}" is a reserved word and cannot stand here unquoted: {_expectation(error)}.'
        raise JqlError(message, start, end, f'Write "{word}" in quotes if it is a name or a value.') from None
    advice = None
    if token.type in {"WORD", "NUMBER"} and "_AND" in error.expected:
        advice = "Put values of several words in quotes, and AND or OR between two conditions."
    raise JqlError(f"Did not expect {token} here: {_expectation(error)}.", start, end, advice) from None


def _expectation(error: UnexpectedToken) -> str:
    expected = set(error.expected)
    if "EQUALS" in expected:
        return "an operator such as =, !=, IN, ~ or IS should follow the field"
    if "_AND" in expected:
        return "AND, OR or the end should follow"
    if "NOT" in expected and "LPAR" in expected:
        return "a condition such as status = Done should follow"
    if "RPAR" in expected:
        return "a closing bracket or a comma should follow"
    if "EMPTY" in expected or "WORD" in expected:
        return "a name or a value should follow"
    names = sorted(name.strip("_") for name in expected if name != "$END")
    return f"one of {', '.join(names)} should follow" if names else "the query should end"


def _refuse_character(text: str, position: int) -> NoReturn:
    character = text[position]
    if character in "\"'":
        bad = re.search(r"\\(?![tnr'\"\\ ]|u[0-9a-fA-F]{4})", text[position:])
        closing = re.match(r"(['\"])(?:\\.|(?!\1)[^\\\r\n])*\1", text[position:])
        if bad and closing and bad.start() < closing.end():
            at = position + bad.start()
            advice = "Write two backslashes for one: \\\\."
            raise JqlError("A backslash in quotes starts an escape, and this is none.", at, at + 2, advice)
        raise JqlError(
            "This quote is never closed.", position, position + 1, f"Add {character} after the text."
        )
    advice = "Put names and values with special characters in quotes."
    if character in "*/+":
        advice = "JQL has no arithmetic. Write percentOf(110, budget.amount), or sum with a roll-up."
    raise JqlError(f"The character {character} cannot stand here.", position, position + 1, advice)
