"""Waiver files are read with every mistake at its place, against the rules they are for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from rules.moments import Context
from rules.pack import load, load_again, shipped
from rules.problem import RuleErrors
from rules.ruleset import RuleSet
from rules.schema import waiver_schema
from rules.vocabulary import VOCABULARY

NOW = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)
CONTEXT = Context(now=NOW)
WAIVER = """\
version: 1
waivers:
  - rule: epic-without-objective
    match: key IN (PAY-12, PAY-40)
    reason: Regulatory programme; the objective goes to the Q3 board
    owner: jane.doe@example.com
    until: 2026-09-30
"""
RULE = """\
version: 1
rules:
  - id: new-name
    was: old-name
    when: issuetype = Epic
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Story}}]
"""


def read(tmp_path: Path, text: str, context: Context = CONTEXT, rules: str = "") -> RuleSet:
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    files = shipped()
    if rules:
        files = [tmp_path / "rules.yaml"]
        files[0].write_text(rules, encoding="utf-8")
    return load(files, VOCABULARY, context, [path])


def test_a_waiver_says_what_is_accepted_why_by_whom_and_until_when(tmp_path: Path) -> None:
    (waiver,) = read(tmp_path, WAIVER + "    approver: board@example.com\n").waivers
    assert waiver.rule.id == "epic-without-objective"
    assert waiver.match == "key IN (PAY-12, PAY-40)"
    assert waiver.reason.startswith("Regulatory programme")
    assert (waiver.owner, waiver.approver) == ("jane.doe@example.com", "board@example.com")
    assert waiver.until == date(2026, 9, 30)
    assert waiver.line == 3


@pytest.mark.parametrize(
    ("until", "zone", "counts"),
    [
        ("2026-03-04", "UTC", True),
        ("2026-03-03", "UTC", False),
        ("2026-03-04", "Asia/Tokyo", False),  # there it is the morning of the 5th
        ("2026-03-04", "America/New_York", True),
    ],
)
def test_a_waiver_counts_to_midnight_of_the_services_zone(
    tmp_path: Path, until: str, zone: str, counts: bool
) -> None:
    rules = read(tmp_path, WAIVER.replace("2026-09-30", until))
    today = NOW.astimezone(ZoneInfo(zone)).date()
    rule = rules.get("epic-without-objective")
    assert rule is not None
    assert bool(rules.waivers_of(rule, today)) is counts


def test_a_waiver_for_a_rules_former_id_goes_on_for_the_rule(tmp_path: Path) -> None:
    (waiver,) = read(tmp_path, WAIVER.replace("epic-without-objective", "old-name"), rules=RULE).waivers
    assert waiver.rule.id == "new-name"


def test_a_set_is_loaded_again_from_its_own_text_when_the_files_are_gone(tmp_path: Path) -> None:
    before = read(tmp_path, WAIVER, rules=RULE.replace("old-name", "epic-without-objective"))
    (tmp_path / "rules.yaml").unlink()
    (tmp_path / "waivers.yaml").unlink()
    again = load_again(before.files, VOCABULARY, CONTEXT)
    assert (again.hash, again.digest) == (before.hash, before.digest)
    assert [waiver.key for waiver in again.waivers] == [waiver.key for waiver in before.waivers]


def test_an_empty_list_of_waivers_waives_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "version: 1\nwaivers:\n").waivers == ()


MISTAKES = {
    "rule: epic-without-objectiv": ("3:11", "There is no rule epic-without-objectiv. Did you mean epic-wit"),
    "match: kee = PAY-1": ("4:12", 'workItem has no field "kee". Did you mean key?'),
    "match: key WAS PAY-1": ("4:16", "WAS"),
    "until: 30.09.2026": ("7:12", '"30.09.2026" is not a day. Write until: 2026-09-30.'),
    "until: 2026-02-30": ("7:12", '"2026-02-30" is not a day.'),
    "until: 20260930": ("7:12", '"20260930" is not a day.'),
    "until: 2027-03-05": ("7:12", "A waiver lasts 365 days at most. Write 2027-03-04 or earlier."),
    "until:": ("7:5", "The waiver has no until. Add until: The last day it counts"),
    "owner: [jane]": ("6:12", "owner: takes one text."),
    "reason: ''": ("5:5", "The waiver has no reason."),
    "reasn: because": ("5:5", 'A waiver has no key "reasn". Did you mean reason?'),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_at_its_place_with_the_remedy(tmp_path: Path, line: str) -> None:
    key = {"reasn": "reason"}.get(line.partition(":")[0], line.partition(":")[0])
    text = "\n".join(
        kept[: len(kept) - len(kept.lstrip(" -"))] + line if kept.lstrip(" -").startswith(f"{key}:") else kept
        for kept in WAIVER.splitlines()
    )
    with pytest.raises(RuleErrors) as error:
        read(tmp_path, text)
    place, said = MISTAKES[line]
    problem = next(p for p in error.value.problems if said in p.text)
    assert f"{problem.line}:{problem.column}" == place


def test_a_waiver_that_stands_twice_is_refused_however_its_condition_is_written(tmp_path: Path) -> None:
    second = WAIVER.partition("waivers:\n")[2].replace("IN (PAY-12, PAY-40)", "in (PAY-12,  PAY-40)")
    with pytest.raises(RuleErrors, match=r"waivers.yaml:8:\d+\n.*\n.*This waiver stands at .*yaml:3 already"):
        read(tmp_path, WAIVER + second)


def test_mistakes_in_rules_and_in_waivers_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(RuleErrors) as error:
        read(tmp_path, WAIVER.replace("2026-09-30", "soon"), rules=RULE.replace("issuetype", "isuetype", 1))
    said = [problem.path.name for problem in error.value.problems]
    assert said == ["rules.yaml", "waivers.yaml"]


def test_waivers_in_a_rule_file_are_sent_to_a_file_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(RuleErrors, match="Waivers stand in files of their own: TIELINE_WAIVERS names them"):
        read(tmp_path, WAIVER, rules=RULE + "waivers: []\n")
    with pytest.raises(RuleErrors, match="Rules stand in files of their own: TIELINE_RULES names them"):
        read(tmp_path, WAIVER + "rules: []\n")


def test_the_schema_for_editors_takes_a_waiver_and_refuses_what_the_reader_refuses() -> None:
    validator = Draft202012Validator(waiver_schema())
    document = YAML(typ="safe", pure=True).load(WAIVER.replace("2026-09-30", "'2026-09-30'"))
    assert list(validator.iter_errors(document)) == []
    (waiver,) = document["waivers"]
    for wrong in ({"until": "soon"}, {"match": ""}, {"reasn": "because"}):
        broken = {**document, "waivers": [waiver | wrong]}
        assert list(validator.iter_errors(broken)), wrong
    without = {key: value for key, value in waiver.items() if key != "owner"}
    assert list(validator.iter_errors({**document, "waivers": [without]}))
