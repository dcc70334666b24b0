"""Facts about the repository itself: a careless change to it fails like a careless change to the code."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGES = ("connectors", "rules", "sync")
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)((?:.*\\\n)*.*)", re.MULTILINE)


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git knows and that are there; a test that asks is skipped outside a git checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def tracked_texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def places(pattern: str) -> list[str]:
    """`file:line: match` for each match in a tracked text file, this one aside."""
    found = re.compile(pattern)
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in tracked_texts()
        if name != Path(__file__).relative_to(ROOT).as_posix()
        for match in found.finditer(text)
    ]


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    return {normalised(name): version for name, version, _ in PIN.findall((ROOT / lock).read_text())}


def project() -> dict[str, list[str]]:
    """The requirements of pyproject.toml, by the lock file that must hold them."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = declared["project"]["optional-dependencies"].values()
    groups = {
        group: [requirement for requirement in listed if isinstance(requirement, str)]
        for group, listed in declared["dependency-groups"].items()
    }
    return {
        "requirements.lock": declared["project"]["dependencies"] + [one for extra in extras for one in extra],
        "requirements-build.lock": groups["build"],
        "requirements-dev.lock": groups["build"] + groups["dev"],
    }


def test_no_tracked_file_names_a_package_index() -> None:
    index_option = r"(?m)^\s*(?:--)?(?:extra-)?index-url\b|--find-links\b|--trusted-host\b"
    index_host = r"https?://[^\s/]*(?:pypi|pythonhosted)[^\s/]*"
    assert places(f"{index_option}|{index_host}|/simple/?\\s*$") == []


def test_no_tracked_file_names_a_folder_of_somebodys_machine() -> None:
    assert places(r"(?<![\w.:/~-])/(?:work|root|home|Users)/\w+|\b[A-Z]:\\Users\\\w+") == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_carries_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text()
    bare = [
        name for name, _, rest in PIN.findall(text) if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest)
    ]
    unpinned = [line for line in text.splitlines() if re.match(r"[^\s#]", line) and not PIN.match(line)]
    assert (bare, unpinned) == ([], [])


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_requirement_is_locked_at_a_version_it_allows(lock: str) -> None:
    locked = pins(lock)
    wanted = [Requirement(line) for line in project()[lock]]
    missing = [str(one) for one in wanted if normalised(one.name) not in locked]
    outside = [
        str(one) for one in wanted if one.specifier.contains(locked.get(normalised(one.name), "0")) is False
    ]
    assert (missing, outside) == ([], []), "run: make lock"


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_the_locks_agree_on_every_version_they_share(lock: str) -> None:
    running = pins("requirements.lock")
    assert {
        name: version for name, version in pins(lock).items() if running.get(name, version) != version
    } == {}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    own = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=root, env=own, capture_output=True, text=True, check=False)


def test_the_walls_between_the_packages_stand() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("connectors/base.py", "import rules"),
        ("rules/__init__.py", "import sync"),
        ("rules/__init__.py", "import connectors.http"),
        ("rules/__init__.py", "import sqlmodel"),
        ("connectors/finance/__init__.py", "import connectors.jira"),
        ("sync/__init__.py", "import requests"),
        ("connectors/base.py", "import alembic"),
    ],
)
def test_an_import_through_a_wall_is_caught(module: str, planted: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as source:
        source.write(f"\n{planted}\n")
    checked = lint_imports(tmp_path)
    assert "BROKEN" in checked.stdout, checked.stdout + checked.stderr


def test_every_module_opens_with_a_sentence_that_says_what_it_is_for() -> None:
    trees = {named(path): ast.parse(path.read_text(encoding="utf-8")) for path in modules()}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_module_is_named_for_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert [named(path) for path in modules() if {path.stem, path.parent.name} & vague] == []


CLOCK_AND_ENVIRONMENT = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "os.environ", "os.getenv",
}  # fmt: skip


# Retry-After may be a date: the clock is a field of the retry policy there, with the real one as its default.
OWN_CLOCK = {"connectors/http.py"}


def reads(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    dotted = {(node.lineno, ast.unparse(node)) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return [f"{named(path)}:{line}: {name}" for line, name in sorted(dotted) if is_a_reading(name)]


def is_a_reading(name: str) -> bool:
    return ".".join(name.split(".")[-2:]) in CLOCK_AND_ENVIRONMENT


def test_connectors_and_rules_are_told_the_time_and_the_settings() -> None:
    told = [path for path in modules() if named(path).startswith(("connectors/", "rules/"))]
    assert [reading for path in told if named(path) not in OWN_CLOCK for reading in reads(path)] == []


def test_the_wheel_carries_every_tracked_file_of_the_three_packages(tmp_path: Path) -> None:
    ours = {named(path) for path in tracked() if named(path).split("/")[0] in PACKAGES}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert sorted(ours - set(wheel.namelist())) == []


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def test_every_link_from_a_page_to_a_file_leads_somewhere() -> None:
    link = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
    assert [
        f"{named(page)}: {target}"
        for page in pages()
        for target in link.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ] == []


def test_every_make_target_that_a_page_mentions_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = re.compile(r"(?m)(?:^|`)make ([a-z][a-z-]*)")
    assert [
        f"{named(page)}: make {target}"
        for page in pages()
        for target in mentioned.findall(page.read_text(encoding="utf-8"))
        if target not in targets
    ] == []


def test_the_sample_test_for_contributors_passes() -> None:
    sample = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert sample
    written: dict[str, Any] = {}
    exec(compile(sample[1], "CONTRIBUTING.md", "exec"), written)
    tests = [value for name, value in written.items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0]()
