"""The rule that `rules new` writes: it checks, is in the house form, and its tests leave nothing untested."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.catalogue import Catalogue, Entity, Field, Kind
from rules.house_form import format_text
from rules.moments import Context
from rules.pack import load
from rules.skeleton import skeleton
from rules.testing import cover, run
from rules.vocabulary import VOCABULARY

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
NOVEL = Entity("novel", (Field("pages", Kind.NUMBER), Field("order by", Kind.TEXT)))


@pytest.mark.parametrize("entity", [*VOCABULARY.entities, NOVEL], ids=lambda entity: entity.name)
def test_a_new_rule_is_whole(entity: Entity, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(skeleton("my-first-rule", entity))
    rules = load([path], Catalogue((entity,)), CONTEXT)
    (rule,) = rules.rules
    assert (rule.id, rule.title, rule.entity.name) == ("my-first-rule", "My first rule", entity.name)
    assert all(result.passed for result in run(rules))
    assert cover(rule, CONTEXT).lines == []
    assert format_text(path.read_text(), path) == path.read_text()
