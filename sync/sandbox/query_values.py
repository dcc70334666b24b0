"""Turn what stands right of a JQL operator into the values to compare with, or into Jira's objections."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from rules.jql import Empty, Function, Operand, Value
from sync.sandbox.defaults import CATEGORIES
from sync.sandbox.query_dates import DATE_HELP, from_function, to_instant
from sync.sandbox.query_fields import Kind, QueryField
from sync.sandbox.state import Site

EMPTY = object()


class Operands:
    """Reads the operands of one query; what Jira would refuse is gathered in `problems`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.now = site.now()
        self.problems: list[str] = []

    def values(self, field: QueryField, operand: Operand) -> list[Any]:
        """The operand as compared with what `field.read` gives; nothing, and a problem, where it is wrong."""
        if isinstance(operand, Function):
            return self._function(field, operand)
        if not isinstance(operand, Value):
            return [EMPTY] if isinstance(operand, Empty) else []
        return self._literal(field, operand)

    def _literal(self, field: QueryField, operand: Value) -> list[Any]:
        if field.kind in {Kind.ISSUE, Kind.PARENT}:
            return self._issue(field, operand.text)
        if field.kind in {Kind.INSTANT, Kind.DAY}:
            moment = to_instant(operand.text, self.now, self.site.account_zone)
            if moment is None:
                problem = f"Date value '{operand.text}' for field '{field.name}' is invalid. {DATE_HELP}"
                self.problems.append(problem)
            return _as_kind(self.site, field, moment)
        if field.kind is Kind.NUMBER:
            return self._number(field, operand.text)
        return self._option(field, operand.text)

    def _function(self, field: QueryField, function: Function) -> list[Any]:
        if function.name.lower() == "currentuser" and not function.arguments:
            return [str(self.site.account.get("accountId") or self.site.account["name"]).casefold()]
        arguments = tuple(argument.text for argument in function.arguments)
        moment = None
        if field.kind in {Kind.INSTANT, Kind.DAY}:
            moment = from_function(function.name, arguments, self.now, self.site.account_zone)
        if moment is None:
            self.problems.append(f"Unable to find JQL function '{function.name}({', '.join(arguments)})'.")
        return _as_kind(self.site, field, moment)

    def _issue(self, field: QueryField, text: str) -> list[str]:
        issue = self.site.visible(text)
        if issue is None:
            what = "ID" if text.isdigit() else "key"
            self.problems.append(f"An issue with {what} '{text}' does not exist for field '{field.name}'.")
            return []
        return [issue.id] if field.kind is Kind.ISSUE else [issue.id, issue.key.casefold()]

    def _number(self, field: QueryField, text: str) -> list[float]:
        if re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            return [float(text)]
        self.problems.append(f"Value '{text}' is invalid for the '{field.name}' field.")
        return []

    def _option(self, field: QueryField, text: str) -> list[Any]:
        if field.table == "resolution" and text.casefold() == "unresolved":
            return [EMPTY]
        if field.table and text.casefold() not in self._known(field.table):
            self.problems.append(f"The value '{text}' does not exist for the field '{field.name}'.")
            return []
        return [text.casefold()]

    def _known(self, table: str) -> set[str]:
        registry = self.site.registry
        if table == "project":
            hidden = self.site.permissions.hidden_projects
            values = [p for p in registry.projects.values() if p["key"] not in hidden]
        else:
            values = list(CATEGORIES.values()) if table == "statuscategory" else registry.values(table)
        return {str(v[k]).casefold() for v in values for k in ("id", "key", "name") if k in v}


def _as_kind(site: Site, field: QueryField, moment: datetime | None) -> list[Any]:
    if moment is None:
        return []
    return [moment.astimezone(site.account_zone).date() if field.kind is Kind.DAY else moment]
