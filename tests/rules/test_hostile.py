"""Rule files and items written to do harm: each is refused or harmless, within bounded memory and work."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, event, inspect, select
from sqlalchemy.engine import Connection

from rules.condition import named_paths
from rules.document import MAX_SIZE
from rules.evaluate import evaluate, holds
from rules.house_form import format_text
from rules.jql import JqlError, parse, quote
from rules.message import fill
from rules.moments import Context
from rules.pack import load
from rules.pattern import found, portable
from rules.problem import RuleErrors
from rules.ruleset import RuleSet
from rules.sql import hits, to_sql
from rules.sql_functions import register
from rules.testing import run
from rules.vocabulary import VOCABULARY
from tests.rules.sample import BOUND, METADATA, SOURCE, THINGS, condition_of, items, store

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
TESTS = "    tests: [{flag: {summary: x}}, {pass: {}}]\n"
MEBIBYTE = 1 << 20


@contextmanager
def _within(mebibytes: int) -> Iterator[None]:
    """Fail if the block ever holds more memory than this."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < mebibytes * MEBIBYTE, f"{peak / MEBIBYTE:.0f} MiB"


def _load(folder: Path, text: str) -> RuleSet:
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return load([folder], VOCABULARY, CONTEXT)


def _rule(body: str) -> str:
    return f"version: 1\nrules:\n  - id: r\n{body}"


def _laughs() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "version: 1\n" + "\n".join(lines) + "\n"


def _with_list(when: str, values: int = 200, kind: str = "list", value: str | None = None) -> str:
    given = value or f"[{', '.join(f'k{n}' for n in range(values))}]"
    return f"    parameters: {{many: {{type: {kind}, default: {given}}}}}\n    when: {when}\n{TESTS}"


