"""Settings come from `.env`, the environment and flags; every mistake is told, no secret is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.errors import ConfigurationError
from sync.settings import KEYS, SECRETS, Settings, load_settings, variables

EXAMPLE = Path(__file__).parents[2] / "config.example.env"


def dotenv(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / ".env"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def complaints(environ: dict[str, str], path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load_settings(environ, path)
    return list(error.value.problems)


def test_the_example_has_exactly_the_keys_of_the_settings() -> None:
    written = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(written) == sorted(KEYS)
    assert len(set(written)) == len(written)


def test_the_example_loads_as_it_stands_and_changes_no_default_but_those_to_fill_in() -> None:
    settings = load_settings({}, EXAMPLE)
    changed = {name for name in Settings.model_fields if getattr(settings, name) != getattr(Settings(), name)}
    assert changed == {"jira_url", "jira_email", "objectives_path"}


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = dotenv(
        tmp_path, "TIELINE_CURRENCY=EUR", "TIELINE_TIMEZONE=Europe/Berlin", "JIRA_URL=https://file.example"
    )
    environ = {"TIELINE_TIMEZONE": "Europe/Paris", "JIRA_URL": "https://env.example"}
    settings = load_settings(environ, path, {"JIRA_URL": "https://flag.example", "JIRA_JQL": None})
    assert (settings.currency, settings.timezone, settings.jira_url) == (
        "EUR",
        "Europe/Paris",
        "https://flag.example",
    )
    assert settings.jira_jql == "issuetype = Epic"


def test_a_key_without_a_value_leaves_the_default(tmp_path: Path) -> None:
    settings = load_settings({"TIELINE_MAX_CHANGES": ""}, dotenv(tmp_path, "JIRA_JQL=", "TIELINE_RULES"))
    assert (settings.max_changes, settings.jira_jql, settings.rules) == (500, "issuetype = Epic", None)


def test_unknown_keys_are_told_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = dotenv(tmp_path, "JIRA_ULR=x", "TIELINE_MAX_CHANGE=5", "PATH=untouched")
    assert complaints({"TIELINE_TIMEZON": "x", "JIRA_HOME": "other software's"}, path) == [
        f"{path}: JIRA_ULR is not a setting; did you mean JIRA_URL?",
        f"{path}: TIELINE_MAX_CHANGE is not a setting; did you mean TIELINE_MAX_CHANGES?",
        "environment: TIELINE_TIMEZON is not a setting; did you mean TIELINE_TIMEZONE?",
    ]


WRONG = {
    "TIELINE_TIMEZONE": ("Mars/Olympus", "'Mars/Olympus' is no time zone; use a name such as Europe/Berlin"),
    "TIELINE_SCHEDULE": (
        "at night",
        "'at night' is no cron expression; use five fields such as `0 2 * * *` (02:00 each night)",
    ),
    "TIELINE_CURRENCY": ("XYZ", "'XYZ' is no ISO 4217 currency code; use one such as USD or EUR"),
    "TIELINE_LABEL_PREFIX": ("a b", "a label may not hold spaces"),
    "TIELINE_MAX_CHANGES": ("many", "Input should be a valid integer, unable to parse string as an integer"),
    "TIELINE_MAX_SHARE": ("120%", "Input should be less than or equal to 1"),
    "TIELINE_MAX_SHRINK": ("0", "Input should be greater than 0"),
    "TIELINE_FISCAL_YEAR_START": ("13", "Input should be less than or equal to 12"),
}


@pytest.mark.parametrize("key", WRONG)
def test_a_value_that_cannot_be_used_is_told_with_its_key(key: str) -> None:
    value, problem = WRONG[key]
    assert complaints({key: value}) == [f"{key}: {problem}"]


def test_a_schedule_that_never_comes_is_refused() -> None:
    assert "is no cron expression" in complaints({"TIELINE_SCHEDULE": "0 2 31 4 *"})[0]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = complaints({key: value for key, (value, _) in WRONG.items()}, dotenv(tmp_path, "JIRA_ULR=x"))
    assert len(found) == len(WRONG) + 1


@pytest.mark.parametrize(
    ("written", "share"), [("20%", 0.2), ("0.05", 0.05), (" 12.5 % ", 0.125), ("1", 1.0)]
)
def test_a_share_may_be_written_as_a_percentage(written: str, share: float) -> None:
    assert load_settings({"TIELINE_MAX_SHARE": written}).max_share == share


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path, key: str) -> None:
    # Each takes secrets of a form of its own.
    is_address = key in {"TIELINE_PING_URL", "TIELINE_DIGEST_TO"}
    word = "https://hc.example.com/s3cret" if is_address else "anna:s3cret-word-0123456789"
    (tmp_path / "secret").write_text(f"{word}\n", encoding="utf-8")
    for environ in ({f"{key}_FILE": str(tmp_path / "secret")}, {key: word}):
        settings = load_settings(environ)
        secret = getattr(settings, KEYS[key])
        assert secret.get_secret_value() == word
        assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()
        assert variables(environ)[key] == word


def test_the_environment_wins_over_a_secret_file_named_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file", encoding="utf-8")
    path = dotenv(tmp_path, f"JIRA_PAT_FILE={tmp_path / 'secret'}")
    environ = {"JIRA_PAT": "from the environment"}
    secret = load_settings(environ, path).jira_pat
    assert secret is not None
    assert secret.get_secret_value() == "from the environment"
    assert variables(environ, path)["JIRA_PAT"] == "from the environment"


def test_a_secret_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert complaints({"JIRA_PAT_FILE": str(tmp_path / "absent")}) == [
        (
            f"JIRA_PAT_FILE: cannot read {tmp_path / 'absent'}: No such file or directory. "
            "Name a file that can be read."
        )
    ]
    assert "is not UTF-8 text" in complaints({"JIRA_PAT_FILE": str(tmp_path / "binary")})[0]


def test_a_wrong_value_is_told_without_the_secrets_beside_it() -> None:
    found = complaints({"JIRA_PAT": "s3cret", "TIELINE_MAX_CHANGES": "s3cret2"})
    assert "s3cret" not in " ".join(found)


def test_dotenv_may_begin_with_a_byte_order_mark_and_hold_dollar_signs(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfJIRA_PAT=pa$$word${HOME}\n")
    secret = load_settings({}, path).jira_pat
    assert secret is not None
    assert secret.get_secret_value() == "pa$$word${HOME}"
    path.write_bytes(b"JIRA_PAT=\xff\n")
    assert complaints({}, path) == [f"{path}: not UTF-8 text. Save it as UTF-8."]
