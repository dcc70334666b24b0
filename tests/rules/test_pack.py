"""Rule files to a rule set, and broken files to places and remedies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from rules.message import fill
from rules.moments import Context
from rules.pack import load
from rules.problem import RuleErrors
from rules.ruleset import RuleSet, Severity
from rules.testing import run
from rules.vocabulary import VOCABULARY

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
TESTS = "    tests: [{flag: {status: Open}}, {pass: {}}]\n"
WHOLE = """\
version: 1
rollups:
  openWork: {each: objective, count: workItem, where: statusCategory != Done}
  plan: {each: objective, max: workItem.due}
rules:
  - id: a-rule
    title: A rule
    each: objective
    when: |
      state = active AND openWork = 0
      AND plan IS EMPTY
    for: 2w
    clear_after: 12h
    severity: error
    label: no-work
    message: "{id} ({TITLE}) has no work"
    owner: pmo@example.com
    limit: {new: 200, share: 2.5%}
    why: because
    fix: do something
    tests:
      - flag: {state: active}
      - pass: {state: active, workItem: [{statusCategory: To Do}, {statusCategory: Done}]}
      - pass: {state: active, workItem: {statusCategory: Done, due: -1d}}
      - pass: {state: active, openWork: 2}
"""


def _load(folder: Path, **files: str) -> RuleSet:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load([folder], VOCABULARY, CONTEXT)


def _shown(folder: Path, **files: str) -> str:
    with pytest.raises(RuleErrors) as caught:
        _load(folder, **files)
    return str(caught.value).replace(f"{folder}/", "")


def _rule(body: str) -> str:
    return f"version: 1\nrules:\n  - id: r\n{body}"


def test_every_key_of_a_rule_is_read(tmp_path: Path) -> None:
    rules = _load(tmp_path, pack=WHOLE)
    rule = rules.get("a-rule")
    assert rule is not None
    assert (rule.title, rule.entity.name, rule.label, rule.owner) == (
        "A rule",
        "objective",
        "no-work",
        "pmo@example.com",
    )
    assert (rule.grace, rule.clear_after) == (timedelta(weeks=2), timedelta(hours=12))
    assert (rule.severity, rule.limit.new, rule.limit.share) == (Severity.ERROR, 200, Fraction(1, 40))
    assert (rule.why, rule.fix, rule.line) == ("because", "do something", 6)
    assert rule.message == "{key} ({title}) has no work"
    assert list(rule.evidence) == ["state", "openWork", "plan", "key", "title"]
    assert fill(rule.message, {"key": "OBJ-1", "title": "{key}"}) == "OBJ-1 ({key}) has no work"
    assert all(result.passed for result in run(rules)), [result.text for result in run(rules)]


def test_what_a_rule_leaves_out_has_a_default(tmp_path: Path) -> None:
    (rule,) = _load(tmp_path, pack=_rule(f"    when: status = Open\n{TESTS}")).rules
    assert (rule.title, rule.entity.name, rule.label, rule.message) == ("r", "workItem", None, "r")
    assert (rule.grace, rule.severity, rule.limit.new) == (timedelta(), Severity.WARNING, None)


def test_a_failed_test_says_which_part_was_what(tmp_path: Path) -> None:
    body = """\
    when: status = Open AND due < -30d
    tests:
      - flag: {status: Open}
      - pass: {status: open, due: -31d}
