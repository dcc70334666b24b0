"""What is written into a `.env` is read back as it was, and only its owner can read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.errors import ConfigurationError
from sync.settings import read_dotenv
from sync.upkeep.envfile import env_text, write_private

lines = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1)


@given(st.dictionaries(st.sampled_from(["JIRA_PAT", "JIRA_JQL", "TIELINE_RULES"]), lines))
@example({"JIRA_PAT": "it's \\'a #secret"})
@example({"JIRA_PAT": "'"})
@example({"JIRA_PAT": "\\"})
@example({"JIRA_JQL": 'issuetype = Epic AND summary ~ "x # y" '})
def test_every_value_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    write_private(path, env_text(values))
    assert read_dotenv(path) == values
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere/\.env cannot be written: No such file"):
        write_private(tmp_path / "nowhere" / ".env", "x")
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_private(tmp_path / ".env", "x")
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
