"""Atlassian's own examples of JQL, from its parser's package: ours takes and refuses the same queries."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from rules.jql import JqlError, parse

PACKAGE, VERSION = "@atlaskit/jql-parser", "3.0.1"
SHA512 = "JlXxZTTMfW6kXK9tuEjWhGxvvMUi4rU0092Mbn0IgcujzT15JsNdGCIPvCnHKuTwN5GId3SbSr08InpJX/0tWQ=="
# The corpus stays out of the repository: npm fetches it once, where there is npm and a registry.
CACHE = Path(__file__).parents[2] / ".cache" / "jql-corpus"
ARCHIVE = CACHE / f"{PACKAGE.strip('@').replace('/', '-')}-{VERSION}.tgz"

Corpus = dict[str, list[str]]


def _fetch() -> str | None:
    """Put the package into the cache; the answer is why it cannot be."""
    if ARCHIVE.exists():
        return None
    npm = shutil.which("npm")
    if npm is None:
        return f"no npm on the PATH to fetch {PACKAGE} with"
    CACHE.mkdir(parents=True, exist_ok=True)
    # Two workers may come here at once: each fetches into a folder of its own, and the last one to move wins.
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--fetch-retries=0", "--fetch-timeout=10000"]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
        except subprocess.TimeoutExpired:
            return f"npm could not fetch {PACKAGE} within a minute"
        except subprocess.CalledProcessError:
            return f"npm cannot reach a registry that has {PACKAGE}@{VERSION}"
        (Path(folder) / ARCHIVE.name).replace(ARCHIVE)
    return None


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    reason = _fetch()
    if reason is not None:
        pytest.skip(reason)
    digest = base64.b64encode(hashlib.sha512(ARCHIVE.read_bytes()).digest()).decode()
    assert digest == SHA512, f"{ARCHIVE} is not the one expected"
    found: Corpus = {"valid": [], "invalid": []}
    with tarfile.open(ARCHIVE) as archive:
        for member in archive.getmembers():
            if member.name.startswith("package/test-utils/data/") and member.name.endswith(".json"):
                file = archive.extractfile(member)
                assert file is not None
                queries = json.load(file)
                found = {kind: found[kind] + queries[kind] for kind in found}
    return found


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
