"""What goes wrong upstream of a night: in each story nothing at all is written, and a sentence says why.

Thirty epics serve an objective each and carry no label, three serve none and carry ours. Then something
breaks, and a naive service would put labels on everything or take them off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.errors import ConfigurationError, Exit, UserError
from sync.frame.result import RunResult
from sync.sandbox import Answer, Call, Deployment, Sandbox
from tests.sync.house import NO_OBJECTIVE, House

GOALS = [f"O{number}" for number in range(1, 7)]
RULE = """\
version: 1
rules:
  - id: everything
    when: |
      {when}
    label: everything
    tests:
      - flag: {{issuetype: {type}, labels: [odd]}}
      - pass: {{issuetype: Task}}
"""


def write(house: House, name: str, text: str) -> None:
    (house.folder / name).write_text(text, encoding="utf-8")


def objectives(house: House, *rows: str) -> None:
    write(house, "objectives.csv", "\n".join(["id,title,status", *rows]) + "\n")


def budgets(house: House, *rows: str) -> None:
    write(house, "budget.csv", "\n".join(["fiscal_year,currency,amount,project", *rows]) + "\n")


def rule(house: House, when: str, about: str = "Epic") -> None:
    write(house, "rules.yaml", RULE.format(when=when, type=about))
    house.more |= {"TIELINE_RULES": str(house.folder / "rules.yaml")}


@dataclass(frozen=True)
class Story:
    """What breaks, the exit code of the night after it, and what its messages say."""

    happens: Callable[[House], None]
    code: Exit
    says: str
    before: Callable[[House], None] = lambda _: None


def lose_the_field(house: House) -> None:
    house.jira.site.registry.fields[house.field_id]["name"] = "Renamed by an admin"
    house.more |= {"JIRA_OBJECTIVE_FIELD": "Objective ids"}


def wipe_the_field(house: House) -> None:
    for issue in list(house.jira.site.issues.values()):
        house.jira.site.edit(issue.key, {house.field_id: None})


def hide_half(house: House) -> None:
    issues = sorted(house.jira.site.issues)
    house.jira.site.permissions.hidden_issues.update(issues[: len(issues) // 2])


def give_nothing(house: House) -> None:
    empty = Answer(200, {"issues": [], "isLast": True})
    house.jira.before("POST", r"/search/jql", lambda _: empty)


def answer(status: int) -> Callable[[House], None]:
    def happens(house: House) -> None:
        def refuse(call: Call) -> Answer | None:
            return Answer(status, {"errorMessages": ["no"]})

        house.jira.before("*", r"/rest/api/", refuse)

    return happens


def calm_nights(house: House) -> None:
    house.more |= {"TIELINE_MAX_SHARE": "60%"}
    for _ in range(2):
        assert house.night().exit_code == Exit.OK


def tie_twice(house: House) -> None:
    """Every epic that serves an objective says so with a label as well, but for the first one."""
    for number in range(1, 30):
        house.jira.site.label(f"PAY-{number + 1}", add=[GOALS[number % 6]])
    assert house.night().exit_code == Exit.OK


def untie_most_fields(house: House) -> None:
    """Twenty lose the field, and all of them but the first are tied by their label still."""
    for number in range(20):
        house.jira.site.edit(f"PAY-{number + 1}", {house.field_id: None})


def odd_epics(house: House) -> None:
    """A rule of its own labels twelve epics of thirty-three."""
    for number in range(12):
        house.jira.site.label(f"PAY-{number + 1}", add=["odd"])
    rule(house, "issuetype = Epic AND labels = odd")
    house.more |= {"TIELINE_MAX_SHARE": "60%", "TIELINE_MAX_REMOVALS": "90%"}
    assert house.night().exit_code == Exit.OK


def let_all_labels_go(house: House) -> None:
    house.more |= {"TIELINE_MAX_REMOVALS": "100%"}
    rule(house, "issuetype = Epic AND labels = odd AND summary ~ nothing")


def stories_beside(house: House) -> None:
    """Fifteen stories stand beside the epics, and a rule labels three of them."""
    for number in range(15):
        house.add_epic(issuetype="Story", labels=["odd"] if number < 3 else [])
    rule(house, "issuetype = Story AND labels = odd", "Story")
    house.more |= {"JIRA_JQL": "project = PAY", "TIELINE_MAX_SHARE": "60%"}
    assert house.night().exit_code == Exit.OK


def second_project(house: House) -> None:
    house.jira.site.add_project("SEA", "Shipping")
    house.more |= {"JIRA_JQL": "issuetype = Epic", "TIELINE_MAX_SHARE": "60%", "TIELINE_MAX_SHIFT": "100%"}
    for _ in range(12):
        house.add_epic("O1", project="SEA")
    assert house.night().exit_code == Exit.OK


def empty_the_second_project(house: House) -> None:
    for number in range(12):
        house.jira.site.edit(f"SEA-{number + 1}", {house.field_id: None})


STORIES = {
    "half the objectives are retired under a generous limit": Story(
        lambda house: objectives(
            house, *(f"{goal},Goal {goal},{'closed' if goal < 'O4' else 'active'}" for goal in GOALS)
        ),
        Exit.GUARD,
        r"18 of 33 work items are unaligned: 54\.5%, where 9\.1% was usual; TIELINE_MAX_SHIFT allows 10% .*"
        r"--allow-changes 15",
        calm_nights,
    ),
    "one kind of link vanishes while another still ties most of the work": Story(
        untie_most_fields,
        Exit.GUARD,
        r"20 of 30 links by custom field are gone since the last night; TIELINE_MAX_LINKS_LOST allows 50%\.",
        tie_twice,
    ),
    "a rule is mistyped and finds nothing any more": Story(
        lambda house: rule(house, "issuetype = Epic AND labels = odd AND summary ~ nothing"),
        Exit.GUARD,
        r"The plan takes off 12 of our 12 labels; TIELINE_MAX_REMOVALS allows 90%",
        odd_epics,
    ),
    "a rule finds nothing any more where many labels may go": Story(
        let_all_labels_go,
        Exit.GUARD,
        r"Rule everything finds nothing any more, and would take align-everything off all 12 tickets",
        odd_epics,
    ),
    "a rule is suddenly true of all tickets of a type": Story(
        lambda house: rule(house, "issuetype = Story", "Story"),
        Exit.GUARD,
        r"Rule everything is now true of all 15 tickets like those it finds, and was not before",
        stories_beside,
    ),
    "one project of two loses its field": Story(
        empty_the_second_project,
        Exit.GUARD,
        r"In project SEA the plan changes 12 of 12 tickets; TIELINE_MAX_PROJECT_SHARE allows 50%",
        second_project,
    ),
    "the objectives file holds a header only": Story(
        objectives, Exit.INCOMPLETE, r"TIELINE_MAX_SHRINK allows 20%.*--allow-shrink"
    ),
    "the objectives file is cut off in the middle": Story(
        lambda house: objectives(house, "O1,Grow,active", "O2,Save,active"),
        Exit.INCOMPLETE,
        r"4 of 6 known rows are gone; TIELINE_MAX_SHRINK",
    ),
    "the objectives file is gone": Story(
        lambda house: (house.folder / "objectives.csv").unlink(), Exit.USAGE, r"objectives\.csv"
    ),
    "the objectives file has another header": Story(
        lambda house: write(house, "objectives.csv", "ziel,titel\nO1,Grow\n"),
        Exit.USAGE,
        r"objectives\.csv.*id",
    ),
    "all objectives are retired at once": Story(
        lambda house: objectives(house, *(f"{goal},Goal {goal},closed" for goal in GOALS)),
        Exit.GUARD,
        r"TIELINE_MAX_SHARE allows 20%\. If this is meant, run once with --allow-changes",
    ),
    "the field that holds objectives is renamed": Story(
        lose_the_field, Exit.USAGE, r"no field called 'Objective ids'"
    ),
    "the field that holds objectives is emptied on every ticket": Story(
        wipe_the_field, Exit.GUARD, r"The plan changes 30 of 33 tickets; TIELINE_MAX_SHARE"
    ),
    "half the tickets are hidden from the account": Story(hide_half, Exit.INCOMPLETE, r"TIELINE_MAX_SHRINK"),
    "the scope is mistyped and matches nothing": Story(
        lambda house: house.more.update({"JIRA_JQL": "project = PAY AND labels = nothing-has-this"}),
        Exit.INCOMPLETE,
        r"TIELINE_MAX_SHRINK",
    ),
    "searches come back empty": Story(give_nothing, Exit.INCOMPLETE, r"TIELINE_MAX_SHRINK"),
    "the credential has expired": Story(answer(401), Exit.ACCESS, r"401.*JIRA_API_TOKEN"),
    "Jira is under maintenance": Story(answer(503), Exit.INCOMPLETE, r"503"),
    "a rule is true for everything": Story(
        lambda house: rule(house, "issuetype = Epic"), Exit.GUARD, r"The plan changes 33 of 33 tickets"
    ),
    "a rule file is broken": Story(
        lambda house: rule(house, "issuetypo = Epic"), Exit.USAGE, r"rules\.yaml:5.*issuetypo"
    ),
    "the prefix of our labels is changed to one that no label may have": Story(
        lambda house: house.more.update({"TIELINE_LABEL_PREFIX": "align "}),
        Exit.USAGE,
        r"TIELINE_LABEL_PREFIX",
    ),
    "the time zone is mistyped": Story(
        lambda house: house.more.update({"TIELINE_TIMEZONE": "Europe/Berlim"}),
        Exit.USAGE,
        r"TIELINE_TIMEZONE.*Europe/Berlin",
    ),
    "the budget file is cut off in the middle of a row": Story(
        lambda house: write(
            house, "budget.csv", "fiscal_year,currency,amount,project\n2026,USD,1000,PAY-1\n2026,US"
        ),
        Exit.INCOMPLETE,
        r"TIELINE_MAX_SHRINK|--allow-rejects",
    ),
}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        house = House(jira, tmp_path, engine).furnish()
        objectives(house, *(f"{goal},Goal {goal},active" for goal in GOALS))
        budgets(house, *(f"2026,USD,{1000 + number},PAY-{number}" for number in range(1, 31)))
        house.more = {"FINANCE_PATH": str(tmp_path / "budget.csv")}
        for number in range(30):
            house.add_epic(GOALS[number % 6])
        for _ in range(3):
            house.add_epic()
        assert house.night().exit_code == Exit.OK
        yield house


def labels_of_all(house: House) -> dict[str, list[str]]:
    return {issue.key: house.labels(issue.key) for issue in list(house.jira.site.issues.values())}


def told(result: RunResult) -> str:
    pulled = [one.message or "" for one in result.pulled]
    return "\n".join([*pulled, *result.stopped, *result.incomplete.values()])


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_written_and_a_sentence_says_why(house: House, name: str) -> None:
    story = STORIES[name]
    story.before(house)
    before = labels_of_all(house)
    assert sum(any(label.startswith("align-") for label in labels) for labels in before.values()) >= 3
    story.happens(house)
    for _ in range(2):
        try:
            result = house.night()
            code, said = result.exit_code, told(result)
        except UserError as error:
            code, said = error.exit_code, "\n".join(error.problems)
        assert (code, house.writes()) == (story.code, 0), said
        assert re.search(story.says, said, re.DOTALL), said
        assert labels_of_all(house) == before


def test_the_message_of_a_guard_gives_the_word_that_lets_it_through_once(house: House) -> None:
    wipe_the_field(house)
    stopped = house.night()
    found = re.search(r"--allow-changes (\d+)", stopped.stopped[0])
    assert found
    assert house.night(allow_changes=int(found[1])).exit_code == Exit.OK
    assert all(NO_OBJECTIVE in labels for labels in labels_of_all(house).values())


def test_a_file_that_comes_back_whole_goes_on_where_it_was(house: House) -> None:
    objectives(house)
    house.night()
    objectives(house, *(f"{goal},Goal {goal},active" for goal in GOALS))
    healed = house.night()
    assert (healed.exit_code, house.writes()) == (Exit.OK, 0)


def test_a_broken_setting_is_told_before_anything_is_read(house: House) -> None:
    house.more |= {"TIELINE_MAX_SHARE": "lots"}
    with pytest.raises(ConfigurationError, match="TIELINE_MAX_SHARE"):
        house.night()
    assert house.jira.requests() == []
