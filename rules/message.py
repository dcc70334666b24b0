"""Turn a message with `{field}` in it into the fields it names, and with their values into a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.catalogue import Entity, Path, find, paths
from rules.document import Document, Scalar
from rules.names import suggest

_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


def read_message(
    document: Document, message: Scalar, entity: Entity, rule: str
) -> tuple[str, dict[str, Path]]:
    """Return the message with every field under its own name (aliases resolved), and those fields."""
    named: dict[str, Path] = {}
    parts: list[str] = []
    text, at = message.value or "", 0
    for match in _BRACES.finditer(text):
        parts.append(text[at : match.start()])
        at = match.end()
        if match[1] is None:
            place = document.place_in(message, *match.span())
            document.add("A brace in a message must enclose a field.", place, "Write {key}.", rule)
            continue
        path = find(entity, match[1])
        if path is None:
            place = document.place_in(message, *match.span(1))
            advice = suggest(match[1], [known for known, _ in paths(entity)])
            document.add(f'{entity.name} has no field "{match[1]}".', place, advice, rule)
            continue
        named[path.name] = path
        parts.append(f"{{{path.name}}}")
    parts.append(text[at:])
    return "".join(parts), named


def fill(message: str, values: Mapping[str, str]) -> str:
    """Put values into a message; a field without one reads as `(empty)`. Values are no templates."""
    return _BRACES.sub(lambda match: values.get(match[1] or "", "(empty)"), message)
