"""Turn what a run judged into its figures: coverage, money by objective, derived amounts."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from sync.gaps import Gaps
from sync.settings import Settings
from sync.store.coverage import save_coverage
from sync.store.money.conversions import Conversion, save_conversions
from sync.store.money.objective_figures import save_objectives


def save_figures(connection: Connection, settings: Settings, run_id: int, today: date, gaps: Gaps) -> None:
    """Save the figures of a run; how something stands that is in the gaps is unknown."""
    certain = not gaps.alignment
    save_coverage(connection, run_id, today, certain=certain, dark=gaps.sites)
    save_objectives(connection, run_id, today, certain=certain, dark=gaps.sites)
    asked = conversion_of(settings)
    if asked is not None:
        save_conversions(connection, run_id, asked, today, certain=certain, dark=gaps.sites)


def conversion_of(settings: Settings) -> Conversion | None:
    """Give what other currencies are to be converted into, and by which rates; None where they are not."""
    if not settings.fx_rates:
        return None
    return Conversion(
        settings.currency, settings.fx_rates, settings.fx_type.value, settings.fiscal_year_start
    )
