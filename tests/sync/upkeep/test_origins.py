"""Each setting is shown with who set it, the one that counts, and never with a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import ConfigurationError
from sync.settings import KEYS, SECRETS, load_settings
from sync.upkeep.origins import MASK, Setting, settings_with_origin

LINES = """\
# a comment

TIELINE_CURRENCY=GBP
JIRA_URL="https://jira.example"   # the address


export TIELINE_TIMEZONE='Europe/Berlin'
TIELINE_CURRENCY=EUR
JIRA_JQL=
TIELINE_MAX_SHARE=5%
"""


def listed(environ: dict[str, str], path: Path | None = None) -> dict[str, Setting]:
    return {it.key: it for it in settings_with_origin(environ, path)}


def dotenv(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_of_the_file_is_named_as_an_editor_counts_it(tmp_path: Path) -> None:
    path = dotenv(tmp_path, LINES)
    found = listed({}, path)
    assert list(found) == list(KEYS)
    assert {key: it.origin for key, it in found.items() if it.origin != "default"} == {
        "JIRA_URL": f"{path}:4",
        "TIELINE_TIMEZONE": f"{path}:7",
        "TIELINE_CURRENCY": f"{path}:8",
        "TIELINE_MAX_SHARE": f"{path}:10",
    }
    assert found["TIELINE_CURRENCY"].value == "EUR"
    assert found["TIELINE_MAX_SHARE"].value == "0.05"
    assert found["JIRA_JQL"] == Setting("JIRA_JQL", "issuetype = Epic", "default")
    assert found["JIRA_EMAIL"].value is None


def test_the_environment_is_named_where_it_wins(tmp_path: Path) -> None:
    found = listed({"TIELINE_CURRENCY": "CHF", "TIELINE_TIMEZONE": ""}, dotenv(tmp_path, LINES))
    assert found["TIELINE_CURRENCY"] == Setting("TIELINE_CURRENCY", "CHF", "environment")
    assert found["TIELINE_TIMEZONE"].value == "Europe/Berlin"


def test_a_secret_in_a_file_is_named_by_the_file_and_by_who_named_that(tmp_path: Path) -> None:
    secret = tmp_path / "pat"
    secret.write_text("s3cret", encoding="utf-8")
    path = dotenv(tmp_path, f"JIRA_PASSWORD=s3cret\nJIRA_PAT_FILE={secret}\n")
    found = listed({"JIRA_API_TOKEN_FILE": str(secret)}, path)
    assert found["JIRA_PASSWORD"] == Setting("JIRA_PASSWORD", MASK, f"{path}:1")
    assert found["JIRA_PAT"] == Setting("JIRA_PAT", MASK, f"{secret}, named by JIRA_PAT_FILE in {path}:2")
    assert found["JIRA_API_TOKEN"].origin == f"{secret}, named by JIRA_API_TOKEN_FILE in environment"
    assert "s3cret" not in str(found)


def test_of_the_stores_address_only_the_password_is_hidden() -> None:
    found = listed({"TIELINE_DATABASE_URL": "postgresql://tieline:s3cret@db.example/tieline"})
    assert found["TIELINE_DATABASE_URL"].value == "postgresql://tieline:***@db.example/tieline"
    query = listed({"TIELINE_DATABASE_URL": "postgresql://db.example/tieline?password=s3cret&user=t"})
    assert "s3cret" not in str(query)


values = st.sampled_from(["", "one", "two"])


@given(st.dictionaries(st.sampled_from(["JIRA_PAT", "JIRA_PAT_FILE"]), values), st.data())
def test_whoever_is_named_holds_the_value_that_counts(
    tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str], data: st.DataObject
) -> None:
    """Against `load_settings`: by the origin named, the value can be found again."""
    folder = tmp_path_factory.mktemp("origins")
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(["JIRA_PAT", "JIRA_PAT_FILE"]), values), max_size=4))
    for name in ("one", "two"):
        (folder / name).write_text(f"in {name}", encoding="utf-8")

    def said(key: str, value: str) -> str:
        return str(folder / value) if key.endswith("_FILE") and value else value

    path = dotenv(folder, "".join(f"{key}={said(key, value)}\n" for key, value in pairs))
    given_env = {key: said(key, value) for key, value in environ.items()}
    counted = load_settings(given_env, path).jira_pat
    origin = listed(given_env, path)["JIRA_PAT"].origin
    if origin == "default":
        assert counted is None
        return
    assert counted is not None
    held = {f"{path}:{number}": value for number, (key, value) in enumerate(pairs, start=1)}
    held["environment"] = given_env.get("JIRA_PAT", "")
    file, named, _ = origin.partition(", named by ")
    expected = Path(file).read_text(encoding="utf-8") if named else held[origin]
    assert counted.get_secret_value() == expected


VALID = {
    "TIELINE_DATABASE_URL": "sqlite:///x.db",
    "TIELINE_PING_URL": "https://ping.example/s3cret",
    "TIELINE_DIGEST_TO": "mailtos://anna:s3cret@example.com",
}


@pytest.mark.parametrize("key", SECRETS)
def test_no_secret_is_ever_shown(key: str) -> None:
    value = VALID.get(key, "anna:s3cret-0123456789-abc")
    assert "s3cret" not in str(listed({key: value}))


def test_mistakes_are_those_of_every_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TIELINE_CURENCY is not a setting"):
        settings_with_origin({}, dotenv(tmp_path, "TIELINE_CURENCY=EUR"))
