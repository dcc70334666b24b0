"""Rule files brought into the house form: once is enough, nothing changes its meaning, no comment is lost."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rules.house_form import format_text
from rules.keys import RULE_KEYS
from rules.moments import Context
from rules.pack import load, shipped
from rules.problem import RuleErrors
from rules.ruleset import RuleSet
from rules.vocabulary import VOCABULARY
from tests.rules.test_pack import BROKEN, WHOLE

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
NOT_YAML = {"a tag", "an anchor", "a key twice", "a second document", "broken YAML", "colons in plain text"}
HERE = Path("pack.yaml")


def _formatted(text: str) -> str:
    return format_text(textwrap.dedent(text).lstrip("\n"), HERE)


def _content(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_keys_come_in_order_and_conditions_under_a_bar() -> None:
    assert _formatted(
        """
        # Our rules.
        rules:
        - tests:
          - flag: {status: Open}
          # The other side.
          - pass: {}
          # Agreed with the board.
          when: "status = Open"   # until autumn
          # label: not-yet
          id: first


        # The second one.
        - id: second
          severity: error

          title: Second
          when: status = Open
                AND due < -7d
          tests: [{flag: {status: Open, due: -8d}}, {pass: {}}]
          # owner: nobody yet
        version: 1
        # The end.
        """
    ) == textwrap.dedent(
        """\
        # Our rules.
        version: 1

        rules:
          # label: not-yet
          - id: first
            # Agreed with the board.
            # until autumn
            when: |
              status = Open
            tests:
              - flag: {status: Open}
              # The other side.
              - pass: {}

          # The second one.
          - id: second
            title: Second
            when: |
              status = Open
              AND due < -7d
            severity: error
            tests: [{flag: {status: Open, due: -8d}}, {pass: {}}]
            # owner: nobody yet

        # The end.
        """
    )


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_the_shipped_files_are_in_the_house_form(path: Path) -> None:
    text = path.read_text("utf-8")
    assert format_text(text, path) == text


@pytest.mark.parametrize(
    "when",
    [
        "|-\n      status = Open",
        ">\n      status = Open\n      AND due < 3",
        "'status = \"Open\"'",
        '"status = \\"Open\\" AND summary ~ \\"\\u00fc\\""',
        "| # a remark\n      status = Open",
        "|2\n        status = Open",
        "status = Open\n      AND due < 3",
        "|\n      status = Open\n        AND due < 3\n\n      AND due > 2\n\n",
        '"status = \\"\\x07\\""',
        '""',
        "",
    ],
)
def test_every_way_to_write_a_condition_keeps_what_it_says(when: str) -> None:
    text = f"version: 1\nrules:\n  - id: r\n    when: {when}\n    title: x\n"
    once = _formatted(text)
    assert format_text(once, HERE) == once
    said, says = (_content(which)["rules"][0]["when"] or "" for which in (text, once))
    assert says.split() == said.split()
    assert ("a remark" in once) == ("a remark" in text)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rules_can_be_formatted_too_unless_they_are_not_yaml(name: str) -> None:
    text = BROKEN[name][0]
    if name in NOT_YAML:
        with pytest.raises(RuleErrors) as caught:
            format_text(text, HERE)
        assert caught.value.problems[0].line > 0
    else:
        once = format_text(text, HERE)
        assert format_text(once, HERE) == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rules: []\n",
        "{version: 1, rules: [{id: x}]}\n",
        "version: 1\n\nrules: [{tests: [], id: x}]\n",
        "- version: 1\n",
        "version: 1\n\nrules:\n  -\n    tests: []\n    id: x\n",
        "version: 1\n\nrules:\n  - {tests: [], id: x}\n",
        "version: 1\n\nrules:\n  - ? tests\n    : []\n    id: x\n",
    ],
)
def test_what_is_written_in_an_unusual_way_stays_as_it_is(text: str) -> None:
    assert format_text(text, HERE) == text


def test_windows_line_ends_become_plain_ones() -> None:
    assert _formatted("version: 1\r\nrules: []\r\n") == "version: 1\n\nrules: []\n"


VALUES = {
    "id": ["a", "'b'"],
    "title": ["A title", '"with: colon"', "several words\n{more}over lines", ">-\n{more}folded\n{more}text"],
    "each": ["workItem", "Objective"],
    "when": [
        "key = x",
        "'key = \"x\"'",
        "key = x\n{more}OR key = y",
        "|\n{more}key = x\n{more}  OR key = y",
        ">-\n{more}key = x\n{more}OR key = y",
        "| # remark-w\n{more}key = x",
        "key = x  # remark-v",
    ],
    "severity": ["info", "error  # remark-s"],
    "limit": ["{{new: 5}}", "\n{more}new: 5\n{more}# remark-l\n{more}share: 10%"],
    "why": ["because", "|\n{more}# no remark\n{more}but text\n\n{more}and more", "null"],
    "tests": [
        "[{{flag: {{key: x}}}}, {{pass: {{}}}}]",
        "[\n{more}{{flag: {{key: x}}}}, # remark-t\n{more}{{pass: {{}}}},\n{more}]",
        "\n{more}- flag: {{key: x}}\n{more}# remark-u\n\n{more}- pass: {{}}",
        "\n{here}- flag: {{key: x}}\n{here}- pass:\n{here}    title: z\n{here}    # remark-p",
    ],
}


@st.composite
def _files(draw: st.DrawFn) -> str:
    """Write rule files in all sorts of ways, with comments anywhere a line may begin."""
    number = iter(range(1000))

    def remark(indents: list[int]) -> str:
        if draw(st.integers(0, 3)):
            return ""
        blank = draw(st.sampled_from(["", "\n"]))
        return f"{blank}{' ' * draw(st.sampled_from(indents))}# remark-{next(number)}-\n{blank}"

    dash = draw(st.sampled_from([0, 2, 3]))
    rules = ""
    for _ in range(draw(st.integers(1, 3))):
        inset = dash + draw(st.sampled_from([2, 4]))
        keys = draw(st.permutations(list(VALUES)))[: draw(st.integers(1, len(VALUES)))]
        rules += remark([0, dash])
        for at, key in enumerate(keys):
            here, more = " " * inset, " " * (inset + draw(st.integers(1, 4)))
            start = (
                " " * dash + "-" + " " * (inset - dash - 1)
                if at == 0
                else remark([dash, inset, inset + 1]) + here
            )
            rules += f"{start}{key}: {draw(st.sampled_from(VALUES[key])).format(here=here, more=more)}\n"
        rules += remark([inset, inset + 3])
    sections = ["version: 1\n", f"rules:\n{remark([0, dash])}{rules}"]
    header = draw(st.sampled_from(["", "# remark-head\n", "# remark-head\n\n"]))
    return header + remark([0]).join(draw(st.permutations(sections))) + remark([0])


@given(text=_files())
@settings(max_examples=200)
def test_once_is_enough_and_nothing_is_lost(text: str) -> None:
    once = format_text(text, HERE)
    assert format_text(once, HERE) == once
    assert sorted(_remarks(once)) == sorted(_remarks(text))
    before, after = _content(text), _content(once)
    for old, new in zip(before["rules"], after["rules"], strict=True):
        assert {**old, "when": str(old.get("when")).split()} == {**new, "when": str(new.get("when")).split()}
        assert list(new) == [key for key in RULE_KEYS if key in new]


def _remarks(text: str) -> list[str]:
    return [word for word in text.split() if word.startswith("remark-")]


def test_a_rule_set_has_the_same_hashes_after_formatting(tmp_path: Path) -> None:
    def loaded(text: str) -> RuleSet:
        (tmp_path / "pack.yaml").write_text(text)
        return load([tmp_path], VOCABULARY, CONTEXT)

    shuffled = WHOLE.replace("    id: a-rule\n", "").replace("version: 1\n", "") + "version: 1\n"
    before, after = loaded(shuffled), loaded(format_text(shuffled, HERE))
    assert before.hash == after.hash
    assert [case.item for case in before.rules[0].tests] == [case.item for case in after.rules[0].tests]
    assert (before.rules[0].message, before.rules[0].limit) == (after.rules[0].message, after.rules[0].limit)
