"""Turn what a person types about money and work into what a decision names, and back into words."""

from __future__ import annotations

import getpass
import re

from rapidfuzz import fuzz, process
from sqlalchemy import Connection

from connectors.records import CodeField
from sync.cli.session import utc_now
from sync.errors import ConfigurationError
from sync.store.money import decisions
from sync.store.money.decisions import Money, Said, Target
from sync.store.money.levels import ITEM, LINE, OBJECTIVE, words
from sync.store.money.shares import WHOLE
from sync.store.schema import AnyRow

FIELDS = (*CodeField, LINE)
PERCENT = re.compile(r"(?P<whole>[0-9]{1,3})(?:\.(?P<part>[0-9]{1,4}))?%?", re.ASCII)


def said(by: str | None, reason: str) -> Said:
    """Say who decides, now, and why; a reason of spaces is none."""
    if not reason.strip():
        raise ConfigurationError("--reason: say why, so that others understand the decision later.")
    return Said((by or getpass.getuser()).strip(), utc_now(), reason.strip())


def read_money(connection: Connection, text: str, source: str | None) -> Money:
    """Read which money is meant; there must be some."""
    kind, mark, code = text.partition("=")
    field = kind.strip().casefold().replace(" ", "_") if mark else CodeField.PROJECT.value
    if not mark or field not in FIELDS:
        field, code = CodeField.PROJECT.value, text
    money = Money(field, code.strip(), source)
    if not decisions.count_lines(connection, money):
        known = decisions.known_codes(connection, field)
        near = process.extractOne(money.code, known, scorer=fuzz.ratio)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        of = f" of source {source!r}" if source else ""
        raise ConfigurationError(f"MONEY: no budget line{of} has the {words(field)} {money.code!r}.{hint}")
    return money


def read_target(connection: Connection, text: str) -> Target:
    """Read which work item or objective is meant: exactly one."""
    kind, mark, name = text.partition("=")
    kinds = {"item": ITEM, "objective": OBJECTIVE}
    wanted = kinds.get(kind.strip().casefold()) if mark else None
    found = decisions.find_targets(connection, name.strip() if wanted else text.strip())
    found = [target for target in found if wanted in (None, target.kind)]
    if not found:
        raise ConfigurationError(
            f"TARGET: {text!r} is neither a work item nor an objective in the store. "
            "Name an issue by its key or an objective by its id; run `tieline pull` first if it is new."
        )
    if len(found) > 1:
        places = ", ".join(f"{it.kind} {it.name} of {it.source}" for it in found)
        raise ConfigurationError(
            f"TARGET: {text!r} may be any of these: {places}. Write item=KEY or objective=ID, or give its id."
        )
    return found[0]


def read_percent(text: str | None) -> int | None:
    """Read a percent as millionths."""
    if text is None:
        return None
    match = PERCENT.fullmatch(text.strip())
    share = int(match["whole"] + (match["part"] or "").ljust(4, "0")) if match else 0
    if not 0 < share <= WHOLE:
        raise ConfigurationError(
            f"--percent: {text!r} is no percent: more than 0, at most 100, with at most four decimals."
        )
    return share


def money_text(money: Money) -> str:
    """Name the money a decision is about."""
    of = f" of {money.source}" if money.source else ""
    return f"{words(money.field)} {money.code}{of}"


def verdict_text(row: AnyRow) -> str:
    """Say what was decided, and who took it back."""
    return row.verdict if row.withdrawn_at is None else f"{row.verdict}, withdrawn by {row.withdrawn_by}"
