"""An admin's afternoon: the page on rules by example is followed word by word."""

from __future__ import annotations

import sys
from datetime import datetime

import pytest

from tests.console import fits, follow
from tests.sync.cli.desk import NO_OBJECTIVE, ROOT, Desk

PAGE = (ROOT / "docs" / "rules-tutorial.md").read_text(encoding="utf-8")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    for key, due in (("PAY-1", "2026-02-13"), ("PAY-2", "2026-02-20"), ("PAY-3", "2026-06-30")):
        desk.jira.site.edit(key, {"duedate": due})
    env = (desk.folder / ".env").read_text(encoding="utf-8")
    env = env.replace("JIRA_MARKERS=none\n", "")  # as it is for whoever follows the page
    desk.write(".env", env + "TIELINE_RULES=rules\nTIELINE_WAIVERS=waivers.yaml\n")
    desk.write("waivers.yaml", "version: 1\nwaivers: []\n")
    return desk


def test_the_tutorial_can_be_followed_word_by_word(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_clock(now: datetime) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("sync.cli") and hasattr(module, "utc_now"):
                monkeypatch.setattr(module, "utc_now", lambda: now)

    def run(arguments: list[str]) -> str:
        said = desk.say(*arguments)
        return said.out + said.err

    found = [str(mismatch) for mismatch in follow(PAGE, desk.folder, run, set_clock)]
    assert not found, "\n\n".join(found)
    assert desk.labels("PAY-1") == ["align-late"]
    assert desk.labels("PAY-2") == ["people", NO_OBJECTIVE, "align-late"]


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("one\ntwo\nthree\n", True),
        ("one\n\ntwo\nthree\n", True),
        ("one\n…\nthree\n", True),
        ("…\nthree\n", True),
        ("one\n…\n", True),
        ("one\nthree\n", False),
        ("two\n…\n", False),
        ("one\n…\ntwo\n", False),
        ("", False),
    ],
)
def test_an_answer_fits_what_a_page_shows_line_by_line(shown: str, same: bool) -> None:
    assert fits(shown, "one\ntwo\nthree\n") is same
