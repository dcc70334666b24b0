"""Turn values into a page: templates, the one style sheet, and the policy that lets nothing else act."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sync.explain.work import label_note
from sync.report.bars import COLOURS
from sync.report.page import environment
from sync.store.schema import AnyRow
from sync.web.gate import Visitor

# Name, path and what the path of a page below it begins with.
MENU = (
    ("Overview", "/", ""),
    ("Report", "/report", ""),
    ("Findings", "/findings", "/items/"),
    ("Money", "/money", "/money"),
    ("Runs", "/runs", "/runs/"),
    ("Quarantine", "/quarantine", "/quarantine"),
    ("Waivers", "/waivers", "/waivers"),
)


@dataclass
class Press:
    """Makes pages for one service; `forms` gives what a form must carry to be taken back from a visitor."""

    zone: ZoneInfo
    version: str
    charts: dict[int, Markup] = field(default_factory=dict)

    @cached_property
    def templates(self) -> Environment:
        """The templates of pages, then those of the report."""
        made = environment(self.zone, files("sync.web") / "templates")
        made.filters |= {"choice": lambda value: (value, value), "took": took}
        made.globals |= {"menu": MENU, "version": self.version, "address": address, "label_note": label_note}
        return made

    @cached_property
    def style(self) -> Markup:
        """The style sheet; only this one, word for word, is let through by the policy."""
        text = self.templates.get_template("site.css.jinja").render(colours=COLOURS)
        return Markup(text)  # noqa: S704 - our own file and our own colours

    @cached_property
    def policy(self) -> str:
        """What a browser may do on a page: show it, send a form back, and nothing else."""
        digest = b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def page(self, request: Request, name: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """Render a template as a page for whoever asks."""
        visitor: Visitor | None = request.state.visitor
        seal = request.app.state.office.seal
        always = {
            "style": self.style,
            "visitor": visitor,
            "ticket_of_form": seal.ticket(visitor.bearer) if visitor else "",
            "path": request.url.path,
        }
        text = self.templates.get_template(f"{name}.html.jinja").render(always | values)
        return HTMLResponse(text, status, {"Content-Security-Policy": self.policy})


def address(path: str, query: dict[str, Any]) -> str:
    """Put an address together; what is empty is left out."""
    given = urlencode({name: value for name, value in query.items() if value not in {"", None}})
    return f"{path}?{given}" if given else path


def took(row: AnyRow) -> str:
    """Say how long something took that has a beginning and an end."""
    if row.finished_at is None:
        return "-"
    seconds = (row.finished_at - row.started_at).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def show(request: Request, name: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """Answer with a page of this name."""
    press: Press = request.app.state.press
    return press.page(request, name, status, **values)
