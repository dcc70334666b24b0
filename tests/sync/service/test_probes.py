"""Whether the service is ready, and its metrics, over HTTP: behind the gate, with the store up and down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text

from sync.errors import ConfigurationError
from sync.hooks.serving import no_report
from sync.service.metrics import StoreMetrics
from sync.service.probes import probe_routes
from sync.settings import load_settings
from sync.sources import SourcesConfig
from sync.store import runs
from sync.store.database import connect
from sync.web import Office, PageServer, build
from sync.wiring import build_service
from tests.clock import NOW

TOKEN = "canary-0123456789-abcdef"
MACHINE = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def answering(engine: Engine) -> Iterator[str]:
    settings = load_settings({"TIELINE_LOGINS": f"prometheus:{TOKEN}"})
    service, _ = build_service(settings, SourcesConfig(), engine, no_report, lambda: NOW)
    office = Office(settings, SourcesConfig(), engine, service.rules, service, lambda: NOW)
    probes = probe_routes(StoreMetrics(engine, [], lambda: NOW))
    with PageServer(build(office, probes), "127.0.0.1:0") as server:
        yield server.url


def ask(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=60, allow_redirects=False)


@pytest.mark.parametrize("path", ["readyz", "metrics"])
def test_without_a_token_nothing_but_livez_answers(engine: Engine, path: str) -> None:
    with answering(engine) as url:
        assert ask(f"{url}/livez").status_code == 200
        refused = ask(f"{url}/{path}")
        assert (refused.status_code, "tieline_" in refused.text) == (401, False)
        assert ask(f"{url}/{path}", **MACHINE).status_code == 200


def test_a_service_whose_store_answers_is_ready_also_while_a_run_is_at_work(engine: Engine) -> None:
    with answering(engine) as url:
        checks = {"store": "ok", "schema": "ok", "lease": "ok"}
        assert ask(f"{url}/readyz", **MACHINE).json() == {"ready": True, "checks": checks}
        assert "tieline_run_in_progress 0.0" in ask(f"{url}/metrics", **MACHINE).text
        with engine.begin() as connection:
            runs.take_lease(connection, "somebody", NOW, timedelta(minutes=1))
        assert "tieline_run_in_progress 1.0" in ask(f"{url}/metrics", **MACHINE).text
        assert ask(f"{url}/readyz", **MACHINE).status_code == 200


def test_a_schema_that_is_not_ours_is_not_ready(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with answering(engine) as url:
        said = ask(f"{url}/readyz", **MACHINE)
    assert said.status_code == 503
    assert said.json()["checks"]["schema"].startswith(
        "the store has schema 0001, this version of Tieline knows "
    )


def test_a_store_that_does_not_answer_is_not_ready_though_the_service_lives() -> None:
    engine = connect("postgresql://u:canary-word@127.0.0.1:9/d")
    with answering(engine) as url:
        assert ask(f"{url}/livez").status_code == 200
        ready, metrics = ask(f"{url}/readyz", **MACHINE), ask(f"{url}/metrics", **MACHINE)
    assert (ready.status_code, metrics.status_code) == (503, 503)
    assert ready.json()["checks"]["store"].startswith("OperationalError: connection")
    assert "canary" not in ready.text + metrics.text
    engine.dispose()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "TIELINE_PING_URL",
            "hc-ping.com/canary",
            "this is no web address; it must look like https://host/path",
        ),
        ("TIELINE_LOG", "xml", "'auto', 'json', 'human' or 'off'"),
        ("TIELINE_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("TIELINE_TIME_LIMIT", "4 hours", "'4 hours' is no length of time; write one such as 90m"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_the_remedy(key: str, value: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings({key: value})
    assert str(error.value).startswith(f"{key}: ")
    assert said in str(error.value)
    assert "canary" not in str(error.value)


def test_the_address_of_the_check_may_come_from_a_file_and_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "ping").write_text("https://hc.example.com/canary\n", encoding="utf-8")
    settings = load_settings({"TIELINE_PING_URL_FILE": str(tmp_path / "ping")})
    assert settings.ping_url is not None
    assert settings.ping_url.get_secret_value() == "https://hc.example.com/canary"
    assert "canary" not in repr(settings)
