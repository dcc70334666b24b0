"""Turn what `each:` says into the entity that is judged, and the condition that a short word stands for."""

from __future__ import annotations

from dataclasses import dataclass

from rules.catalogue import Catalogue, Entity
from rules.check import check
from rules.condition import Condition
from rules.jql import parse
from rules.moments import Context
from rules.names import suggest
from rules.vocabulary import SHORTHANDS


@dataclass(frozen=True, slots=True)
class Each:
    """An entity, and a field with the only value that is judged (`epic`: hierarchyLevel 1)."""

    entity: Entity
    field: str | None = None
    value: int | None = None

    def scope(self, context: Context) -> Condition | None:
        """Give the condition that the word adds to a rule."""
        if self.field is None:
            return None
        return check(parse(f"{self.field} = {self.value}"), self.entity, context)


class UnknownEntity(ValueError):
    """There is nothing of this name to judge; `advice` is the likely one."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        super().__init__(f'There is no entity "{name}".')
        names = [*(known.name for known in catalogue.entities), *SHORTHANDS]
        self.advice = suggest(name, names) or f"There are {', '.join(names)}."


def each_of(name: str, catalogue: Catalogue) -> Each:
    """Look up what is judged; letter case does not matter."""
    entity_name, field, value = SHORTHANDS.get(name.casefold(), (name, None, None))
    entity = catalogue.entity(entity_name)
    if entity is None:
        raise UnknownEntity(name, catalogue)
    return Each(entity, field, value)
