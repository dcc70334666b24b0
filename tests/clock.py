"""The one moment at which every test runs."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
TODAY = NOW.date()
