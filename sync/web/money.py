"""The page about a budget line: where it was read, which work it is for, and what that serves."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from connectors.finance.money import format_minor
from sync.errors import ConfigurationError
from sync.explain.money import LineExplainer, LineExplanation
from sync.tally import conversion_of
from sync.web.items import unusable
from sync.web.office import Office
from sync.web.rendering import show


def money(request: Request) -> Response:
    """Ask for a budget line by its id, its place or a code, and explain it."""
    office: Office = request.app.state.office
    name = request.query_params.get("line", "").strip()
    found: list[LineExplanation] = []
    complaint = ""
    if name and unusable(name):
        complaint = "That is longer than any name of a budget line."
    elif name:
        mappings = {config.name: config for config in office.sources.finance}
        with office.engine.connect() as connection:
            try:
                asked = conversion_of(office.settings)
                found = LineExplainer(connection, mappings, office.frame().today, asked).explain(name)
            except ConfigurationError as error:
                complaint = str(error)
    return show(
        request, "money", 404 if complaint else 200, name=name, lines=found, complaint=complaint, said=said
    )


def said(minor: int, currency: str) -> str:
    """Show an amount with its currency."""
    return f"{format_minor(minor, currency)} {currency}"
