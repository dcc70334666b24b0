"""Refresh tokens on disk: the latest one goes on, nobody else reads it, and none is lost unnoticed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from connectors.errors import BadInput
from sync.config.tokens import FileTokens


@pytest.fixture
def tokens(tmp_path: Path) -> FileTokens:
    return FileTokens(tmp_path / "tokens")


def test_the_first_token_is_used_until_one_is_kept_and_then_the_latest(tokens: FileTokens) -> None:
    assert tokens.read("qbo", "first") == "first"
    tokens.keep("qbo", "first", "second")
    tokens.keep("qbo", "first", "third")
    assert tokens.read("qbo", "first") == "third"
    assert FileTokens(tokens.folder).read("qbo", "first") == "third"


def test_a_new_consent_starts_afresh(tokens: FileTokens) -> None:
    tokens.keep("qbo", "first", "second")
    assert tokens.read("qbo", "consented again") == "consented again"


def test_sources_do_not_share_tokens_even_where_their_names_look_alike(tokens: FileTokens) -> None:
    tokens.keep("a/b", "first", "one")
    tokens.keep("a-b", "first", "two")
    assert (tokens.read("a/b", "first"), tokens.read("a-b", "first")) == ("one", "two")


def test_only_this_account_may_read_them(tokens: FileTokens) -> None:
    tokens.keep("qbo", "first", "second")
    (file,) = tokens.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.folder.stat().st_mode) == 0o700
    file.chmod(0o644)
    with pytest.raises(BadInput, match=r"others than this account may read it.*chmod 600"):
        tokens.read("qbo", "first")


def test_the_first_token_is_nowhere_on_disk(tokens: FileTokens) -> None:
    tokens.read("qbo", "f1rst-token")
    tokens.keep("qbo", "f1rst-token", "second")
    assert "f1rst-token" not in "".join(file.read_text() for file in tokens.folder.iterdir())


def test_where_nothing_can_be_kept_nothing_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a file, not a folder")
    with pytest.raises(BadInput, match=r"cannot be kept there: .*TIELINE_TOKENS"):
        FileTokens(tmp_path / "tokens").read("qbo", "first")


def test_a_damaged_token_is_told_with_the_remedy(tokens: FileTokens) -> None:
    tokens.keep("qbo", "first", "second")
    (file,) = tokens.folder.iterdir()
    file.write_text("{")
    with pytest.raises(BadInput, match=r"cannot be read. Remove the file, and have a person consent again"):
        tokens.read("qbo", "first")
