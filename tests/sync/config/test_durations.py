"""Lengths of time are read as people write them, and written as they are read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.config.durations import read_duration, spoken


@given(st.integers(1, 10_000_000))
def test_what_is_written_is_read_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert read_duration(spoken(duration)) == duration
    assert read_duration(f" {spoken(duration).upper()} ") == duration


@pytest.mark.parametrize(
    "text", ["", "h", "1", "90", "1d", "-1h", "1h-1m", "m90", "0h0m", "1.5h", "9" * 400 + "h"]
)
def test_what_is_no_length_of_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time; write one such as 90m, 4h or 1h30m"):
        read_duration(text)
