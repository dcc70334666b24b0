"""What the rate headers of Jira Cloud and Data Center allow, in all the forms they come in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.allowance import Allowance, parse_retry_after, read_allowance

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DATA_CENTER = {
    "X-RateLimit-Limit": "50",
    "X-RateLimit-Interval-Seconds": "10",
    "X-RateLimit-FillRate": "20",
    "Retry-After": "0",
}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("Mon, 23 Nov 2026 02:01:30 GMT", 90.0),
        ("Mon, 23 Nov 2026 01:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 02:01:30 -0000", 90.0),
        ("-3", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_header_breaks_the_retry(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("reason", "site", "item"),
    [
        ("jira-quota-global-based", True, False),
        ("jira-quota-tenant-based", True, False),
        ("jira-burst-based", False, False),
        ("jira-per-issue-on-write", False, True),
        ("jira-cost-based", False, False),
        ("", False, False),
    ],
)
def test_the_reason_says_what_a_refusal_is_about(reason: str, site: bool, item: bool) -> None:
    allowance = read_allowance(429, {"Retry-After": "3", "RateLimit-Reason": reason}, NOW)
    assert allowance == Allowance(refused=True, whole_site=site, one_item=item, pause=3.0)


def test_a_server_that_is_down_for_a_while_is_so_for_every_request() -> None:
    assert read_allowance(503, {"Retry-After": "30"}, NOW) == Allowance(True, whole_site=True, pause=30.0)
    assert not read_allowance(503, {}, NOW).refused


@pytest.mark.parametrize("reset", ["2026-11-23T02:01Z", "2026-11-23T02:01:00Z", "2026-11-23T03:01:00+01:00"])
def test_the_later_of_retry_after_and_reset_counts(reset: str) -> None:
    asked = {"X-RateLimit-Reset": reset, "X-RateLimit-Remaining": "0"}
    assert read_allowance(429, asked | {"Retry-After": "5"}, NOW).pause == 60.0
    assert read_allowance(429, asked | {"Retry-After": "90"}, NOW).pause == 90.0
    assert read_allowance(200, asked, NOW).pause == 60.0


def test_dates_are_told_by_the_servers_clock_not_by_ours() -> None:
    hour_ahead = {"Date": "Mon, 23 Nov 2026 03:00:00 GMT", "Retry-After": "Mon, 23 Nov 2026 03:00:45 GMT"}
    assert read_allowance(429, hour_ahead, NOW).pause == 45.0


def test_a_reset_means_nothing_while_requests_are_left() -> None:
    headers = {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "2026-11-23T02:01Z"}
    assert read_allowance(200, headers, NOW) == Allowance(left=7.0)


def test_data_center_tells_its_bucket_with_every_answer() -> None:
    allowance = read_allowance(200, DATA_CENTER | {"X-RateLimit-Remaining": "49"}, NOW)
    assert allowance == Allowance(left=49.0, capacity=50.0, refill=2.0)
    empty = read_allowance(200, DATA_CENTER | {"X-RateLimit-Remaining": "0"}, NOW)
    assert empty.pause == 10.0


def test_nearness_to_the_limit_is_read() -> None:
    assert read_allowance(200, {"X-RateLimit-NearLimit": "true"}, NOW).near_limit


HEADERS = ["Retry-After", "RateLimit-Reason", "Date", "X-RateLimit-NearLimit"]
HEADERS += [f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Interval-Seconds", "FillRate")]
VALUES = st.one_of(
    st.text(max_size=30), st.integers().map(str), st.floats().map(str), st.datetimes().map(str)
)


@given(st.sampled_from([200, 429, 503]), st.dictionaries(st.sampled_from(HEADERS), VALUES))
def test_no_headers_break_the_reading_or_give_a_negative_number(status: int, headers: dict[str, str]) -> None:
    allowance = read_allowance(status, headers, NOW)
    numbers = (allowance.pause, allowance.left, allowance.capacity, allowance.refill)
    assert all(number is None or number >= 0 for number in numbers)
