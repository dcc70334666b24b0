"""What labels of months, periods and quarters stand for, whatever month the fiscal year starts in."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.finance.calendar import MONTHS, Calendar, LabelForm, LabelRefused, Moment

UK = Calendar(starts=4, named_by="start")
US = Calendar(starts=10, named_by="end")


@pytest.mark.parametrize(
    ("form", "label", "calendar", "moment"),
    [
        ("{mon}", "Jan", Calendar(), Moment(None, "01")),
        ("{mon}", "SEPT", Calendar(), Moment(None, "09")),
        ("{month}", "april", UK, Moment(None, "01")),
        ("{mon}-{yy}", "Jan-26", UK, Moment(2025, "10")),
        ("{mon}-{yy}", "Jan-26", US, Moment(2026, "04")),
        ("{mon}-{yy}", "Oct-26", US, Moment(2027, "01")),
        ("{yyyy}-{mm}", "2026-01", Calendar(), Moment(2026, "01")),
        ("{yyyy}-{mm}-{dd}", "2026-04-01", UK, Moment(2026, "01")),
        ("M{period}", "M01", UK, Moment(None, "01")),
        ("P{period}", "p13", Calendar(), Moment(None, "13")),
        ("{fyyyy}{period}", "2026001", Calendar(), Moment(2026, "01")),
        ("Q{quarter}", "Q1", UK, Moment(None, "Q1")),
        ("Q{quarter} FY{fyy}", "Q4  FY26", UK, Moment(2026, "Q4")),
        ("Budget {mon} FY{fyyyy}", "Budget Jan FY2026", UK, Moment(2026, "10")),
        ("FY{any}-{fyy}", "FY13-14", Calendar(), Moment(2014, "")),
        ("{any}, {month} {dd}, {yyyy}", "Wednesday, May 04, 2022", UK, Moment(2022, "02")),
    ],
)
def test_a_label_is_read_by_its_form_and_the_calendar(
    form: str, label: str, calendar: Calendar, moment: Moment
) -> None:
    assert LabelForm(form).read(label, calendar) == moment


def test_months_of_another_language_are_declared() -> None:
    months = (*("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli"), *MONTHS[7:9], "Oktober")
    form = LabelForm("{month} {yyyy}", (*months, "November", "Dezember"))
    assert form.read("Dezember 2025", Calendar()) == Moment(2025, "12")


@pytest.mark.parametrize(
    ("form", "label", "reason"),
    [
        ("{mon}-{yy}", "Total", "'Total' is not written like '{mon}-{yy}'"),
        ("{mon}-{yy}", "Jan-2026", "is not written like"),
        ("{yyyy}-{mm}-{dd}", "2026-02-30", "'2026-02-30' is no day of the calendar"),
        ("P{period}", "P14", "is not written like"),
        ("Q{quarter}", "Q\u0661", "is not written like"),
    ],
)
def test_a_label_of_another_form_is_refused(form: str, label: str, reason: str) -> None:
    with pytest.raises(LabelRefused) as refused:
        LabelForm(form).read(label, Calendar())
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("{moon}", "{moon} is unknown; there are any, dd"),
        ("{mon} {mon}", "{mon} stands there twice"),
        ("Total", "names neither year nor period"),
        ("P{period} {yyyy}", "a calendar year needs a month"),
        ("{mon} P{period}", "names the period in two ways"),
    ],
)
def test_a_form_that_cannot_work_is_refused(form: str, reason: str) -> None:
    with pytest.raises(LabelRefused) as refused:
        LabelForm(form).pattern()
    assert reason in str(refused.value)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 12), st.sampled_from(["start", "end"]))
def test_every_month_is_in_the_fiscal_year_that_holds_it(day: date, starts: int, named_by: str) -> None:
    calendar = Calendar(starts, "start" if named_by == "start" else "end")
    moment = LabelForm("{yyyy}-{mm}").read(f"{day:%Y-%m}", calendar)
    assert moment.year is not None
    first_year = moment.year - (1 if named_by == "end" and starts > 1 else 0)
    months = first_year * 12 + starts - 1 + int(moment.part) - 1
    assert (months // 12, months % 12 + 1) == (day.year, day.month)
