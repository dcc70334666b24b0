"""What is shipped for operators holds: systemd accepts the units, and commands run as they are shown."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from ruamel.yaml import YAML

from sync.cli.app import app
from sync.cli.serve import GRACE_SECONDS
from sync.errors import Exit
from tests.guide import AS_THE_ACCOUNT, PAGE, Person, steps
from tests.sync.cli.conftest import deployment, desk
from tests.sync.cli.desk import Desk

__all__ = ["deployment", "desk"]

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*"))
EXAMPLES = sorted((DEPLOY / "examples").glob("*"))
SERVICES = ["tieline.service", "tieline@.service", "tieline-serve.service", "tieline-worker.service"]
# A backup starts none of what the others do, and may do no more.
HARDENED = [*SERVICES, "tieline-backup.service"]
TIELINE = Path(sys.executable).with_name("tieline")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands() -> set[str]:
    """Every command of ours that a unit, an example, a manifest or the page shows."""
    texts = [PAGE, *(read(path) for path in DEPLOY.rglob("*") if path.is_file())]
    shown = re.compile(r"""(?:/bin/|[`"]|&& |-c ")tieline"?,? "?([a-z]+)""")
    return {match for text in texts for match in shown.findall(text)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with the program where it is here: systemd looks whether what it is to start is there."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        # A template is looked at as the unit that is made of it.
        name = unit.name.replace("tieline@.", "tieline@night.")
        (folder / name).write_text(read(unit).replace("/opt/tieline/bin/tieline", str(TIELINE)))
    return folder


@pytest.mark.systemd
def test_systemd_accepts_every_unit(installed: Path) -> None:
    units = [str(unit) for unit in sorted(installed.iterdir()) if "alert@" not in unit.name]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    said = [line for line in checked.stderr.splitlines() if "tieline" in line]
    assert (checked.returncode, said) == (0, [])


@pytest.mark.systemd
@pytest.mark.parametrize("unit", HARDENED)
def test_the_service_is_exposed_little(installed: Path, unit: str) -> None:
    rated = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--threshold=20",
            str(installed / unit.replace("@.", "@night.")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-300:]


def test_the_services_are_hardened_alike() -> None:
    def hardening(name: str) -> list[str]:
        block = read(DEPLOY / "systemd" / name).partition("CapabilityBoundingSet")[2].split("\n\n")[0]
        return [line for line in block.splitlines() if not line.startswith("#")]

    first, *others = map(hardening, HARDENED)
    assert others == [first] * 4
    assert "NoNewPrivileges=yes" in hardening("tieline.service")


def test_a_missed_night_is_made_up_for_and_the_token_is_handed_over_as_a_file() -> None:
    timer, service = (read(DEPLOY / "systemd" / f"tieline.{kind}") for kind in ("timer", "service"))
    for line in ("Persistent=true", "RandomizedDelaySec=15min", "OnCalendar=*-*-* 02:00:00 Europe/Berlin"):
        assert line in timer.splitlines()
    for line in ("SuccessExitStatus=7", "Environment=JIRA_API_TOKEN_FILE=%d/jira-token"):
        assert line in service.splitlines()


def test_a_service_that_is_stopped_in_the_middle_of_a_night_has_not_failed() -> None:
    """It ends with 5 where a request does not come back in time, and nobody is to be called for that."""
    unit = read(DEPLOY / "systemd" / "tieline-serve.service").splitlines()
    assert f"SuccessExitStatus={Exit.INCOMPLETE.value}" in unit
    (allowed,) = [line for line in unit if line.startswith("TimeoutStopSec=")]
    assert GRACE_SECONDS < int(allowed.removeprefix("TimeoutStopSec=").removesuffix("s")) <= 30


def test_the_cron_job_is_never_two_at_once_and_may_write_in_one_place() -> None:
    spec = YAML(typ="safe").load(DEPLOY / "cronjob.yaml")["spec"]
    assert (spec["concurrencyPolicy"], spec["timeZone"]) == ("Forbid", "Europe/Berlin")
    job = spec["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert job["activeDeadlineSeconds"] > 0
    assert spec["startingDeadlineSeconds"] > 0
    assert pod["securityContext"]["runAsNonRoot"] is True
    context = container["securityContext"]
    assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
    assert context["capabilities"]["drop"] == ["ALL"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert pod["terminationGracePeriodSeconds"] == 10
    account = [pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")]
    assert account == [10001] * 3
    assert "useradd --uid 10001 --gid 10001 " in read(DEPLOY / "Containerfile")


def test_the_container_installs_as_the_page_does_and_holds_all_that_is_needed() -> None:
    text = read(DEPLOY / "Containerfile")
    for install in re.findall(r"/opt/tieline/bin/pip (install .*)", PAGE):
        assert install in text.replace("--no-cache-dir ", "").replace(" \\", "")
    for source in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())
    assert re.findall(r"^(?:USER|STOPSIGNAL|ENTRYPOINT) .*$", text, re.MULTILINE) == [
        "USER 10001:10001",
        "STOPSIGNAL SIGTERM",
        'ENTRYPOINT ["tieline"]',
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short(example: Path) -> None:
    assert len(read(example).splitlines()) <= 40


def test_every_command_that_is_shown_is_one_there_is() -> None:
    there = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    there |= {group.name for group in app.registered_groups}
    shown = commands()
    assert {"run", "serve", "backup", "restore", "init", "doctor", "purge"} <= shown
    assert shown <= there


# ---- what the examples call, called


def at_work(desk: Desk) -> None:
    """Let another run hold the lease."""
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE lease SET holder = 'other', expires_at = '2999-01-01 00:00:00'")
    store.dispose()


def shell(desk: Desk, command: str) -> subprocess.CompletedProcess[str]:
    path = f"{TIELINE.parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=desk.folder,
        env=desk.environ({"PATH": path}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def cron_lines(desk: Desk) -> list[str]:
    """The commands of the crontab, at this desk."""
    lines = [line for line in read(DEPLOY / "examples" / "crontab").splitlines() if re.match(r"\d", line)]
    found = [line.split(maxsplit=6)[6] for line in lines]
    return [
        one.replace("/var/lib/tieline", str(desk.folder)).replace("/opt/tieline/bin/", "") for one in found
    ]


def test_cron_mails_a_night_that_failed_and_no_other(desk: Desk) -> None:
    night, backup = cron_lines(desk)
    (desk.folder / "backups").mkdir()
    good = shell(desk, night)
    assert (good.returncode, good.stdout) == (0, "")
    assert (shell(desk, backup).stdout, len(list((desk.folder / "backups").iterdir()))) == ("", 1)
    at_work(desk)
    assert shell(desk, night).stdout == ""
    desk.write(".env", "JIRA_ULR=x\n")
    assert "did you mean JIRA_URL?" in shell(desk, night).stdout


def test_the_cron_job_of_kubernetes_takes_another_run_for_no_failure(desk: Desk) -> None:
    job = YAML(typ="safe").load(DEPLOY / "cronjob.yaml")["spec"]["jobTemplate"]["spec"]
    command = job["template"]["spec"]["containers"][0]["command"]
    assert command[:2] == ["/bin/sh", "-c"]
    assert shell(desk, command[2]).returncode == 0
    at_work(desk)
    assert shell(desk, command[2]).returncode == 0
    desk.write(".env", "JIRA_ULR=x\n")
    assert shell(desk, command[2]).returncode == 2


def test_several_schedules_are_asked_for_by_name_each_as_often_as_one_likes(desk: Desk) -> None:
    unit, timer = (read(DEPLOY / "systemd" / f"tieline@.{kind}") for kind in ("service", "timer"))
    assert "ExecStart=/opt/tieline/bin/tieline run --schedule %i" in unit.splitlines()
    assert "OnCalendar=*:0/15" in timer.splitlines()
    spec = YAML(typ="safe").load(DEPLOY / "cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    command = f"export SCHEDULE=night; {spec['containers'][0]['command'][2]}"
    asked = next(line for line in read(DEPLOY / "examples" / "crontab").splitlines() if "--schedule" in line)
    line = asked.removeprefix("# */15 * * * * tieline ").replace("/opt/tieline/bin/", "")
    first, again = shell(desk, command), shell(desk, command)
    assert (first.returncode, "Run 1: done" in first.stdout) == (0, True)
    assert (again.returncode, again.stdout.startswith("night: nothing to do. Next: ")) == (0, True)
    by_cron = shell(desk, line.replace("/var/lib/tieline", str(desk.folder)))
    assert (by_cron.returncode, by_cron.stdout) == (0, "")
    assert (desk.folder / "night.log").read_text().startswith("night: nothing to do.")


class Recorded:
    """Stands in for what Airflow or Dagster make of a definition: keeps what it was given."""

    made: list[Recorded]

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given, self.named = given, named
        type(self).made.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...


def stand_in(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    return module


@pytest.fixture
def orchestrators(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[Recorded]]:
    made = {name: type(name, (Recorded,), {"made": []}) for name in ("DAG", "BashOperator", "Schedule")}

    class Failed(Exception):
        def __init__(self, text: str, metadata: Any = None) -> None:
            super().__init__(text)

    def plain(function: Any) -> Any:
        return function

    modules = {
        "airflow": stand_in("airflow", DAG=made["DAG"]),
        "airflow.operators": stand_in("airflow.operators"),
        "airflow.operators.bash": stand_in("airflow.operators.bash", BashOperator=made["BashOperator"]),
        "pendulum": stand_in("pendulum", datetime=lambda *date, tz: (date, tz)),
        "dagster": stand_in(
            "dagster",
            Definitions=made["Schedule"],
            Failure=Failed,
            OpExecutionContext=object,
            ScheduleDefinition=made["Schedule"],
            job=plain,
            op=plain,
        ),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return made


def run_example(name: str) -> dict[str, Any]:
    written: dict[str, Any] = {"__name__": name}
    text = read(DEPLOY / "examples" / name)
    assert ast.get_docstring(ast.parse(text))
    exec(compile(text, name, "exec"), written)
    return written


def test_airflow_skips_the_task_where_another_run_is_at_work(
    desk: Desk, orchestrators: dict[str, type[Recorded]]
) -> None:
    run_example("airflow_dag.py")
    (task,), (dag,) = orchestrators["BashOperator"].made, orchestrators["DAG"].made
    assert (dag.named["catchup"], dag.named["max_active_runs"]) == (False, 1)
    assert task.named["execution_timeout"] == timedelta(hours=6)
    assert shell(desk, task.named["bash_command"]).returncode == 0
    at_work(desk)
    assert shell(desk, task.named["bash_command"]).returncode == task.named["skip_on_exit_code"]


class Context:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.log = types.SimpleNamespace(info=self.told.append)

    def add_output_metadata(self, metadata: Any) -> None:
        self.told.append(metadata)


def test_dagster_keeps_the_figures_and_takes_another_run_for_no_failure(
    desk: Desk, orchestrators: dict[str, type[Recorded]], monkeypatch: pytest.MonkeyPatch
) -> None:
    night = run_example("dagster_job.py")["night"]
    monkeypatch.chdir(desk.folder)
    for key, value in desk.environ({"PATH": f"{TIELINE.parent}:{os.environ['PATH']}"}).items():
        monkeypatch.setenv(key, value)
    context = Context()
    night(context)
    assert context.told == [{"run": 1, "status": "done"}]
    at_work(desk)
    night(context)
    assert context.told[1:] == ["Another run is at work; nothing to do."]
    desk.write(".env", "JIRA_ULR=x\n")
    with pytest.raises(Exception, match="did you mean JIRA_URL"):
        night(context)


# ---- the page, command by command

# What only a machine of one's own lets one do: packages, accounts, services. Here it is read, not run; `make
# soak-install` runs it.
ELSEWHERE = {"apt-get", "useradd", "systemctl", "journalctl"}
# What is there on a bare Debian before anything is installed, as far as the page calls it.
BARE = {
    "apt-get",
    "python3",
    "useradd",
    "chmod",
    "install",
    "runuser",
    "systemctl",
    "systemd-analyze",
    "journalctl",
}


def test_the_page_calls_nothing_that_a_bare_system_lacks() -> None:
    called = {step.words[0] for step in steps()}
    assert {word for word in called if not word.startswith("/opt/tieline/bin/")} <= BARE
    assert next(step.line for step in steps()) == "apt-get update"


def test_the_page_leads_from_nothing_to_a_night(desk: Desk, tmp_path: Path) -> None:
    """Every command in order, with the folders of a system under one of the test's own."""
    (desk.folder / ".env").unlink()
    system = tmp_path / "system"
    for folder in ("opt/tieline/bin", "var/lib/tieline", "etc/systemd/system"):
        (system / folder).mkdir(parents=True)
    (system / "opt/tieline/bin/tieline").symlink_to(TIELINE)
    for name in ("objectives.csv", "money.csv"):
        shutil.copy(desk.folder / name, system / "var/lib/tieline")
    known = desk.jira.credentials
    person = Person(desk.jira.url, known.email, known.token, "Objective ids", "objectives.csv", "money.csv")
    for step in steps():
        words = [placed(word, system) for word in step.words]
        if words[0] in ELSEWHERE or "venv" in words or words[0].endswith("/pip"):
            continue
        where = Path(placed(str(step.folder), system)) if step.folder else ROOT
        done = run_shown(words, where, desk, person.types(words))
        assert done.returncode == 0, f"{step.line}\n{done.stdout}{done.stderr}"
    state = system / "var/lib/tieline"
    assert desk.jira.credentials.token not in (state / ".env").read_text(encoding="utf-8")
    assert (state / "tieline-report").is_dir()
    assert {unit.name for unit in UNITS} - {*SERVICES[1:], "tieline@.timer"} == {
        path.name for path in (system / "etc/systemd/system").iterdir()
    }
    (system / "etc/tieline/jira-token").unlink()


def placed(word: str, system: Path) -> str:
    return re.sub(r"^/(?=(?:opt|var|etc)/)", f"{system}/", word)


def run_shown(words: list[str], where: Path, desk: Desk, typed: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page without the account that only a machine of one's own has."""
    if "/dev/stdin" in words:
        words = [word for word in words if word not in {"-g", "tieline"}]
    if words[: len(AS_THE_ACCOUNT)] == AS_THE_ACCOUNT:
        words = words[len(AS_THE_ACCOUNT) :]
    if words[0] == "systemd-analyze":
        for unit in words[2:]:
            text = Path(unit).read_text(encoding="utf-8")
            Path(unit).write_text(text.replace("/opt/tieline/bin/tieline", str(TIELINE)), encoding="utf-8")
    return subprocess.run(
        words,
        cwd=where,
        env=desk.environ({}),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
