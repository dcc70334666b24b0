"""A set of ids and keys that behaves as a set of strings does, in a fraction of the memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.names import Names

NAMES = st.one_of(
    st.integers(0, 10**13).map(str),
    st.builds("{}-{}".format, st.sampled_from(["PAY", "PAY2", "A_B", "É", ""]), st.integers(0, 3000)),
    st.sampled_from(
        ["007", "PAY-07", "PAY-", "-", "", "no key", "PAY-1-2", "²", "PAY-²", "٣", "-5", "PAY--5"]
    ),
    st.text(max_size=6),
)


@given(st.sets(NAMES), st.sets(NAMES))
def test_it_holds_what_was_added_and_nothing_else(added: set[str], asked: set[str]) -> None:
    names = Names(added)
    assert {name for name in added | asked if name in names} == added


def test_ids_and_keys_of_50_000_issues_take_three_megabytes_at_most() -> None:
    tracemalloc.start()
    names = Names()
    for number in range(0, 200_000, 4):
        names.add(str(3_000_000 + 10 * number))  # one issue in forty of the site is in scope
        names.add(f"PAY{number % 50}-{number // 50}")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "3000040" in names
    assert "3000050" not in names  # every fourth of them: one issue in forty
    assert size < 3 * 2**20
