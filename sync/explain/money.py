"""Explain budget lines: where each was read and how, which work it was matched with, what that serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rapidfuzz import fuzz, process
from sqlalchemy import Connection

from connectors.finance.config import FinanceMapping
from connectors.finance.money import format_minor
from connectors.finance.vocabulary import Amount, FromColumn
from sync.errors import ConfigurationError
from sync.explain.worth import worth_of
from sync.store.money import decisions, lines
from sync.store.money.conversions import Conversion
from sync.store.money.decisions import Money
from sync.store.money.levels import COLUMNS, CONFIRMED, LINE, Level, words
from sync.store.money.shares import percent_text
from sync.store.retention import forgotten_up_to
from sync.store.schema import AnyRow


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level of the order of matching on this line, and what it found."""

    title: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShareView:
    """The part of the line that falls to one work item, or to none: `why` tells which."""

    key: str | None
    summary: str
    amount_minor: int
    why: str
    objectives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """Everything there is to say about one budget line."""

    id: str
    source: str
    version: str
    period: str
    currency: str
    amount_minor: int
    worth: str
    place: str
    sha256: str | None
    mapping: tuple[str, ...]
    codes: tuple[str, ...]
    since_run: int
    earlier: tuple[str, ...]
    decisions: tuple[str, ...]
    levels: tuple[LevelView, ...]
    shares: tuple[ShareView, ...]


@dataclass(frozen=True, slots=True)
class LineExplainer:
    """Explains lines as the store holds them today; `mappings` are the finance sources by name.

    `conversion` is what other currencies are converted into, None where they are not.
    """

    connection: Connection
    mappings: Mapping[str, FinanceMapping]
    today: date
    conversion: Conversion | None = None

    def explain(self, name: str) -> list[LineExplanation]:
        """Explain the lines with an id, place or code; raise `ConfigurationError` where there is none."""
        found = self._find(name)
        tried = lines.tried_levels(self.connection, [row.id for row in found])
        return [self._one(row, tried[row.id]) for row in found]

    def _find(self, name: str) -> Sequence[AnyRow]:
        kind, mark, code = name.partition("=")
        field = kind.strip().replace(" ", "_")
        if mark and field in COLUMNS:
            money = Money(field, code.strip())
            found = lines.lines_with(self.connection, COLUMNS[field] == money.folded)
        else:
            found = lines.lines_named(self.connection, name)
        if not found:
            raise ConfigurationError(self._unknown(name))
        return found

    def _unknown(self, name: str) -> str:
        nearest = process.extractOne(name, decisions.known_codes(self.connection, LINE), scorer=fuzz.ratio)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        return (
            f"{name}: no such budget line in the store.{hint} "
            "Give its id, FILE:LINE, or a code such as project=CODE."
        )

    def _one(self, row: AnyRow, tried: Sequence[tuple[Level, lines.Hits]]) -> LineExplanation:
        return LineExplanation(
            id=row.source_id,
            source=row.source,
            version=row.version,
            period=row.period,
            currency=row.currency,
            amount_minor=row.amount_minor,
            worth=worth_of(self.connection, self.conversion, row),
            place=place_of(row.file, row.sheet, row.line) or f"source {row.source}",
            sha256=row.sha256,
            mapping=tuple(mapped(self.mappings.get(row.source), row)),
            codes=tuple(codes_of(row)),
            since_run=row.valid_from_run,
            earlier=tuple(self._earlier(row)),
            decisions=tuple(decided(one) for one in lines.decisions_on(self.connection, row.id)),
            levels=tuple(LevelView(level.title, tuple(map(hit_text, hits))) for level, hits in tried),
            shares=(*self._shares(row), *self._remainders(row)),
        )

    def _earlier(self, row: AnyRow) -> Iterator[str]:
        """Say what a line stated before, and since when that is kept."""
        first = row.valid_from_run
        for old in lines.past_of(self.connection, row.id):
            yield earlier(old)
            first = old.valid_from_run
        if first <= forgotten_up_to(self.connection):
            yield f"before run {first}: no longer kept (TIELINE_KEEP_HISTORY_DAYS)"

    def _shares(self, row: AnyRow) -> list[ShareView]:
        config = self.mappings.get(row.source)
        field = None if config is None else config.share_by
        return [
            ShareView(
                key=share.key,
                summary=share.summary,
                amount_minor=share.amount_minor,
                why=f"by {share.how}: {share.evidence}" + weight_text(field, share.weight),
                objectives=tuple(
                    objective_part(goal, share.amount_minor, row.currency)
                    for goal in lines.served_by(self.connection, share, self.today)
                ),
            )
            for share in lines.shares_of(self.connection, row.id, field)
        ]

    def _remainders(self, row: AnyRow) -> list[ShareView]:
        return [
            ShareView(
                key=None,
                summary="no work",
                amount_minor=left.amount_minor,
                why=left.reason + (f": {left.evidence}" if left.evidence else ""),
                objectives=() if left.objective is None else (standing(left.objective, live=left.live),),
            )
            for left in lines.remainders_of(self.connection, row.id, self.today)
        ]


