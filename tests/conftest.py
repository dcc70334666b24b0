"""What every test stands on: a fixed clock, no network, no settings of one's own, and both databases."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from sync.store.database import open_store
from tests import jira_contract, network, postgres
from tests.clock import NOW, TODAY

# The gate must give the same answer twice: "ci" draws the same examples every time. To hunt for new ones:
# HYPOTHESIS_PROFILE=explore make test
settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# What a developer's shell may hold and a test must not see.
OWN_SETTINGS = ("JIRA_", "FINANCE_", "OBJECTIVES_", "TIELINE_")
SHELL_SETTINGS = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES"}


def is_foreign(variable: str) -> bool:
    name = variable.upper()
    return name.startswith(OWN_SETTINGS) or name in SHELL_SETTINGS


for variable in [name for name in os.environ if is_foreign(name)]:
    del os.environ[variable]


# A suite that a shell runs in the background ignores Ctrl-C, and hands that on to the commands it starts;
# some of these are to be stopped by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def missing_server() -> str | None:
    if postgres.server_url() is None:
        return f"{postgres.SERVER_VARIABLE} names no PostgreSQL server; .ci/with-postgresql starts one"
    return None


def missing_browser() -> str | None:
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        return "no chromium on the PATH (Debian: apt-get install chromium chromium-driver)"
    if not shutil.which("chromedriver"):
        return "no chromedriver on the PATH (Debian: apt-get install chromium-driver)"
    return None


def missing_promtool() -> str | None:
    if not shutil.which("promtool"):
        return "no promtool on the PATH (Debian: apt-get install --no-install-recommends prometheus)"
    return None


def missing_strace() -> str | None:
    return None if shutil.which("strace") else "no strace on the PATH (Debian: apt-get install strace)"


def missing_systemd() -> str | None:
    if not shutil.which("systemd-analyze"):
        return "no systemd-analyze on the PATH (Debian: apt-get install systemd)"
    return None


NEEDS = {
    "postgresql": missing_server,
    "browser": missing_browser,
    "promtool": missing_promtool,
    "strace": missing_strace,
    "systemd": missing_systemd,
}


# These files take a minute or more: one that began last would keep a single worker busy at the end.
LONG = frozenset(
    {"test_kill_matrix.py", "test_kill_matrix_postgresql.py", "test_workers.py", "test_failing_disk.py"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose server or browser is missing; TEST_REQUIRE_ALL=1 makes that a failure."""
    for marker, missing in NEEDS.items():
        reason = missing() if item.get_closest_marker(marker) else None
        if reason and os.environ.get("TEST_REQUIRE_ALL") == "1":
            pytest.fail(f"TEST_REQUIRE_ALL=1, but {reason}", pytrace=False)
        if reason:
            pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network.keep_in(patch)
        yield


@pytest.fixture(scope="session")
def breaches_of_contract() -> Iterator[list[str]]:
    with jira_contract.watched() as breaches:
        yield breaches


@pytest.fixture(autouse=True)
def every_request_keeps_the_contract(breaches_of_contract: list[str]) -> Iterator[None]:
    """Whatever a test is about: what it has the product ask of a Jira, the real Jira must know."""
    yield
    found = [*breaches_of_contract]
    breaches_of_contract.clear()
    assert not found, "\n".join(found)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def today() -> date:
    return TODAY


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this test alone: once a SQLite file, once a PostgreSQL database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tieline.db'}"
        return
    with postgres.fresh_database(postgres.server()) as url:
        yield url


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store of this test alone, with its tables and nothing in them, on both databases."""
    if request.param == "sqlite":
        mould = request.getfixturevalue("sqlite_mould")
        return f"sqlite:///{shutil.copy(mould, tmp_path / 'tieline.db')}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def postgresql_url(postgresql_mould: str) -> Iterator[str]:
    """The same where only PostgreSQL will do; the test is marked so."""
    with postgres.fresh_database(postgres.server(), postgresql_mould) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_mould(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to be copied: making one takes ten times as long."""
    path = tmp_path_factory.mktemp("mould") / "tieline.db"
    open_store(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_mould() -> Iterator[str]:
    """The name of a database to be copied."""
    with postgres.fresh_database(postgres.server()) as url:
        open_store(url).dispose()
        yield str(make_url(url).database)
