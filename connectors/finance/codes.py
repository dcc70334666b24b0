"""Turn what a row says of a project into codes to match by: issue keys in a text, the projects above one."""

from __future__ import annotations

import re

# A key is not part of a longer word: neither X-PAY-12 nor PAY-12-3 names PAY-12.
_KEY = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z0-9_]+-[1-9][0-9]*(?![\w-])")


def issue_keys(text: str | None) -> tuple[str, ...]:
    """Every issue key in a text, each once, in the order in which they stand there."""
    return tuple(dict.fromkeys(_KEY.findall(text))) if text else ()


def projects_above(project: str | None, parent: str | None, separator: str | None) -> tuple[str, ...]:
    """The codes of the projects that a project is part of, the nearest first.

    They follow from its own code where that is a path (1200.10.3 is part of 1200.10), or from a column.
    """
    above = [parent] if parent and parent != project else []
    if project and separator:
        parts = project.split(separator)
        above += [separator.join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    return tuple(dict.fromkeys(filter(None, above)))
