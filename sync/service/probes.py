"""Answer whether the service is ready, and show its metrics, behind the gate of the pages."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sync.frame.faults import fault
from sync.service.metrics import StoreMetrics, exposition
from sync.service.readiness import look


def probe_routes(metrics: StoreMetrics) -> Sequence[BaseRoute]:
    """Give the routes; `/livez`, which asks nothing of the store, is there already."""

    def readyz(request: Request) -> Response:  # noqa: ARG001 - the same for everybody
        found = look(metrics.engine, metrics.clock())
        return JSONResponse({"ready": found.ready, "checks": dict(found.checks)}, 200 if found.ready else 503)

    def show_metrics(request: Request) -> Response:  # noqa: ARG001
        try:
            return Response(exposition(metrics), media_type=CONTENT_TYPE_LATEST)
        except SQLAlchemyError as error:
            return PlainTextResponse(f"{fault(error)}\n", 503)

    return [Route("/readyz", readyz), Route("/metrics", show_metrics)]
