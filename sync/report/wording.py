"""Turn amounts, moments and text from outside into what a reader sees."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.finance.money import format_minor

# Bidirectional controls reorder what stands beside them; zero-width characters and tags hide in it.
DECEPTIVE = set("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | {
    chr(code)
    for start, end in ((0x202A, 0x202E), (0x2066, 0x2069), (0xE0000, 0xE007F))
    for code in range(start, end + 1)
}
BREAKS = set("\t\n\r")


def visible(text: object) -> str:
    """Show a text from outside on one line, with every character that would act instead of show spelt out."""
    return "".join(shown(character) for character in str(text))


def shown(character: str) -> str:
    """Show one character: a line break as a space, a control or an invalid code point as its number."""
    if character in BREAKS:
        return " "
    acts = character in DECEPTIVE or unicodedata.category(character) in {"Cc", "Cs"}
    invalid = ord(character) & 0xFFFE == 0xFFFE
    return f"⟨U+{ord(character):04X}⟩" if acts or invalid else character


def shortened(text: str, most: int) -> str:
    """Cut a text to at most so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def amount(minor: int, currency: str) -> str:
    """Show an amount without its currency: 43,375,987,588.00."""
    return format_minor(minor, currency)


def money(minor: int, currency: str) -> str:
    """Show an amount with its currency."""
    return f"{format_minor(minor, currency)} {currency}"


def plain_amount(minor: int, currency: str) -> str:
    """Give an amount as a spreadsheet reads it: 43375987588.00."""
    return format_minor(minor, currency).replace(",", "")


def change_of(minor: int, currency: str) -> str:
    """Show a difference with its sign."""
    return ("+" if minor > 0 else "") + format_minor(minor, currency)


def points(before: int | None, after: int | None) -> str:
    """Show how far a share moved, in percentage points; nothing where either is not known."""
    if before is None or after is None:
        return ""
    moved = after - before
    sign = "+" if moved > 0 else "-" if moved < 0 else "±"
    return f"{sign}{abs(moved) // 10}.{abs(moved) % 10}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Show a moment in the service's zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def day(at: datetime, zone: ZoneInfo) -> str:
    """Show a date in the service's zone."""
    return f"{at.astimezone(zone):%Y-%m-%d}"


def web_address(url: str | None) -> str:
    """Give an address only where following it can do no more than open a page."""
    return url if url and url.startswith(("https://", "http://")) else ""
