"""Turn text from tickets and rule files into Markdown that shows it and does nothing else."""

from __future__ import annotations

# Harmless anywhere, as letters and digits are; the rest could be a link, a mention, a tag or a table cell.
HARMLESS = frozenset(" ,;?'()%→…-=+")


def text(raw: str) -> str:
    """Write every letter that could mean something to Markdown, HTML or GitHub as an entity."""
    line = " ".join(raw.split())
    return "".join(
        letter if letter.isalnum() or letter in HARMLESS else f"&#{ord(letter)};" for letter in line
    )
