"""Patterns of `matches("…")`: whichever way they are looked for, the answer is the same."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.pattern import LARGE_PROGRAM, PatternError, compile_pattern, found, opening, portable


@given(
    pattern=st.text(alphabet="ab.*+?|()[]^$-\\dsw{2,}üß", max_size=14),
    texts=st.lists(st.text(alphabet="ab 1ü\nß", max_size=12), min_size=1, max_size=8),
)
@settings(max_examples=500)
def test_a_pattern_is_found_exactly_where_a_search_finds_it(pattern: str, texts: list[str]) -> None:
    with suppress(PatternError):
        ready = portable(pattern)
        searched = compile_pattern(ready)
        assert [found(ready, text) for text in texts] == [searched.search(text) is not None for text in texts]


@pytest.mark.parametrize(
    "pattern", ["(a|b)*a(a|b){12}$", "((((x?){9}){9}){9})", "(a|aa)+$", "[a-c]{900}", "^"]
)
def test_patterns_that_grow_large_are_answered_too(pattern: str) -> None:
    ready = portable(pattern)
    for text in ("", "a" * 5_000, "ab" * 2_500 + "c", "ba" * 2_500):
        assert found(ready, text) is (compile_pattern(ready).search(text) is not None)


def test_both_ways_of_looking_are_in_use() -> None:
    sizes = [compile_pattern(portable(pattern)).programsize for pattern in ("^x", "[a-c]{999}")]
    assert sizes[0] <= LARGE_PROGRAM < sizes[1]


@given(
    pattern=st.text(alphabet="ab.*+?|()[]^$-\\d{2,}üß", max_size=10).map("^{}".format),
    texts=st.lists(st.text(alphabet="ab1üß", max_size=6), min_size=1, max_size=8),
)
@settings(max_examples=500)
def test_where_a_pattern_is_found_the_text_begins_as_the_pattern_says(pattern: str, texts: list[str]) -> None:
    with suppress(PatternError):
        ready = portable(pattern)
        assert all(text.startswith(opening(ready)) for text in texts if found(ready, text))


@pytest.mark.parametrize(
    ("pattern", "start"),
    [
        (r"^\[(POC|SPIKE)\]", "["),
        ("^abc*d", "ab"),
        ("^über", "über"),
        ("^(?:tmp|test)", "t"),
        ("^[ab|]c|d", ""),
        (r"^a\(|b", ""),
        ("^a|^b", ""),
        ("(?i)^abc", ""),
        ("abc", ""),
        ("^.*", ""),
        ("^", ""),
    ],
)
def test_what_a_pattern_begins_with(pattern: str, start: str) -> None:
    assert opening(portable(pattern)) == start
