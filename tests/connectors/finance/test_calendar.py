"""What labels of months, periods and quarters stand for, whatever month the fiscal year starts in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.finance.calendar import MONTHS, Calendar, LabelForm, LabelRefused, Moment
from connectors.finance.weeks import WeekCalendar, period_ends

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
        ("P{period}", "P17", "is not written like"),
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


def weeks(
    weekday: int, month: int, rule: Literal["last", "nearest"], pattern: tuple[int, ...]
) -> WeekCalendar:
    return WeekCalendar(pattern, weekday, month, rule, "start" if rule == "nearest" else "end")


RETAIL = weeks(5, 1, "nearest", (4, 5, 4))  # the retail calendar: Saturday nearest the end of January
CHIPS = weeks(5, 12, "last", (4, 4, 5))  # the last Saturday of December


@pytest.mark.parametrize(
    ("calendar", "day", "moment"),
    [
        # The retail federation's published years: 2012, 2017 and 2023 have 53 weeks.
        (RETAIL, date(2023, 1, 28), (2022, 12)),
        (RETAIL, date(2023, 1, 29), (2023, 1)),
        (RETAIL, date(2023, 2, 25), (2023, 1)),
        (RETAIL, date(2023, 2, 26), (2023, 2)),
        (RETAIL, date(2024, 1, 27), (2023, 12)),
        (RETAIL, date(2024, 2, 3), (2023, 12)),
        (RETAIL, date(2024, 2, 4), (2024, 1)),
        (RETAIL, date(2025, 2, 1), (2024, 12)),
        (RETAIL, date(2018, 2, 3), (2017, 12)),
        (RETAIL, date(2018, 2, 4), (2018, 1)),
        # Years that end on the last Saturday of December: 2022 has week 53, and so it ends on the 31st.
        (CHIPS, date(2021, 12, 25), (2021, 12)),
        (CHIPS, date(2021, 12, 26), (2022, 1)),
        (CHIPS, date(2022, 1, 22), (2022, 1)),
        (CHIPS, date(2022, 1, 23), (2022, 2)),
        (CHIPS, date(2022, 3, 26), (2022, 3)),
        (CHIPS, date(2022, 3, 27), (2022, 4)),
        (CHIPS, date(2022, 12, 31), (2022, 12)),
        (CHIPS, date(2023, 1, 1), (2023, 1)),
        (weeks(6, 6, "last", (4,)), date(2026, 6, 28), (2026, 13)),
    ],
)
def test_a_day_falls_into_its_period_of_a_year_of_weeks(
    calendar: WeekCalendar, day: date, moment: tuple[int, int]
) -> None:
    assert calendar.fiscal(day) == moment


def test_the_retail_years_of_fifty_three_weeks_are_the_published_ones() -> None:
    long = [year for year in range(2000, 2025) if RETAIL.weeks_in(year + 1) == 53]
    assert long == [2000, 2006, 2012, 2017, 2023]


@given(
    st.dates(date(1990, 1, 1), date(2090, 12, 31)),
    st.integers(0, 6),
    st.integers(1, 12),
    st.sampled_from(["last", "nearest"]),
    st.sampled_from([(4, 4, 5), (4, 5, 4), (5, 4, 4), (4,), (13,), (52,)]),
)
def test_periods_of_weeks_follow_each_other_without_gap_or_overlap(
    day: date, weekday: int, month: int, rule: Literal["last", "nearest"], pattern: tuple[int, ...]
) -> None:
    calendar = WeekCalendar(pattern, weekday, month, rule)
    today, tomorrow = calendar.fiscal(day), calendar.fiscal(day + timedelta(days=1))
    last = len(period_ends(pattern))
    if tomorrow != today:
        assert day.weekday() == weekday
        assert tomorrow == ((today[0] + 1, 1) if today[1] == last else (today[0], today[1] + 1))
    assert calendar.weeks_in(day.year) in {52, 53}


def test_a_pattern_that_does_not_fill_the_year_is_refused() -> None:
    with pytest.raises(ValueError, match="periods of 5-5 weeks do not fill a year of 52"):
        period_ends((5, 5))