def weight_text(field: str | None, weight: str | None) -> str:
    """Say what an item weighs in the field that its source shares money by."""
    return "" if field is None or weight is None else f" ({field} {weight})"


def objective_part(goal: AnyRow, share: int, currency: str) -> str:
    """Name an objective with its part of a share, where several have one or it has none."""
    named = standing(goal.source_id, live=goal.live)
    if goal.amount == share:
        return named
    return named + (f" {format_minor(goal.amount, currency)} {currency}" if goal.sharers else " no part")


def standing(name: str, *, live: object) -> str:
    """Name an objective, and say where it does not count."""
    return name if live else f"{name} (not live)"


def place_of(file: str | None, sheet: str | None, line: int | None) -> str:
    """Say where something stands."""
    on = f"sheet {sheet}" if sheet else ""
    return ", ".join(filter(None, (file, on, f"line {line}" if line else "")))


def codes_of(row: AnyRow) -> list[str]:
    """Say which codes and names a line carries."""
    said = [
        f"{words(field)} {getattr(row, field)}"
        for field in ("project", "cost_centre", "account", "description")
        if getattr(row, field)
    ]
    said += [f"names {key.upper()}" for key in (row.issues_folded or "").split()]
    return said + [f"part of {code}" for code in (row.parents_folded or "").split("\n") if code]


def mapped(config: FinanceMapping | None, row: AnyRow) -> list[str]:
    """Say how the line was read: which column gave what, by the mapping as it is declared now."""
    if config is None:
        return [f"no source {row.source!r} is declared any more"]
    columns = config.columns.model_dump()
    said = [f"{words(name)} from column {column!r}" for name, column in columns.items() if column is not None]
    said += [amount_text(amount) for amount in config.all_amounts() if may_give(amount, row)]
    said += [f"amounts from the columns {group.labels!r}" for group in config.periods]
    if config.share_by is not None:
        said.append(f"what several items share is divided by {config.share_by}")
    currency = config.currency
    said.append(f"currency from column {currency.column!r}" if isinstance(currency, FromColumn) else currency)
    return said + ([f"one written unit is {config.scale:,}"] if config.scale != 1 else [])


def may_give(amount: Amount, row: AnyRow) -> bool:
    """Say whether an amount of the mapping may be the one of this line."""
    year, version = amount.fiscal_year, amount.version
    other_year = isinstance(year, int) and year != row.fiscal_year
    return not other_year and (isinstance(version, FromColumn) or version == row.version)


def amount_text(amount: Amount) -> str:
    """Say which column an amount stands in."""
    if amount.column is None:
        return f"amount from column {amount.debit!r} less {amount.credit!r}"
    return f"amount from column {amount.column!r}"


def earlier(old: AnyRow) -> str:
    """Say what a line stated before it was restated."""
    amount = f"{format_minor(old.amount_minor, old.currency)} {old.currency}"
    place = place_of(old.file, old.sheet, old.line)
    return f"runs {old.valid_from_run} to {old.valid_to_run}: {amount}" + (f" ({place})" if place else "")


def decided(row: AnyRow) -> str:
    """Say what somebody decided about a line or its codes."""
    verb = "is for" if row.verdict == CONFIRMED else "is not for"
    about = f"{words(row.field)} {row.code} {verb} {row.called or row.target_name}"
    return f"decision {row.id}: {about}, {row.decided_by} on {row.decided_at:%Y-%m-%d}: {row.reason}"


def hit_text(hit: AnyRow) -> str:
    """Say what a level found."""
    share = "" if hit.share is None else f", {percent_text(hit.share)} %"
    return f"{hit.key or hit.source_id}{share} ({hit.evidence})"
