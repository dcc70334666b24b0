"""Atlassian's own examples of JQL, from its parser's package: ours takes and refuses the same queries."""

from __future__ import annotations

import json

import pytest

from rules.jql import JqlError, parse
from tests.npm import Package

PARSER = Package(
    "@atlaskit/jql-parser",
    "3.0.1",
    "JlXxZTTMfW6kXK9tuEjWhGxvvMUi4rU0092Mbn0IgcujzT15JsNdGCIPvCnHKuTwN5GId3SbSr08InpJX/0tWQ==",
    "jql-corpus",
)

Corpus = dict[str, list[str]]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    files = [json.loads(text) for text in PARSER.files("test-utils/data/", ".json")]
    return {kind: [query for file in files for query in file[kind]] for kind in ("valid", "invalid")}


def _is_taken(query: str) -> bool:
    try:
        parse(query)
    except JqlError:
        return False
    return True


def test_every_query_that_atlassian_takes_is_taken(corpus: Corpus) -> None:
    assert len(corpus["valid"]) > 200
    assert [query for query in corpus["valid"] if not _is_taken(query)] == []


def test_every_query_that_atlassian_refuses_is_refused(corpus: Corpus) -> None:
    assert len(corpus["invalid"]) > 300
    assert [query for query in corpus["invalid"] if _is_taken(query)] == []
