"""Turn the keys and words of rule files into a JSON Schema, for completion and hover text in editors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rules.catalogue import Catalogue, Entity, Field, Kind, Relation, paths
from rules.keys import (
    CASE_KEYS,
    CHOICE_KEYS,
    COUNT,
    DURATION,
    FUNCTION_KEYS,
    ID,
    ID_LENGTH,
    LABEL,
    LABEL_LENGTH,
    LIMIT_KEYS,
    PARAMETER,
    PARAMETER_KEYS,
    ROLLUP_KEYS,
    RULE_KEYS,
    SHARE,
    TOP_KEYS,
    VERSION,
    WAIVER_KEYS,
    WAIVERS,
)
from rules.pack import PACKS
from rules.parameters import Type
from rules.ruleset import Mode, Severity
from rules.vocabulary import DEFAULT_ENTITY, SHORTHANDS

Schema = dict[str, Any]

# To an editor `title: 2026` is a number; the reader takes any scalar as the text that it is.
_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
_DURATION: Schema = {"type": ["string", "null"], "pattern": f"^{DURATION.pattern}$"}
_MODE: Schema = {"enum": list(Mode)}
_VALUES: dict[str, Schema] = {
    name: {"type": ["string", "number", "boolean", "array"]} for name in ("default", "example")
}
_CONDITION: Schema = {"type": "string", "pattern": r"\S"}


def schema(catalogue: Catalogue) -> Schema:
    """Give the schema of rule files (draft 2020-12) for the entities and fields of a catalogue.

    It refuses unknown keys and wrong forms. What a condition says, and the names of roll-ups in tests, are
    for `rules check`.
    """
    names = [entity.name for entity in catalogue.entities]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of Tieline",
        **_mapping(
            TOP_KEYS,
            {
                "version": {"enum": [int(VERSION), VERSION]},
                "rollups": {"type": "object", "additionalProperties": {"$ref": "#/$defs/rollup"}},
                "packs": {
                    "type": "object",
                    "properties": dict.fromkeys(PACKS, _MODE),
                    "additionalProperties": False,
                },
                "rules": {
                    "type": ["array", "object"],
                    "items": {"$ref": "#/$defs/rule"},
                    "additionalProperties": {"$ref": "#/$defs/choice"},
                },
            },
            required=["version"],
        ),
        "$defs": {
            "rule": _rule(catalogue, names),
            "rollup": _rollup(catalogue, names),
            "parameter": _mapping(PARAMETER_KEYS, {"type": {"enum": list(Type)}, **_VALUES}, ["type"]),
            "choice": _mapping(CHOICE_KEYS, {"mode": _MODE, "parameters": {"type": "object"}}),
            **{_item_name(entity): _item(entity) for entity in catalogue.entities},
        },
    }


def waiver_schema() -> Schema:
    """Give the schema of waiver files; what a condition says, and which rules there are, is for the check."""
    day = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "format": "date"}
    waiver = _mapping(
        WAIVER_KEYS,
        {"match": _CONDITION, "until": day},
        required=[name for name in WAIVER_KEYS if name != "approver"],
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Waivers of Tieline",
        **_mapping(
            {"version": TOP_KEYS["version"], WAIVERS: "The waivers, in any order."},
            {
                "version": {"enum": [int(VERSION), VERSION]},
                WAIVERS: {"type": ["array", "null"], "items": waiver},
            },
            required=["version", WAIVERS],
        ),
    }


def _mapping(keys: Mapping[str, str], forms: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    properties = {name: {"description": text, **forms.get(name, _TEXT)} for name, text in keys.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _rule(catalogue: Catalogue, names: list[str]) -> Schema:
    forms: dict[str, Schema] = {
        "id": {"type": ["string", "integer"], "pattern": f"^{ID.pattern}$", "maxLength": ID_LENGTH},
        "each": _one_of([*names, *SHORTHANDS]) | {"default": DEFAULT_ENTITY},
        "was": {"type": ["string", "integer", "array"], "items": {"type": ["string", "integer"]}},
        "parameters": {
            "type": "object",
            "propertyNames": {"pattern": f"^{PARAMETER.pattern}$"},
            "additionalProperties": {"$ref": "#/$defs/parameter"},
        },
        "when": _CONDITION,
        "error_when": _CONDITION,
        "mode": _MODE | {"default": Mode.LABEL.value},
        "for": _DURATION,
        "clear_after": _DURATION,
        "severity": {"enum": [*Severity, None], "default": Severity.WARNING.value},
        "label": {
            "type": ["string", "number", "boolean", "null"],
            "pattern": f"^{LABEL.pattern}$",
            "maxLength": LABEL_LENGTH,
        },
        "limit": _limit(),
        "tests": {"type": "array", "minItems": 2, "items": _case({"type": "object"})},
    }
    rule = _mapping(RULE_KEYS, forms, required=["id", "when", "tests"])
    return rule | {"allOf": [_of_entity(entity) for entity in catalogue.entities]}


def _of_entity(entity: Entity) -> Schema:
    """Give what the rules of one entity have of their own: its fields, in tests and in the text of `when`."""
    fields = ", ".join(dict.fromkeys(path.name for _, path in paths(entity)))
    chosen: Schema = {"properties": {"each": {"pattern": _any_case(entity.name)}}}
    if entity.name != DEFAULT_ENTITY:
        chosen["required"] = ["each"]
    own = {
        "when": {"description": f"{RULE_KEYS['when']} Fields of each {entity.name}: {fields}."},
        "tests": {"items": _case({"$ref": f"#/$defs/{_item_name(entity)}"})},
    }
    return {"if": chosen, "then": {"properties": own}}


def _case(item: Schema) -> Schema:
    forms = {"flag": item, "pass": item, "severity": {"enum": [*Severity, None]}}
    return _mapping(CASE_KEYS, forms) | {
        "oneOf": [{"required": ["flag"]}, {"required": ["pass"], "not": {"required": ["severity"]}}]
    }


def _limit() -> Schema:
    return _mapping(
        LIMIT_KEYS,
        {
            "new": {
                "type": ["integer", "string", "null"],
                "minimum": 0,
                "maximum": 999_999_999,
                "pattern": f"^{COUNT.pattern}$",
            },
            "share": {"type": ["string", "null"], "pattern": f"^{SHARE.pattern}$"},
        },
    )


def _rollup(catalogue: Catalogue, names: list[str]) -> Schema:
    targets = sorted({relation.name for entity in catalogue.entities for relation in entity.relations})
    target = {"type": "string", "pattern": r"^\w+(\.[\w.]+)?$", "examples": targets}
    forms = {"each": _one_of(names), "where": _CONDITION, **dict.fromkeys(FUNCTION_KEYS, target)}
    function = [{"required": [name]} for name in FUNCTION_KEYS]
    return _mapping(ROLLUP_KEYS, forms, required=["each"]) | {"oneOf": function}


def _item_name(entity: Entity) -> str:
    return f"item.{entity.name}"


def _item(entity: Entity) -> Schema:
    """The item of a test. Roll-ups are fields too, under names only their file knows: any name may stand."""
    related = {relation.name: _related(relation) for relation in entity.relations}
    properties = {name: _value(path.field) for name, path in paths(entity) if path.name not in related}
    return {"type": "object", "properties": properties | related}


def _related(relation: Relation) -> Schema:
    record = {
        "type": "object",
        "properties": {name: _value(path.field) for name, path in paths(relation)},
    }
    return {"description": relation.doc, "anyOf": [_TEXT, record, {"type": "array"}]}


def _value(field: Field) -> Schema:
    words: list[object] = [word for group in field.synonyms for word in group[:1]]
    if field.kind is Kind.BOOLEAN:
        words = [True, False]
    form: Schema = {"type": ["string", "number", "boolean", "null", "array"]}
    return {"description": f"{field.doc} ({field.kind.value})", **form} | (
        {"examples": words} if words else {}
    )


def _one_of(names: list[str]) -> Schema:
    """Offer names, and take them in any letter case, as the reader does."""
    pattern = "|".join(_any_case(name) for name in names)
    return {"type": "string", "anyOf": [{"enum": names}, {"pattern": pattern}]}


def _any_case(name: str) -> str:
    letters = (f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in name)
    return f"^{''.join(letters)}$"
