"""What happens is told in lines that machines and people can read, without secrets and on stderr alone."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import BaseModel, SecretStr
from structlog.contextvars import bound_contextvars

from sync.frame.log import LogForm, LogLevel, log, logging_to, secrets_in
from tests.sync.cli.desk import CANARY

HOSTILE = "one\r\ntwo\x1b[31mred\x9b5m\u2028three\u202e"


@contextmanager
def lines(
    form: LogForm = LogForm.JSON, level: LogLevel = LogLevel.INFO, *secrets: str
) -> Iterator[list[str]]:
    stream, found = io.StringIO(), list[str]()
    with logging_to(stream, form, level, secrets):
        yield found
    found += stream.getvalue().split("\n")[:-1]


def test_a_line_is_an_object_with_time_level_event_and_what_is_bound() -> None:
    with lines() as said, bound_contextvars(run=7, step="pull jira"):
        log.warning("source incomplete", site="jira", seconds=0.5)
    (event,) = map(json.loads, said)
    assert event.pop("timestamp").endswith("Z")
    assert list(event.items())[:2] == [("level", "warning"), ("event", "source incomplete")]
    assert event == event | {"run": 7, "step": "pull jira", "site": "jira", "seconds": 0.5}


def test_connectors_that_log_by_the_standard_library_stand_beside() -> None:
    with lines() as said, bound_contextvars(run=7):
        logging.getLogger("tieline.requests").warning("a pause", extra={"seconds": 3})
    (event,) = map(json.loads, said)
    assert (event["run"], event["seconds"], event["event"]) == (7, 3, "a pause")


@pytest.mark.parametrize("form", [LogForm.JSON, LogForm.HUMAN])
def test_text_from_outside_makes_no_line_of_its_own_and_speaks_to_no_terminal(form: LogForm) -> None:
    with lines(form) as said, bound_contextvars(step=HOSTILE):
        log.info(HOSTILE, why=HOSTILE)
        log.error("broke off", exc_info=ValueError(HOSTILE))
    assert len(said) == 2
    assert all(character.isprintable() for line in said for character in line)
    assert "red" in said[0]
    assert "ValueError" in said[1]


@pytest.mark.parametrize("form", [LogForm.JSON, LogForm.HUMAN])
def test_a_secret_never_shows(form: LogForm) -> None:
    with lines(form, LogLevel.INFO, CANARY, f"{CANARY}-longer", "") as said:
        log.info(f"said {CANARY}-longer", why=f"x{CANARY}y", number=3)
        logging.getLogger("tieline.x").error("token %s", CANARY)
    assert len(said) == 2
    assert not any("canary" in line for line in said)
    assert "x***y" in said[0]


def test_people_get_a_line_of_text() -> None:
    with lines(LogForm.HUMAN) as said:
        log.info("step ended", step="pull jira", seconds=0.4)
    assert said[0][8:] == " info    step ended: step=pull jira seconds=0.4"


def test_what_is_below_the_level_is_not_written_and_nobody_hears_what_nobody_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with lines(LogForm.JSON, LogLevel.WARNING) as said:
        log.info("quiet")
        log.error("loud")
    assert [json.loads(line)["event"] for line in said] == ["loud"]
    with lines(LogForm.OFF) as nothing:
        log.error("loud")
    log.error("loud")
    assert nothing == []
    assert capsys.readouterr() == ("", "")


class Inner(BaseModel):
    token: SecretStr | None = None


class Outer(BaseModel):
    named: dict[str, Inner]
    many: tuple[Inner, ...]
    plain: str = "open"


def test_the_secrets_of_a_configuration_are_found_however_deep() -> None:
    one, two = Inner(token=SecretStr("one")), Inner(token=SecretStr("two"))
    assert sorted(secrets_in([Outer(named={"a": one}, many=(two, Inner()))])) == ["one", "two"]
