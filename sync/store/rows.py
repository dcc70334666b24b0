"""Turn records into rows of the store, with folded text and a hash that tells whether anything changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from connectors.pages import Quarantined
from connectors.records import (
    AllocationRule,
    FxRate,
    LinkClaim,
    Objective,
    OutsideObjective,
    Record,
    Strength,
    WorkItem,
)
from rules.catalogue import fold

Row = dict[str, Any]
Text = TypeVar("Text", str, str | None)

# PostgreSQL refuses an index entry of more than 2704 bytes; four bytes a character, and the source beside it.
LONGEST_KEY = 500
# NUL is no text to PostgreSQL, and half a surrogate pair is none to either database.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
WRITTEN = msgspec.json.Encoder()


def storable(text: str) -> str:
    """Replace what no database takes by the sign for that."""
    if text.isascii() and "\0" not in text:  # most are, and need no search
        return text
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def storable_all(texts: Sequence[Text]) -> Sequence[Text]:
    """Make all of many texts storable; most need nothing."""
    joined = "".join(filter(None, texts))
    if joined.isascii() and "\0" not in joined:
        return texts
    return [text if text is None else storable(text) for text in texts]


def storable_row(row: Row) -> Row:
    """Make every text of a row storable; most rows need nothing."""
    joined = "".join([value for value in row.values() if isinstance(value, str)])
    if joined.isascii() and "\0" not in joined:
        return row
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def short(text: str) -> str:
    """Shorten a text that is too long to be indexed, so that equal texts stay equal and others different."""
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[: LONGEST_KEY - 65]}…{hashlib.sha256(text.encode()).hexdigest()}"


def match_key(text: str) -> str:
    """Give the form of an id by which records find each other."""
    return short(fold(storable(text)))


def optional_match_key(text: str | None) -> str | None:
    """Give that form of an id that may be absent."""
    return None if text is None else match_key(text)


def source_id(record: Record) -> str:
    """Give the record's identity within its source."""
    return short(storable(claimed(record) if isinstance(record, LinkClaim) else record.id))


def claimed(claim: LinkClaim) -> str:
    """Give what a row of a mapping file says, which is its identity."""
    site = "" if claim.site is None else f"{claim.site}: "
    return f"{site}{claim.issue} → {claim.objective}"


def row_hash(record: Record) -> str:
    """Give a hash of everything the record says."""
    try:
        said = WRITTEN.encode(record)
    except UnicodeEncodeError:  # half of a surrogate pair is no text to this one either
        said = repr(record).encode(errors="backslashreplace")
    return hashlib.sha256(said).hexdigest()[:32]


def text_or_none(strength: Strength | None) -> str | None:
    """Give a strength as it is stored."""
    return None if strength is None else strength.value


def fingerprint(bad: Quarantined) -> str:
    """Give what a refused row is known again by, wherever it stands."""
    return hashlib.sha256(repr((bad.column, bad.code, bad.raw)).encode()).hexdigest()[:32]


def folded(text: str | None) -> str | None:
    """Fold a text that may be absent."""
    return None if text is None else fold(text)


def work_item_row(item: WorkItem) -> Row:
    """Give the columns of a work item; its labels and references go into tables of their own."""
    return {
        "key": item.key,
        "key_folded": fold(item.key),
        "project_key": item.project_key,
        "project_folded": fold(item.project_key),
        "project_name": item.project_name,
        "summary": item.summary,
        "summary_folded": fold(item.summary),
        "type_name": item.type_name,
        "type_folded": fold(item.type_name),
        "hierarchy_level": item.hierarchy_level,
        "status": item.status,
        "status_folded": fold(item.status),
        "status_category": item.status_category.value,
        "assignee": item.assignee,
        "assignee_folded": folded(item.assignee),
        "priority": item.priority,
        "priority_folded": folded(item.priority),
        "created_at": item.created,
        "updated_at": item.updated,
        "due_on": item.due,
        "resolved_at": item.resolved,
        "parent_source_id": item.parent_id,
        "parent_key": item.parent_key,
        "parent_folded": folded(item.parent_key),
        "url": item.url,
        "in_scope": item.in_scope,
        "touched_at": item.updated,
        "absence": None,
        "absent_why": None,
    }


