"""Follow docs/install.md on a bare Debian with systemd, command by command, and look whether it holds.

A Debian is made with debootstrap in a folder and booted with systemd-nspawn; Jira is the sandbox with the
sample portfolio. Then deploy/Containerfile is built and run with podman as its head says, on the same Debian
in place of the image it names: nothing is fetched but packages of Debian and PyPI. Needs root.
`make soak-install` (ARGS="--only machine", "--only container", "--keep").
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from sync.sandbox import Call, Sandbox
from sync.sandbox.portfolio import SAMPLE, Portfolio
from tests.guide import Person, steps
from tests.system import bare_container, machine, trespass
from tests.system.looking import (
    FIELD,
    STATE,
    STOP_SECONDS,
    Findings,
    answer,
    labelled,
    lay_objectives,
    refused,
    sample_jira,
    without_objective,
)
from tests.system.machine import Done, Machine

# From nothing to nights that run by themselves and call for somebody: what it may take.
BAR_SECONDS = 15 * 60
CHECKOUT = "/usr/local/src/tieline"
UNITS = "/etc/systemd/system"
TIELINE = f"cd {STATE} && runuser -u tieline -- /opt/tieline/bin/tieline"
CALL_SECONDS = 10
TOKEN = "/etc/tieline/jira-token"
BERLIN = ZoneInfo("Europe/Berlin")
SCHEDULES = """
schedules:
  - {name: night, cron: 0 2 * * *, timezone: Europe/Berlin}
  - {name: changes, cron: 15 * * * *, sources: [jira]}
"""
# What another run at work leaves in the store.
AT_WORK = """\
import sqlite3
with sqlite3.connect("tieline.db") as store:
    store.execute("UPDATE lease SET holder = 'other', expires_at = '{until}'")
