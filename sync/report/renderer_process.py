"""Be the process that draws: a chart's specification a line comes in, its SVG or what was wrong goes out.

Run by its path, so that it loads nothing but what it needs. It ends with its input, and so with the process
that began it, however that ends; after a while without work; and after so many charts, for the heap of the
renderer only grows. Whatever the renderer itself prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import select
import sys

import vl_convert

IDLE_SECONDS = 10
MOST_CHARTS = 100


def answer(line: str) -> dict[str, str]:
    """Draw what a line asks for."""
    try:
        return {"svg": vl_convert.vegalite_to_svg(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side says it
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer line by line."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for _ in range(MOST_CHARTS):
        ready, _, _ = select.select([sys.stdin], [], [], IDLE_SECONDS)
        line = sys.stdin.readline() if ready else ""
        if not line:
            return
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