def label_rows(item: WorkItem, work_item_id: int) -> list[Row]:
    """Give one row for each label."""
    return [
        {"work_item_id": work_item_id, "label": label, "label_folded": fold(label)}
        for label in dict.fromkeys(map(storable, item.labels))
    ]


def value_rows(item: WorkItem, work_item_id: int) -> list[Row]:
    """Give one row for each value of a declared field."""
    return [
        storable_row(
            {
                "work_item_id": work_item_id,
                "name": value.name,
                "position": position,
                "text": value.text,
                "text_folded": fold(value.text),
                "number": value.number,
                "day": value.day,
            }
        )
        for position, value in enumerate(item.values)
    ]


def reference_rows(item: WorkItem, work_item_id: int) -> list[Row]:
    """Give one row for each tie the item claims."""
    targets = storable_all([reference.target for reference in item.references])
    evidences = storable_all([reference.evidence for reference in item.references])
    return [
        {
            "work_item_id": work_item_id,
            "how": str(reference.how),
            "target": target,
            "target_folded": short(fold(target)),
            "evidence": evidence,
            "meant": reference.meant,
            "strength": text_or_none(reference.strength),
        }
        for reference, target, evidence in zip(item.references, targets, evidences, strict=True)
    ]


def objective_row(objective: Objective, site: str | None) -> Row:
    """Give the columns of an objective that lives on a Jira site, or in a file (`site` is None)."""
    return {
        "key_folded": match_key(objective.id),
        "title": objective.title,
        "title_folded": fold(objective.title),
        "state": objective.state.value,
        "parent": objective.parent,
        "owner": objective.owner,
        "owner_folded": folded(objective.owner),
        "starts_on": objective.starts,
        "ends_on": objective.ends,
        "url": objective.url,
        "site": site,
        "issue_id": objective.issue_id,
        "kind": objective.kind,
        "kind_folded": folded(objective.kind),
        "target_share": objective.target_share,
    }


def outside_objective_row(outside: OutsideObjective, site: str | None) -> Row:
    """Give the columns of an issue that is named as an objective and is none."""
    return {
        "key": outside.key,
        "key_folded": match_key(outside.key),
        "title": outside.title,
        "title_folded": fold(outside.title),
        "state": outside.state.value,
        "type_name": outside.type_name,
        "type_folded": fold(outside.type_name),
        "url": outside.url,
        "site": site,
        "issue_id": outside.id if outside.id.isdecimal() else None,
        "hidden": outside.hidden,
    }


def fx_rate_row(rate: FxRate) -> Row:
    """Give the columns of an exchange rate."""
    return {
        "type": rate.type.value,
        "base": rate.base,
        "quote": rate.quote,
        "rate": f"{rate.rate:f}",
        "on_day": rate.on,
        "period": rate.period,
        "line": rate.line,
        "file": rate.file,
        "sheet": rate.sheet,
    }


def allocation_rule_row(rule: AllocationRule) -> Row:
    """Give the columns of a row of an allocation table."""
    return {
        "field": rule.field.value,
        "code": rule.code,
        "code_folded": match_key(rule.code),
        "prefix": rule.prefix,
        "issue": rule.issue,
        "issue_folded": optional_match_key(rule.issue),
        "objective": rule.objective,
        "objective_folded": optional_match_key(rule.objective),
        "millionths": rule.millionths,
        "starts": rule.starts,
        "ends": rule.ends,
        "of_source": rule.source,
        "site": rule.site,
        "evidence": rule.evidence,
    }


def link_claim_row(claim: LinkClaim) -> Row:
    """Give the columns of a row of a mapping file."""
    return {
        "issue": claim.issue,
        "issue_folded": match_key(claim.issue),
        "objective": claim.objective,
        "objective_folded": match_key(claim.objective),
        "evidence": claim.evidence,
        "site": claim.site,
        "how": claim.how.value,
        "strength": text_or_none(claim.strength),
    }
