"""The report of the last run as it was written, with the way back to the other pages above it."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from sync.report import FILES, PAGE, figures_of, page
from sync.store import history
from sync.web.office import Office

# The report sizes its bars by style attributes, and holds a style sheet of its own.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def report(request: Request) -> Response:
    """Show the report that the last run wrote or, where it wrote it elsewhere, one made now."""
    press = request.app.state.press
    text = written(request.app.state.office) or made(request)
    top = press.templates.get_template("report-top.html.jinja").render(
        visitor=request.state.visitor,
        ticket_of_form=request.app.state.office.seal.ticket(request.state.visitor.bearer),
        path="/report",
        style=press.style,
    )
    style, _, header = top.partition("<!-- header -->")
    # No text from outside can hold these tags: in the report each `<` of a text is written out.
    for mark, more in (
        ("</head>", f"{style}</head>"),
        ("<body>", '<body><a class="skip" href="#content">Skip to content</a>'),
        ("<header>", f"<header>{header}"),
        ("<main>", '<main id="content" tabindex="-1">'),
        ("form-action 'none'", "form-action 'self'"),
    ):
        text = text.replace(mark, more, 1)
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})


def written(office: Office) -> str | None:
    """Read the report of the newest judged run from its folder, if it is there."""
    file = office.settings.report_dir / PAGE
    return file.read_text(encoding="utf-8") if file.is_file() else None


def made(request: Request) -> str:
    """Make the report of the newest judged run."""
    office: Office = request.app.state.office
    with office.engine.connect() as connection:
        newest = history.newest_judged(connection)
    if newest is None:
        raise HTTPException(
            404, "There is no report yet: no run has judged anything. The first one writes it."
        )
    frame = office.frame()
    figures = figures_of(
        office.engine,
        newest,
        zone=office.settings.zone,
        currency=office.settings.currency,
        fiscal_year=frame.fiscal_year,
    )
    return page(figures, office.settings.zone, request.app.state.press.version)


def file(request: Request) -> Response:
    """Hand out one of the files that stand beside the report, by its name and no other."""
    office: Office = request.app.state.office
    name = request.path_params["name"]
    path: Path = office.settings.report_dir / name
    if name not in FILES or not path.is_file():
        raise HTTPException(404, f"The last run has written no {name!r}.")
    return FileResponse(path, filename=name)