"""
    results = list(run(_load(tmp_path, pack=_rule(body))))
    assert [result.passed for result in results] == [False, False]
    assert results[0].text.replace(f"{tmp_path}/", "") == (
        "pack.yaml:6  r  test 1: should flag this item, but did not flag it\n"
        "    ✓ status = Open   (status is Open)\n"
        "    ? due < -30d   (due is empty)"
    )
    assert "should pass this item, but flagged it" in results[1].text


def test_the_hash_follows_the_meaning_and_nothing_else(tmp_path: Path) -> None:
    def hash_of(text: str, context: Context = CONTEXT) -> str:
        (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
        return load([tmp_path], VOCABULARY, context).rules[0].hash

    first = hash_of(WHOLE)
    later = Context(now=CONTEXT.now + timedelta(days=40))
    dated = WHOLE.replace("plan IS EMPTY", "starts < -30d")
    assert hash_of(WHOLE.replace("A rule", "Another title").replace("2w", "3w")) == first
    assert hash_of(WHOLE.replace("state = active AND", "STATE =   active and")) == first
    assert hash_of(dated, later) == hash_of(dated) != first
    assert hash_of(WHOLE.replace("openWork = 0", "openWork = 1")) != first
    assert hash_of(WHOLE.replace("where: statusCategory != Done", "where: status != Done")) != first


def test_a_mistake_is_shown_with_line_caret_and_remedy(tmp_path: Path) -> None:
    body = f"    when: |\n      type = Epic AND objectiv IS EMPTY\n{TESTS}"
    assert _shown(tmp_path, epics=_rule(body)) == (
        "epics.yaml:5:23  r\n"
        "    type = Epic AND objectiv IS EMPTY\n"
        '                    ^^^^^^^^ workItem has no field "objectiv". Did you mean objective?'
    )


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ("when: type = Epic AND objectiv IS EMPTY", "4:27"),
        ("when: 'type = Epic AND objectiv IS EMPTY'", "4:28"),
        ('when: "type = Epic AND objectiv IS EMPTY"', "4:28"),
        ("when: |-\n\n        type = Epic\n          AND objectiv IS EMPTY", "7:15"),
        ("when: >\n      type = Epic\n      AND objectiv IS EMPTY", "6:11"),
        ("when: type = Epic\n      AND objectiv IS EMPTY", "5:11"),
        ('when: "type = \\"Epic\\" AND objectiv IS EMPTY"', "4:11"),
    ],
)
def test_places_are_exact_in_every_style_of_text_without_escapes(
    tmp_path: Path, when: str, place: str
) -> None:
    assert _shown(tmp_path, pack=_rule(f"    {when}\n{TESTS}")).startswith(f"pack.yaml:{place}  r\n")


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    shown = _shown(
        tmp_path,
        a=_rule(f"    when: statu = Open\n    labl: x\n{TESTS}"),
        b=_rule(f"    when: status = Open\n{TESTS}"),
        c="version: 1\nrules: [",
    )
    heads = [line for line in shown.splitlines() if line.startswith(("a.", "b.", "c."))]
    assert heads == ["a.yaml:4:11  r", "a.yaml:5:5  r", "b.yaml:3:9  r", "c.yaml:2:9"]
    assert "The id r is taken by the rule at" in shown


BROKEN = {
    "a misspelt key": (_rule(f"    when: status = x\n    labl: x\n{TESTS}"), "5:5", "Did you mean label?"),
    "a misspelt entity": (
        _rule(f"    each: workitm\n    when: x = 1\n{TESTS}"),
        "4:11",
        "Did you mean workItem?",
    ),
    "no condition": (_rule(TESTS), "3:5", "Add when:"),
    "an empty condition": (_rule(f"    when: |\n{TESTS}"), "4:11", "A condition is missing"),
    "a list for a condition": (_rule(f"    when: [x]\n{TESTS}"), "4:11", "when: takes one text."),
    "no tests": (_rule("    when: status = x\n"), "3:5", "no flag and no pass test"),
    "no pass test": (
        _rule("    when: status = x\n    tests: [{flag: {}}]\n"),
        "5:5",
        "no pass test. Add - pass",
    ),
    "no flag test": (
        _rule("    when: status = x\n    tests: [{pass: {}}]\n"),
        "5:5",
        "no flag test. Add - flag",
    ),
    "a strange test": (
        _rule("    when: status = x\n    tests: [{flagg: {}}]\n"),
        "5:13",
        "A test is - flag:",
    ),
    "an unknown field in a test": (
        _rule("    when: status = x\n    tests: [{flag: {stats: x}}, {pass: {}}]\n"),
        "5:21",
        "Did you mean status?",
    ),
    "a wrong value in a test": (
        _rule("    when: status = x\n    tests: [{flag: {due: soon}}, {pass: {}}]\n"),
        "5:26",
        "is not a date",
    ),
    "an unknown state in a test": (
        _rule("    when: status = x\n    tests: [{flag: {objective: {state: actve}}}, {pass: {}}]\n"),
        "5:40",
        "has no value",
    ),
    "an unknown field in the message": (
        _rule(f'    when: status = x\n    message: "{{key}} {{sumary}}"\n{TESTS}'),
        "5:22",
        "Did you mean summary?",
    ),
    "a stray brace": (
        _rule(f'    when: status = x\n    message: "100 }}"\n{TESTS}'),
        "5:19",
        "must enclose a field",
    ),
    "a duration in words": (
        _rule(f"    when: status = x\n    for: 3 days\n{TESTS}"),
        "5:10",
        "Write 14d, 2w or 12h.",
    ),
    "an unknown severity": (
        _rule(f"    when: status = x\n    severity: warn\n{TESTS}"),
        "5:15",
        "Did you mean warning?",
    ),
    "a label of two words": (
        _rule(f"    when: status = x\n    label: no goal\n{TESTS}"),
        "5:12",
        "Write no-goal.",
    ),
    "a share without percent": (
        _rule(f"    when: status = x\n    limit: {{share: 5}}\n{TESTS}"),
        "5:20",
        "such as 10%",
    ),
    "a limit that is no number": (
        _rule(f"    when: status = x\n    limit: {{new: all}}\n{TESTS}"),
        "5:18",
        "whole number",
    ),
    "an unknown limit": (
        _rule(f"    when: status = x\n    limit: {{nw: 5}}\n{TESTS}"),
        "5:13",
        "Did you mean new?",
    ),
    "a tag": (_rule(f"    when: ! type = bug\n{TESTS}"), "4:11", "write NOT instead of a leading !"),
    "an anchor": (_rule(f"    when: &a status = x\n{TESTS}"), "4:11", "Anchors and aliases"),
    "a key twice": (
        _rule(f"    when: status = x\n    when: status = y\n{TESTS}"),
        "5:5",
        "stands here twice",
    ),
    "a rule without id": (f"version: 1\nrules:\n  - when: status = x\n{TESTS}", "3:5", "The rule has no id."),
    "a bad id": (
        f"version: 1\nrules:\n  - id: My Rule\n    when: status = x\n{TESTS}",
        "3:9",
        "small letters",
    ),
    "a rule that is a word": ("version: 1\nrules: [x]\n", "2:9", "A rule is a mapping"),
    "rules that are no list": ("version: 1\nrules: x\n", "2:8", "rules: is a list"),
    "an unknown version": ("version: 9\nrules: []\n", "1:10", "Write version: 1."),
    "no version": ("rules: []\n", "1:1", "Begin with version: 1."),
    "an unknown section": ("version: 1\nrule: []\n", "2:1", "Did you mean rules?"),
    "a second document": ("version: 1\nrules: []\n---\nx: 1\n", "3:1", "one document"),
    "broken YAML": (_rule('    when: "Cost Centre" = 4711\n'), "4:25", "under a |"),
    "colons in plain text": (_rule("    when: summary ~ a: b\n"), "4:22", "under a |"),
    "a roll-up without entity": (
        "version: 1\nrollups: {n: {count: workItem}}\n",
        "2:11",
        "Add each: objective.",
    ),
    "a roll-up of nothing": (
        "version: 1\nrollups: {n: {each: objective}}\n",
        "2:11",
        "one of count, sum, min, max",
    ),
    "a roll-up over no relation": (
        "version: 1\nrollups: {n: {each: objective, count: workItms}}\n",
        "2:39",
        "Did you mean workItem?",
    ),
    "a sum of words": (
        "version: 1\nrollups: {n: {each: objective, sum: workItem.key}}\n",
        "2:37",
        "workItem.hierarchyLevel",
    ),
    "a roll-up named like a field": (
        "version: 1\nrollups: {title: {each: objective, count: workItem}}\n",
        "2:11",
        "already has a field title",
    ),
    "a wrong condition in a roll-up": (
        'version: 1\nrollups: {n: {each: objective, count: workItem, where: "statu = x"}}\n',
        "2:57",
        "Did you mean status?",
    ),
    "a text in a list of rules": ("version: 1\nrollups: x\n", "2:10", "rollups: names fields"),
}


def _asks(when: str) -> str:
    return _rule(f"    when: |\n      {when}\n{TESTS}")


def _rolls_up(*bodies: str) -> str:
    lines = [f"  {name}: {{each: objective, {body}}}\n" for name, body in zip("ab", bodies, strict=True)]
    return "version: 1\nrollups:\n" + "".join(lines)


# What is well-formed and cannot be meant: where it stands, and the remedy.
MEANINGLESS = {
    "order among texts": (_asks("summary > 5"), "5:15", "Use ~ or !~."),
    "a text as a whole": (_asks("summary = invoice"), "5:15", "Use summary ~ invoice."),
    "order among options": (_asks("priority > Medium"), "5:16", "Use =, != or IN."),
    "a history": (_asks("status WAS Done"), "5:14", "Use for: to ask"),
    "a change": (_asks("status CHANGED"), "5:14", "or touched < -30d."),
    "an order": (_asks("status = Done ORDER BY key"), "5:30", "Leave ORDER BY out."),
    "the current user": (_asks("assignee = currentUser()"), "5:18", "Name the account"),
    "the members of a group": (_asks("assignee IN membersOf(admins)"), "5:19", "List the people"),
    "a misspelt function": (_asks("due < startOfMonht()"), "5:13", "Did you mean startOfMonth()?"),
    "a function of another kind": (_asks("status = startOfDay()"), "5:16", "Functions for it: valueOf()."),
    "no such day": (_asks('due < "2026-02-30"'), "5:13", "There is no such date as 2026-02-30."),
    "a number in words": (_asks("hierarchyLevel > one"), "5:24", "Write digits"),
    "another currency": (_asks('budget.amount > "5 EUR"'), "5:23", "Write the amount in USD."),
    "no such category": (_asks("statusCategory = Doen"), "5:24", "Did you mean Done?"),
    "fields of unlike kinds": (_asks("budget.amount > valueOf(due)"), "5:31", "they cannot be compared."),
    "many values on the right": (_asks("due > valueOf(objective.ends)"), "5:21", "Put it on the left."),
    "a look-around": (_asks('summary ~ matches("(?=x)")'), "5:25", "Prefer startsWith()"),
    "a back-reference": (_asks(r'summary ~ matches("(a)\\1")'), "5:25", "Prefer startsWith()"),
    "a reserved word": (_asks("changed > 5"), "5:7", 'Write "changed" in quotes'),
    "a missing bracket": (_asks("(status = Done"), "5:21", "a closing bracket"),
    "a missing operand": (_asks("status = AND due < -7d"), "5:16", "a name or a value should follow"),
    "a bare true": (_asks("objective.live = true"), "5:24", 'Write "true" in quotes'),
    "an unknown field of a relation": (_asks("objective.ownr = x"), "5:7", "Did you mean objective.owner?"),
    "arithmetic": (_asks("budget.actual > budget.amount * 2"), "5:37", "Write percentOf(110,"),
    "a word in a list of days": (_asks("due IN (soon, 2026-01-01)"), "5:15", 'Write "2026-03-31"'),
    "a field nobody declares": (_asks("status = x AND risk = High"), "5:22", "Declare fields: {risk: …}"),
    "a list for a title": (
        _rule(f"    title: [x]\n    when: status = x\n{TESTS}"),
        "4:12",
        "takes one text.",
    ),
    "a circle of roll-ups": (
        _rolls_up("count: workItem, where: b > 0", "count: workItem, where: a > 0"),
        "3:48",
        "they could run in a circle",
    ),
    "a sum of a roll-up": (
        _rolls_up("count: workItem", "sum: workItem.a"),
        "4:29",
        "one cannot build on another",
    ),
    "a parameter as a field": (
        _rule(f"    parameters: {{due: {{type: date, default: 2026-01-01}}}}\n    when: due < due\n{TESTS}"),
        "4:18",
        "Give the parameter another name.",
    ),
}


@pytest.mark.parametrize("name", [*BROKEN, *MEANINGLESS])
def test_each_broken_file_is_refused_at_the_right_place_with_a_remedy(tmp_path: Path, name: str) -> None:
    text, place, fragment = (BROKEN | MEANINGLESS)[name]
    shown = _shown(tmp_path, pack=text)
    assert shown.startswith(f"pack.yaml:{place}"), shown
    assert fragment in shown.splitlines()[2], shown


def test_files_that_cannot_be_read_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"version: 1\n# \xfc\n")
    (tmp_path / "empty.yaml").write_text("")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(RuleErrors) as caught:
        load([tmp_path, folder, tmp_path / "missing.yaml"], VOCABULARY, CONTEXT)
    shown = str(caught.value)
    for fragment in ("not UTF-8", "The file is empty.", "holds no *.yaml file", "No such file"):
        assert fragment in shown
    with pytest.raises(RuleErrors, match="There are no rules here"):
        _load(folder, only="version: 1\nrules: []\n")


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    assert "nested more than" in _shown(tmp_path, pack="version: 1\nrules: " + "[" * 500 + "]" * 500)
    assert "larger than" in _shown(tmp_path, pack="# " + "x" * 1_000_001)
    many = "{" + ", ".join(f"k{n}: 1" for n in range(2_000)) + "}"
    assert 'no key "k1999"' in _shown(tmp_path, pack=f"version: 1\nrules: [{many}]")
