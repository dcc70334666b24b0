r"""Turn a `matches("…")` pattern into one that RE2 and PostgreSQL read alike, or refuse it.

Only what both understand the same way passes: literals, `.`, classes, groups, alternatives, repetition, `^`,
`$`, `\d \s \w`, escaped punctuation, and `(?i)` in front. Shorthands are spelled out, because PostgreSQL's
follow the locale; `.` matches a line break in both. RE2 has no back-references and runs in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import takewhile
from typing import Any, cast

import re2

MAX_LENGTH = 500
LARGE_PROGRAM = 1000
_SHORTHAND = {"d": "0-9", "s": r" \t\n\r\f", "w": "A-Za-z0-9_"}
_PIECE = re.compile(r"\\.|\(\?:|\(\?|\[\^?\]?|\[|.", re.DOTALL)
_QUOTED = re.compile(r"\\.|\[(?:\\.|[^]\\])*\]", re.DOTALL)


class PatternError(ValueError):
    """The pattern is not one that both databases understand alike."""


def portable(pattern: str) -> str:
    """Return the pattern with shorthands spelled out, or raise `PatternError` with the reason."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"a pattern may have {MAX_LENGTH} characters")
    flag, rest = ("(?i)", pattern[4:]) if pattern.startswith("(?i)") else ("", pattern)
    result = flag + "".join(_translate(rest))
    try:
        compile_pattern(result)
    except re2.error as error:
        reason = error.args[0]
        raise PatternError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
    return result


def _translate(pattern: str) -> list[str]:
    parts: list[str] = []
    in_class = False
    for match in _PIECE.finditer(pattern):
        piece = match[0]
        if piece.startswith("\\"):
            parts.append(_translate_escape(piece, in_class))
        elif in_class:
            if piece.startswith("["):
                raise PatternError("a [ inside a class must be written \\[")
            in_class = piece != "]"
            parts.append(piece)
        elif piece == "(?":
            raise PatternError("only (?: and a leading (?i) are understood, no look-around or named groups")
        elif piece.endswith("]") and piece.startswith("["):
            raise PatternError("a ] at the start of a class must be written \\]")
        else:
            in_class = piece.startswith("[")
            parts.append(piece)
    return parts


def _translate_escape(piece: str, in_class: bool) -> str:
    letter = piece[1:]
    if letter.lower() in _SHORTHAND:
        if letter.isupper() and in_class:
            raise PatternError(f"{piece} cannot stand inside a class")
        inner = _SHORTHAND[letter.lower()]
        return inner if in_class else f"[{'^' if letter.isupper() else ''}{inner}]"
    if not letter or letter.isalnum() or not letter.isascii():
        raise PatternError(f"{piece} is not an escape that both databases know")
    return piece


def compile_pattern(pattern: str) -> Any:
    """Compile a portable pattern; `re2.error` if it is none."""
    return re2.compile(pattern, _options())


def opening(pattern: str) -> str:
    """Give what every text begins with in which a portable pattern can occur: often nothing."""
    if not pattern.startswith("^") or _has_alternatives(pattern):
        return ""
    try:
        first, last = compile_pattern(pattern).possiblematchrange(MAX_LENGTH)
    except re2.error:  # anything may come first
        return ""
    common = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return bytes(byte for byte, _ in common).decode(errors="ignore")


def _has_alternatives(pattern: str) -> bool:
    """Say whether there is a choice outside of all groups: `^` ties only one of its branches."""
    depth = 0
    for letter in _QUOTED.sub("", pattern):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and depth == 0:
            return True
    return False


def _options() -> Any:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 8 << 20
    return options


@lru_cache(maxsize=256)
def _finder(pattern: str) -> Callable[[str], object]:
    """Give the fastest way to ask whether a pattern occurs.

    A set of one pattern says yes or no four times as fast as a search, which also says where. It has no
    second algorithm to fall back on when memory runs out, so large patterns are searched for.
    """
    compiled = compile_pattern(pattern)
    if compiled.programsize <= LARGE_PROGRAM:
        alone = re2.Set.SearchSet(_options())
        alone.Add(pattern)
        alone.Compile()
        return cast(Callable[[str], object], alone.Match)
    return cast(Callable[[str], object], compiled.search)


def found(pattern: str, text: str) -> bool:
    """Tell whether a portable pattern occurs in the text."""
    return bool(_finder(pattern)(text))
