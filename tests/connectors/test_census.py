from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.census import Census, Entry

ids = st.integers(min_value=1, max_value=40)
entries = st.lists(
    st.builds(
        Entry,
        ids,
        st.sampled_from(["", "PAY-1", "PAY-2"]),
        st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
    )
)


@given(entries)
def test_a_census_lists_each_id_once_in_ascending_order(listed: list[Entry]) -> None:
    census = Census(listed)
    assert list(census.ids) == sorted({entry.id for entry in listed})
    assert all(str(entry.id) in census for entry in listed)
    assert "41" not in census


@given(entries)
def test_of_an_id_listed_twice_the_later_mention_counts(listed: list[Entry]) -> None:
    census, latest = Census(listed), {entry.id: entry for entry in listed}
    assert list(Census(latest.values()).news_to(census)) == []
    assert (census.keys, census.updated) == (
        Census(latest.values()).keys,
        Census(latest.values()).updated,
    )


@given(entries, st.lists(ids))
def test_a_joined_census_keeps_what_was_told_of_the_ids_it_had(listed: list[Entry], more: list[int]) -> None:
    census = Census(listed)
    joined = census.joined(more)
    assert set(joined.ids) == {*census.ids, *more}
    assert list(census.news_to(joined)) == []
    assert set(joined.without(census)) == {str(number) for number in more} - set(census)


@given(entries, entries)
def test_news_are_ids_that_are_unknown_or_told_of_otherwise(there: list[Entry], listed: list[Entry]) -> None:
    known = {entry.id: entry for entry in there}
    told = {entry.id: entry for entry in listed}
    changed = {
        number
        for number, entry in told.items()
        if number not in known
        or (entry.key and entry.key != known[number].key)
        or (entry.updated and entry.updated != known[number].updated)
    }
    assert set(Census(listed).news_to(Census(there))) == changed