BOMBS: dict[str, tuple[Callable[[], str], str]] = {
    "a billion laughs": (_laughs, "Anchors and aliases"),
    "an alias of itself": (lambda: "version: 1\nrules: &a [*a]\n", "Anchors and aliases"),
    "a merge key": (lambda: "version: 1\nrules:\n  - <<: {id: r}\n", 'no key "<<"'),
    "a Python tag": (
        lambda: _rule(f"    when: !!python/object/apply:os.system ['touch pwned']\n{TESTS}"),
        "a YAML tag",
    ),
    "a binary tag": (lambda: _rule(f"    when: !!binary c3RhdHVzID0geA==\n{TESTS}"), "a YAML tag"),
    "a tag directive": (
        lambda: f"%TAG ! tag:x,2026:\n---\n{_rule(f'    when: !a b{chr(10)}{TESTS}')}",
        "tag",
    ),
    "deep lists": (lambda: "version: 1\nrules: " + "[" * 5_000, "nested more than"),
    "deep mappings": (lambda: "version: 1\nrules: " + "{a: " * 5_000, "nested more than"),
    "deep blocks": (lambda: "".join(f"{' ' * n}a:\n" for n in range(400)), "nested more than"),
    "a large file": (lambda: "version: 1\n" + "#\n" * (MAX_SIZE // 2), "larger than"),
    "many keys": (lambda: "version: 1\n" + "".join(f"k{n}: 1\n" for n in range(5_000)), 'no key "k4999"'),
    "deep brackets": (lambda: _rule(f"    when: {'(' * 60}{'not ' * 60}x = 1\n{TESTS}"), "nested more than"),
    "a long condition": (lambda: _rule(f"    when: {'key = x OR ' * 9_000}key = x\n{TESTS}"), "longer than"),
    "many tests": (lambda: _rule(f"    when: {'key = x OR ' * 600}key = x\n{TESTS}"), "more than 500 tests"),
    "a giant list": (
        lambda: _rule(f"    when: key IN ({', '.join(f'k{n}' for n in range(5_000))})\n{TESTS}"),
        "more than 1000 values",
    ),
    "a giant pattern": (
        lambda: _rule(f"    when: summary ~ matches({'a' * 501})\n{TESTS}"),
        "500 characters",
    ),
    "a repeated repetition": (
        lambda: _rule(f'    when: summary ~ matches("((a{{900}}){{900}}){{900}}")\n{TESTS}'),
        "The pattern does not work",
    ),
    "a number without end": (
        lambda: _rule(f"    when: hierarchyLevel > {'9' * 5_000}\n{TESTS}"),
        "not a number",
    ),
    "an amount without end": (
        lambda: _rule(f"    when: budget.amount > 0.{'0' * 99}1\n{TESTS}"),
        "not an amount",
    ),
    "a period without end": (lambda: _rule(f"    when: due < -{'9' * 40}d\n{TESTS}"), "is not a date"),
    "a date out of range": (lambda: _rule(f"    when: due < startOfYear(-99999)\n{TESTS}"), "out of range"),
    "a long id": (
        lambda: f"version: 1\nrules:\n  - id: {'a' * 65}\n    when: key = x\n{TESTS}",
        "cannot be the id",
    ),
    "a list named again and again": (
        lambda: _rule(_with_list(f"key IN ({', '.join(['many'] * 5_000)})")),
        "stand for more than 5000 values",
    ),
    "a giant list of parameters": (
        lambda: _rule(_with_list("key IN (many)", values=900)),
        "A list may have 200 values.",
    ),
    "a parameter that speaks JQL": (
        lambda: _rule(_with_list("due < many", kind="date", value='"2026-01-01) OR (key = x"')),
        "is not a date",
    ),
    "many texts to look for": (
        lambda: _rule(f"    when: summary ~ anyOf({', '.join(f'k{n}' for n in range(5_000))})\n{TESTS}"),
        "takes 1 to 200 texts",
    ),
    "a choice of many rules that are none": (
        lambda: "version: 1\nrules:\n" + "".join(f"  r{n}: {{mode: off}}\n" for n in range(900)),
        'There is no rule "r899"',
    ),
    "a null byte": (lambda: _rule(f'    when: summary ~ "\0"\n{TESTS}'), "not YAML"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(name: str, tmp_path: Path) -> None:
    make, fragment = BOMBS[name]
    text = make()
    with _within(96), pytest.raises(RuleErrors) as caught:
        _load(tmp_path, text)
    assert fragment in str(caught.value)
    assert not Path("pwned").exists()


@pytest.mark.parametrize("name", BOMBS)
def test_formatting_a_bomb_does_no_harm_either(name: str) -> None:
    text = BOMBS[name][0]()
    formatted = text
    with _within(96), suppress(RuleErrors):
        formatted = format_text(text, Path("pack.yaml"))
    assert len(formatted) <= 2 * len(text)


def test_a_file_without_end_is_not_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with _within(8), pytest.raises(RuleErrors, match="larger than"):
        load([path], VOCABULARY, CONTEXT)


def test_nothing_is_read_but_the_files_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    for value in ("!include secret", "!!python/name:os.environ", "!env HOME"):
        with pytest.raises(RuleErrors) as caught:
            _load(tmp_path, _rule(f"    title: {value}\n    when: key = x\n{TESTS}"))
        assert "s3cret" not in str(caught.value)


def test_the_largest_condition_allowed_is_judged_in_bounded_memory(tmp_path: Path) -> None:
    values = ", ".join(f"v{n}" for n in range(1_000))
    text = " OR ".join([f"key IN ({values})"] * 6)
    with _within(96):
        rules = _load(
            tmp_path, _rule(f"    when: {text}\n    tests: [{{flag: {{key: v9}}}}, {{pass: {{}}}}]\n")
        )
        assert all(result.passed for result in run(rules))


@pytest.mark.parametrize("pattern", ["^(a|aa)+$", "(a*)*b", "(.*)(.*)(.*)(.*)x", "(a?){30}a{30}", "(x+x+)+y"])
def test_patterns_that_blow_up_elsewhere_take_linear_steps_here(pattern: str) -> None:
    text = "a" * 50_000 + "!"
    with _within(32):
        assert found(portable(pattern), text) in {True, False}


INJECTIONS = [
    "x' OR '1'='1",
    'x" OR ""="',
    "x'; DROP TABLE thing; --",
    "x'); DELETE FROM thing; --",
    "%",
    "_",
    "%' ESCAPE '%",
    "\\",
    ":name %s %(name)s ?1 $1 {0} {key.__class__}",
    "/* */ -- #",
    "\ud7ff\U0010ffff",
    "${HOME} $(id) `id`",
    "{{7*7}} {% raw %}",
]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: register(connection))
    with engine.connect() as opened:
        things = items(40)
        for thing, text in zip(things, INJECTIONS, strict=False):
            thing["title"] = thing["owner"] = text
        store(opened, things)
        yield opened
    engine.dispose()


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "form",
    [
        "owner = {}",
        "owner IN ({}, EMPTY)",
        "title ~ {}",
        "title ~ startsWith({})",
        "NOT title ~ endsWith({})",
        "tags != {}",
        "goal.name ~ {}",
    ],
)
def test_a_text_that_speaks_sql_is_compared_like_any_other(
    connection: Connection, form: str, text: str
) -> None:
    condition = form.format(quote(text))
    things = items(40)
    for thing, hostile in zip(things, INJECTIONS, strict=False):
        thing["title"] = thing["owner"] = hostile
    python = condition_of(condition)
    expected = [number for number, thing in enumerate(things) if holds(python, thing)]
    found = select(THINGS.c.id).select_from(SOURCE).where(to_sql(condition_of(condition, BOUND.entities[0])))
    assert list(connection.scalars(found.order_by(THINGS.c.id))) == expected
    assert set(inspect(connection).get_table_names()) == set(METADATA.tables)


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_of_a_rule_stands_in_the_statement(text: str) -> None:
    entity = BOUND.entities[0]
    condition = condition_of(f"owner = {quote(text)} OR title ~ {quote(text)}", entity)
    rule: Any = SimpleNamespace(entity=entity, condition=condition, evidence=named_paths(condition))
    statement = str(hits(rule).compile(create_engine("sqlite://")))
    assert statement == str(_harmless(entity).compile(create_engine("sqlite://")))


def _harmless(entity: Any) -> Any:
    condition = condition_of("owner = harmless OR title ~ harmless", entity)
    return hits(SimpleNamespace(entity=entity, condition=condition, evidence=named_paths(condition)))


@pytest.mark.parametrize(
    "name", ["key; DROP TABLE thing", "key' OR '1", "__class__", "key.__init__", "column"]
)
def test_a_field_is_one_of_the_catalogue_or_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RuleErrors, match="has no field"):
        _load(tmp_path, _rule(f"    when: |\n      {quote(name)} IS EMPTY\n{TESTS}"))


@pytest.mark.parametrize(
    "message", ["{key.__class__}", "{key!r}", "{key:>999999999}", "{0}", "{}", "{{key}}", "{key", "%(key)s}"]
)
def test_a_message_is_no_format_string(message: str, tmp_path: Path) -> None:
    with pytest.raises(RuleErrors, match=r"has no field|must enclose a field"):
        _load(tmp_path, _rule(f"    when: key = x\n    message: '{message}'\n{TESTS}"))


@pytest.mark.parametrize("text", [*INJECTIONS, "{key} {summary}", "{", "}"])
def test_a_value_in_a_message_is_no_template(text: str) -> None:
    assert fill("[{key}] {summary}", {"key": "A-1", "summary": text}) == f"[A-1] {text}"


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_item_of_any_text_is_judged(text: str) -> None:
    condition = condition_of(f"title ~ {quote(text)} AND owner = x")
    assert evaluate(condition, {"title": f"a {text} b", "owner": "x", text: text}).hit


def test_queries_of_many_brackets_take_memory_in_step_with_their_length() -> None:
    for text in ("(" * 20_000, "not " * 12_000, "x in (" + "(" * 20_000, '"' * 40_000, "x[" * 20_000):
        with _within(64), pytest.raises(JqlError):
            parse(text)


def test_a_value_of_a_parameter_is_one_value_whatever_it_holds(tmp_path: Path) -> None:
    text = "x) OR key IS NOT EMPTY OR key IN (y"
    body = _with_list("key IN (many)", value=f'["{text}"]').replace("{summary: x}", f'{{key: "{text}"}}')
    (rule,) = _load(tmp_path, _rule(body)).rules
    assert holds(rule.condition, {"key": text})
    assert not holds(rule.condition, {"key": "y"})
    assert not holds(rule.condition, {"key": "x"})
