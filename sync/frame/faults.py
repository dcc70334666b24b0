"""Name an unexpected error in one line, fit for a log or a page."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from sync.store.database import first_line


def fault(error: BaseException) -> str:
    """Give its type and its first line; the database's without the values of its statement."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(cause).__name__}: {first_line(cause)}"
