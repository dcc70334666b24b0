"""Turn clues into guesses, each with what is in doubt about it: years, periods, versions, currencies."""

from __future__ import annotations

import re
from typing import Any

from connectors.finance.calendar import Calendar, LabelForm, LabelRefused
from connectors.finance.clues import DATE, YEAR, Field
from connectors.finance.currencies import EXPONENTS

_LABELS = (
    *("{mon}", "{month}", "{mon}-{yy}", "{mon} {yy}", "{mon} {yyyy}", "{mon}-{yyyy}", "{month} {yyyy}"),
    *("{yyyy}-{mm}", "M{period}", "P{period}", "Q{quarter}"),
)
_DATES = (
    *(
        "{yyyy}-{mm}-{dd}",
        "{dd}/{mm}/{yyyy}",
        "{mm}/{dd}/{yyyy}",
        "{dd}.{mm}.{yyyy}",
        "{any}, {month} {dd}, {yyyy}",
    ),
    *("{yyyy}-{mm}", "{mon}-{yyyy}", "{mon}-{yy}", "{month} {yyyy}", "{fyyyy}{period}"),
)
_CALENDAR_YEAR = re.compile(r"(?:19|20)[0-9]{2}", re.ASCII)
_BUDGET_WORDS = re.compile(r"\b(?:PY|CY|BY)\b")  # prior, current and budget year
_OF_PAYMENTS = re.compile(r"supplier|vendor|invoice|\bpaid\b|payment|transaction n|voucher", re.IGNORECASE)
_SYMBOLS = {"£": "GBP", "€": "EUR", "¥": "JPY", "$": "USD"}
_VERSIONS = (
    ("actual", r"actual|spent|spend|paid|\bist\b|\bPY\b"),
    ("forecast", r"forecast|latest|prognose|estimate|\bCY\b"),
)


def is_pair(money: list[Field]) -> bool:
    words = ("debit|soll|cost|aufwand", "credit|haben|earning|ertrag|revenue")
    return len(money) == 2 and all(
        re.search(word, one.title, re.IGNORECASE) for word, one in zip(words, money, strict=True)
    )


def guess_dating(fields: list[Field], around: str, year: int) -> tuple[dict[str, Any], list[str]]:
    """Which column or constant gives the fiscal year, and what is in doubt about it."""
    for one in fields:
        values = set(one.cells)
        if not YEAR.search(one.title) or len(values) > 30 or not values:
            continue
        if all(
            re.fullmatch(r"(?:FY ?)?(?:19|2[0-9])[0-9]{2}", value.strip(), re.IGNORECASE) for value in values
        ):
            return {"fiscal_year": {"column": one.title}}, [
                f"{one.title} holds {', '.join(sorted(values)[:4])}"
            ]
        labels = {
            value.strip(): re.fullmatch(r"FY ?[0-9]{2}[-/]([0-9]{2})", value.strip()) for value in values
        }
        known = {value: 2000 + int(match[1]) for value, match in labels.items() if match}
        if len(known) == len(values):
            doubt = "doubt: fiscal years are named here by the year they end in"
            return {"fiscal_year": {"column": one.title, "values": known}}, [doubt]
    for one in fields:
        form = _date_form(one) if DATE.search(one.title) else None
        if form:
            doubt = "doubt: a fiscal year that does not start in January needs `calendar: {starts: 4}`"
            return {"dated": {"column": one.title, "label": form}}, [f"{one.title} holds dates; {doubt}"]
    named = re.search(r"(?:19|20)[0-9]{2}", around)
    if named:
        return {"fiscal_year": int(named[0])}, [f"doubt: {named[0]} is taken from the file's name or title"]
    return {"fiscal_year": year}, [f"doubt: the file names no year; {year} only stands in for it"]


def own_dating(amount: Field, fields: list[Field], when: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """When an amount is of, where its name or a column of its own says more than the table does."""
    for one in fields:
        begins = one.title.casefold().startswith(amount.title.casefold())
        if begins and one is not amount and one.cells and all(map(_CALENDAR_YEAR.fullmatch, one.cells)):
            return {"fiscal_year": {"column": one.title}}, [f"{one.title} holds the years of {amount.title}"]
    word = _BUDGET_WORDS.search(amount.title)
    budget = next((one for one in fields if one.title.casefold() == "budget year"), None)
    if word and budget and all(map(_CALENDAR_YEAR.fullmatch, budget.cells)):
        back = {"PY": 2, "CY": 1, "BY": 0}[word[0]]
        values = {year: int(year) - back for year in sorted(set(budget.cells))}
        said = f"doubt: {word[0]} is taken for the budget year" + (f" less {back}" if back else "")
        return {"fiscal_year": {"column": budget.title} | ({"values": values} if back else {})}, [said]
    return when, []


def _date_form(one: Field) -> str | None:
    for text in _DATES:
        form = LabelForm(text)
        if one.cells and all(_reads(form, cell) for cell in one.cells[:2000]):
            return text
    return None


def _reads(form: LabelForm, label: str) -> bool:
    try:
        return bool(form.read(label, Calendar()))
    except LabelRefused:
        return False


def period_columns(titles: list[str]) -> tuple[LabelForm, list[str]] | None:
    for text in _LABELS:
        form = LabelForm(text)
        found = [title for title in titles if form.pattern().fullmatch(title)]
        if len(found) >= 4:
            return form, found
    return None


def guess_version(title: str, others: list[str]) -> tuple[str, list[str]]:
    """What an amount means, by its name or, where that says nothing, by what stands beside it."""
    found = next((name for name, words in _VERSIONS if re.search(words, title, re.IGNORECASE)), None)
    if found is not None:
        return found, []
    paid = next((other for other in others if _OF_PAYMENTS.search(other)), None)
    if paid is None:
        return "budget", []
    return "actual", [f"doubt: {title} is taken for money spent, as there is a column {paid}"]


def guess_currency(fields: list[Field], symbol: str, around: str) -> tuple[Any, str]:
    for one in fields:
        values = {cell.strip().upper() for cell in one.cells}
        if values and values <= set(EXPONENTS):
            return {"column": one.title}, f"{one.title} holds {', '.join(sorted(values)[:4])}"
    code = next(
        (word for word in re.findall(r"\b[A-Z]{3}\b", f"{symbol} {around}") if word in EXPONENTS), None
    )
    if code:
        return code, f"{code} is named in a title or beside the amounts"
    mark = next((mark for mark in _SYMBOLS if mark in symbol + around), None)
    if mark:
        return _SYMBOLS[
            mark
        ], f"doubt: {mark} is also the sign of other currencies" if mark in "$¥" else f"sign {mark}"
    return "EUR", "doubt: nothing names the currency; EUR only stands in for it"