"""


@dataclass
class Try:
    """One machine that was installed as the page says, and what is looked at there."""

    machine: Machine
    jira: Sandbox
    portfolio: Portfolio
    found: Findings

    def follow_the_page(self) -> float:
        """Type every command of the page; give the seconds they took in all."""
        known = self.jira.credentials
        person = Person(self.jira.url, known.email, known.token, FIELD, "objectives.csv", "investments.csv")
        seconds = 0.0
        for step in steps():
            folder = step.folder or Path(CHECKOUT)
            if str(folder) == STATE and not self.machine.inside(f"{STATE}/objectives.csv").exists():
                lay_objectives(self.machine.inside(STATE))
                shutil.copy(SAMPLE / "investments.csv", self.machine.inside(STATE))
            done = self.machine.run(step.line, folder, person.types(step.words))
            seconds += done.seconds
            self.found.look(f"{done.seconds:6.1f} s  {step.line}", done.text[-2000:], holds=done.code == 0)
        return seconds

    def start(self, unit: str) -> int:
        """Start a unit and wait for its end, if it has one."""
        return self.machine.run(f"systemctl start '{unit}'").code

    def how(self, unit: str) -> tuple[str, str]:
        return self.machine.unit(unit, "Result"), self.machine.unit(unit, "ExecMainStatus")

    def alerts(self) -> list[str]:
        """What was written for whoever is to be called."""
        return self.machine.journal("--identifier tieline --priority alert").splitlines()

    def called(self, what: str, want: list[str]) -> None:
        """Look whether just these calls were made; systemd makes them a moment after the failure."""
        end = time.monotonic() + CALL_SECONDS
        while len(self.alerts()) < len(want) and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(1)
        self.found.same(what, self.alerts(), want)

    def tieline(self, words: str) -> Done:
        return self.machine.run(f"{TIELINE} {words}")

    def a_night(self) -> None:
        """The last commands of the page ran a night: labels are where objectives are not."""
        want = without_objective(self.jira, self.portfolio)
        self.found.same("systemd ran a night to its good end", self.how("tieline.service"), ("success", "0"))
        said = self.machine.journal("--unit tieline.service")
        self.found.look(
            "the journal says how many labels it wrote",
            said[-800:],
            holds=f"Labels written: {len(want)} added, 0 removed." in said,
        )
        self.found.same(
            f"{len(want)} epics without objective are labelled, and no other", labelled(self.jira), want
        )
        self.called("the alert was tried", ["test failed; see journalctl --unit test"])
        code = self.start("tieline.service")
        said = self.machine.journal("--unit tieline.service")
        self.found.same(
            "the second night writes nothing", (code, "Labels written: 0 added" in said), (0, True)
        )

    def the_timers(self) -> None:
        """The next night is at two in Berlin, and one that was missed is made up for."""
        for timer in ("tieline.timer", "tieline-backup.timer"):
            state = [self.machine.unit(timer, what) for what in ("UnitFileState", "ActiveState")]
            self.found.same(f"{timer} is armed, now and after a restart", state, ["enabled", "active"])
        due = self.next_elapse("tieline.timer").astimezone(BERLIN)
        begins = due.replace(hour=2, minute=0, second=0, microsecond=0)
        ahead = due - datetime.now(BERLIN)
        self.found.look(
            f"the next night begins on {due:%Y-%m-%d at %H:%M %Z}",
            due,
            holds=timedelta() <= due - begins <= timedelta(minutes=16)
            and timedelta() < ahead < timedelta(hours=25),
        )
        stamp = "/var/lib/systemd/timers/stamp-tieline.timer"
        self.drop_in("tieline.timer", "[Timer]\nRandomizedDelaySec=0")
        before = self.nights()
        self.machine.run(
            f"systemctl stop tieline.timer && touch -d '3 days ago' {stamp} && systemctl start tieline.timer"
        )
        self.found.same("a night that was missed is run at once", self.nights(before + 1), before + 1)
        self.machine.run(f"rm -r {UNITS}/tieline.timer.d && systemctl daemon-reload")
        self.machine.run("systemctl restart tieline.timer")

    def nights(self, wanted: int = 0, seconds: float = 60) -> int:
        """Count the nights that systemd saw to a good end; wait until there are as many as wanted."""
        end = time.monotonic() + seconds
        while True:
            said = self.machine.journal("--unit tieline.service")
            count = said.count("Finished tieline.service")
            if count >= wanted or time.monotonic() > end:
                return count
            time.sleep(0.5)

    def next_elapse(self, timer: str) -> datetime:
        told = self.machine.says(
            f"date --iso-8601=seconds -d \"$(systemctl show -P NextElapseUSecRealtime '{timer}')\""
        )
        return datetime.fromisoformat(told)

    def failing_nights(self) -> None:
        """A night that fails calls; a second run beside another one does not."""
        alerts = self.alerts()
        token = self.machine.inside(TOKEN)
        good = token.read_text()
        token.write_text("no longer good\n")
        code = self.start("tieline.service")
        self.found.same(
            "a night with a token that is no longer good fails",
            (code, *self.how("tieline.service")),
            (1, "exit-code", "4"),
        )
        alerts += ["tieline.service failed; see journalctl --unit tieline.service"]
        self.called("the journal has the alert", alerts)
        token.write_text(good)
        self.lease("2999-01-01 00:00:00")
        code = self.start("tieline.service")
        self.found.same(
            "a night beside another run is no failure",
            (code, *self.how("tieline.service")),
            (0, "success", "7"),
        )
        self.called("and calls nobody", alerts)
        self.lease("2000-01-01 00:00:00")
        self.found.same("the night after that is good", self.start("tieline.service"), 0)

    def lease(self, until: str) -> None:
        self.machine.run(
            "runuser -u tieline -- /opt/tieline/bin/python -", STATE, AT_WORK.format(until=until)
        )

    def backups(self) -> None:
        """The backup is whole, its like of a month ago goes, and nothing else does."""
        folder = self.machine.inside(f"{STATE}/backups")
        self.machine.run(
            f"runuser -u tieline -- sh -c 'mkdir -p {STATE}/backups; cd {STATE}/backups; "
            'touch -d "40 days ago" tieline-old.db kept.txt; touch -d "20 days ago" tieline-young.db\''
        )
        self.found.same("the backup ends well", self.start("tieline-backup.service"), 0)
        there = {path.name for path in folder.iterdir()}
        made = sorted(there - {"kept.txt", "tieline-young.db"})
        self.found.look(
            "one is there; that of 40 days ago is gone", there, holds=len(made) == 1 and len(there) == 3
        )
        verified = self.tieline(f"restore backups/{made[0]} --verify")
        self.found.look(
            "`restore --verify` finds it whole",
            verified.text,
            holds=verified.code == 0 and "The backup is whole." in verified.text,
        )
        with (folder / made[0]).open("r+b") as file:
            file.seek(1 << 20)
            file.write(bytes(1 << 20))
        broken = self.tieline(f"restore backups/{made[0]} --verify")
        self.found.look("and broken, once pages of it are", broken.text, holds=broken.code == 1)

    def the_service(self) -> None:
        """`serve` in place of the timer answers, and stops when it is told to."""
        alerts = self.alerts()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with self.machine.inside(f"{STATE}/.env").open("a") as file:
            file.write(f"TIELINE_LISTEN=127.0.0.1:{port}\n")
        self.machine.run("systemctl disable --now tieline.timer")
        self.machine.run(f"install -m 644 {CHECKOUT}/deploy/systemd/tieline-serve.service {UNITS}/")
        self.machine.run("systemctl daemon-reload && systemctl enable --now tieline-serve.service")
        self.found.same(
            "tieline-serve.service answers /livez", answer(f"http://127.0.0.1:{port}/livez"), "ok\n"
        )
        stopped = self.machine.run("systemctl disable --now tieline-serve.service")
        self.found.look(
            f"it stops in {stopped.seconds:.1f} s", stopped.text, holds=stopped.seconds < STOP_SECONDS
        )
        self.found.same("and well", self.how("tieline-serve.service"), ("success", "0"))
        self.drop_in("tieline-serve.service", '[Service]\nEnvironment="TIELINE_SCHEDULE=* * * * *"')
        self.cut_short("while Jira answers", 2)
        done = self.tieline("run")
        self.found.look("and the next night can begin at once", done.text[-800:], holds=done.code == 0)
        self.cut_short("while Jira does not answer", 3 * STOP_SECONDS)
        self.lease("2000-01-01 00:00:00")
        self.called("nobody is called for that", alerts)

    def cut_short(self, when: str, seconds: float) -> None:
        """Stop the service in the middle of a night, in which Jira takes so long for an answer."""
        asked = Event()

        def wait(call: Call) -> None:
            asked.set()
            time.sleep(seconds)

        self.jira.before("POST", "/search/jql", wait, 1)
        self.start("tieline-serve.service")
        self.found.look("a night begins within a minute", "no request", holds=asked.wait(90))
        stopped = self.machine.run("systemctl stop tieline-serve.service")
        self.found.look(
            f"in the middle of it, {when}, it stops in {stopped.seconds:.1f} s",
            stopped.text,
            holds=stopped.seconds < STOP_SECONDS,
        )
        self.found.same("and well", self.machine.unit("tieline-serve.service", "Result"), "success")

    def drop_in(self, unit: str, text: str) -> None:
        """Add to a unit, as `systemctl edit` does."""
        folder = f"{UNITS}/{unit}.d"
        self.machine.run(
            f"mkdir -p {folder} && cat > {folder}/tried.conf && systemctl daemon-reload", typed=f"{text}\n"
        )

    def metrics(self) -> None:
        """Metrics in a file elsewhere: the unit is told of its folder, as docs/operating.md says."""
        folder = "/var/lib/node_exporter"
        self.machine.run(f"install -d -o tieline {folder}")
        more = f"Environment=TIELINE_METRICS_FILE={folder}/tieline.prom\nReadWritePaths={folder}"
        self.drop_in("tieline.service", f"[Service]\n{more}")
        self.found.same("a night with metrics ends well", self.start("tieline.service"), 0)
        written = self.machine.says(f"cat {folder}/tieline.prom")
        self.found.look("they are there", written, holds="tieline_last_success_timestamp_seconds" in written)
        self.machine.run(f"rm -r {UNITS}/tieline.service.d && systemctl daemon-reload")

    def several_schedules(self) -> None:
        """A timer for each schedule: what is due is run once, and a failure calls by its name."""
        with self.machine.inside(f"{STATE}/sources.yaml").open("a") as file:
            file.write(SCHEDULES)
        self.machine.run(f"install -m 644 {CHECKOUT}/deploy/systemd/tieline@.* {UNITS}/")
        armed = self.machine.run(
            "systemctl daemon-reload && systemctl enable --now tieline@night.timer tieline@changes.timer"
        )
        self.found.same(
            "a timer for each of two schedules is armed", (armed.code, self.armed()), (0, ["active"] * 2)
        )
        wait = self.next_elapse("tieline@night.timer") - datetime.now(BERLIN)
        self.found.look("each asks within a quarter of an hour", wait, holds=wait < timedelta(minutes=17))
        codes = [self.start("tieline@night.service") for _ in range(2)]
        said = self.machine.journal("--unit tieline@night.service")
        self.found.look(
            "what is due is run once",
            (codes, said[-800:]),
            holds=codes == [0, 0]
            and said.count(": done") == 1
            and said.count("night: nothing to do. Next: ") == 1,
        )
        alerts = self.alerts()
        token = self.machine.inside(TOKEN)
        good = token.read_text()
        token.write_text("no longer good\n")
        self.start("tieline@changes.service")
        token.write_text(good)
        self.called(
            "one that fails calls by its name",
            [*alerts, "tieline@changes.service failed; see journalctl --unit tieline@changes.service"],
        )
        self.machine.run("systemctl disable --now tieline@night.timer tieline@changes.timer")

    def armed(self) -> list[str]:
        return [self.machine.unit(f"tieline@{name}.timer", "ActiveState") for name in ("night", "changes")]

    def hardening(self) -> None:
        """What the unit forbids cannot be done in it, even by root, who can without it."""
        script = f"{STATE}/trespass.py"
        shutil.copy(Path(trespass.__file__), self.machine.inside(script))
        free = json.loads(self.machine.says(f"/opt/tieline/bin/python {script}"))
        kept = [f"write {folder}" for folder in trespass.FOLDERS] + list(trespass.ACTS)
        self.found.same("root can do all that is tried", refused(free, kept), [])
        for account in ("tieline", "root"):
            if account == "root":  # Root's other processes show, to root.
                kept.remove("look_at_others")
            told = self.under_the_unit(script, account)
            self.found.same(f"{account} under tieline.service can do none of it", refused(told, kept), kept)
            own = [f"write {folder}" for folder in trespass.OWN]
            self.found.same("but write its own folders", refused(told, own), [])
            rights = {key: told[key] for key in ("CapBnd", "NoNewPrivs", "Seccomp")}
            want = {"CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
            self.found.same("it has no rights and gets none", rights, want)
        self.machine.inside(script).unlink()

    def under_the_unit(self, script: str, account: str) -> dict[str, str]:
        """Run the attempts in the unit as it is, but for its command and its account."""
        name = f"trespass-{account}.service"
        text = self.machine.inside(f"{UNITS}/tieline.service").read_text()
        lines = [
            line for line in text.splitlines() if not line.startswith(("ExecStart=", "OnFailure=", "User="))
        ]
        at = lines.index("[Service]") + 1
        lines[at:at] = [f"ExecStart=/opt/tieline/bin/python {script}", f"User={account}"]
        self.machine.run(
            f"mkdir -p /run/systemd/system && cat > /run/systemd/system/{name} && systemctl daemon-reload",
            typed="\n".join([*lines, ""]),
        )
        self.start(name)
        said = self.machine.journal(f"--unit {name}").splitlines()
        told = [line for line in said if line.startswith("{")]
        return json.loads(told[0]) if told else dict.fromkeys(["CapBnd", "NoNewPrivs", "Seccomp"], str(said))


def on_a_machine(root: Path, found: Findings) -> None:
    """Install as the page says, and look at what came of it."""
    machine.checkout(root / CHECKOUT.lstrip("/"))
    with sample_jira() as (jira, portfolio), machine.booted(root) as made:
        one = Try(made, jira, portfolio, found)
        sys.stdout.write("The page, from nothing to nights that run by themselves\n")
        seconds = one.follow_the_page()
        count = len(list(steps()))
        found.look(f"its {count} commands took {seconds:.0f} s in all", seconds, holds=seconds < BAR_SECONDS)
        for part in (
            one.a_night, one.the_timers, one.failing_nights, one.backups, one.the_service, one.metrics,
            one.several_schedules, one.hardening,
        ):  # fmt: skip
            found.begin(part)
            part()


def main() -> int:
    """Try it from the command line, and say what is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["machine", "container"])
    parser.add_argument("--keep", action="store_true", help="leave the folder of the machine there")
    options = parser.parse_args()
    wanted = {"machine", "container"} if options.only is None else {options.only}
    needed = machine.PROGRAMS | (bare_container.PROGRAMS if "container" in wanted else {})
    if lacks := machine.lacking(needed):
        sys.exit(f"This machine lacks {', '.join(lacks)}.")
    folder = Path(tempfile.mkdtemp(prefix="tieline-bare-"))
    found = Findings()
    try:
        began = time.monotonic()
        machine.make_debian(folder / "debian")
        sys.stdout.write(f"A bare Debian ({machine.RELEASE}) was made in {time.monotonic() - began:.0f} s\n")
        if "container" in wanted:
            subprocess.run(["cp", "--archive", folder / "debian", folder / "base"], check=True)
            bare_container.in_a_container(folder / "base", found)
        if "machine" in wanted:
            on_a_machine(folder / "debian", found)
    finally:
        if options.keep:
            sys.stdout.write(f"Kept: {folder}\n")
        else:
            shutil.rmtree(folder)
    sys.stdout.write("".join(f"{text}\n" for text in found.wrong) or "all is as the page says\n")
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
