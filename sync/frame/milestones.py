"""Name the places at which a run may end without harm, so that a test can end it at each of them.

Whoever changes the order of a night adds or moves a place here; what must hold is that the next run ends as
if nothing had happened. Nothing listens in production.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Milestone(StrEnum):
    """Where a run stands, in the order in which a night comes by."""

    LEASE_TAKEN = "the lease is taken, the run has no row yet"
    RUN_BEGUN = "the run has begun and asked nobody"
    SOURCE_BEGUN = "a source is about to be read"
    PAGE_SAVED = "a page is stored, the cursor behind it is not"
    PAGE_KEPT = "a page is committed with its cursor"
    PAGES_READ = "the last page is committed, what is gone is not settled"
    ABSENCES_SETTLED = "what is gone is settled and not committed"
    FILES_KEPT = "the files of money are kept, nothing is staged"
    LINES_STAGED = "some lines of money are staged"
    STAGE_PROVED = "all lines of money are staged and proved, none counts"
    LINES_PROMOTED = "the lines of money count and are not committed"
    SOURCE_ENDED = "a source is read and said to be"
    JUDGED = "the rules are judged and nothing is committed"
    FIGURES_SAVED = "the figures are saved and not committed"
    PLAN_KEPT = "the plan is kept, its intents are not"
    PLAN_SEALED = "findings, plan and intents are committed, nothing is sent"
    WRITE_PERMITTED = "the intent is in the ledger, its request is not sent"
    ANSWER_HEARD = "Jira has answered, the ledger does not know"
    ANSWER_KEPT = "Jira's answer is in the ledger"
    LABELS_WRITTEN = "all labels are written, none is read back"
    LABELS_READ_BACK = "some labels are read back, the run is open"
    MARKERS_INTENDED = "what tickets are to be told is in the ledger, nothing of it is sent"
    MARKERS_ANSWERED = "Jira has taken what a ticket is told, the ledger does not know"
    MARKERS_WRITTEN = "the tickets are told why, the run is open"
    REPORT_FILE_WRITTEN = "a file of the report is written and not in its place"
    REPORTED = "the report is in its place, the run is open"
    DIGEST_INTENDED = "a digest is in the ledger and not sent"
    DIGEST_ANSWERED = "a digest is sent, the ledger does not know"
    RUN_ENDED = "the run has ended and given back its lease"


Listener = Callable[[Milestone], None]
_listeners: list[Listener] = []


def reach(milestone: Milestone) -> None:
    """Say that the run stands at a place."""
    for listener in _listeners:
        listener(milestone)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have a listener called at each place, in the thread that comes by."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
