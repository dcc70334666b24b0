"""Keep Python's cycle collector from walking the whole heap over and over while rows stream through."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New containers between two walks over the young ones. Rows make containers by the million and no cycles, so
# that counting references frees them: by its own setting the collector takes half of a pull's CPU time.
YOUNG = 50_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely; afterwards as before."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(max(young, YOUNG), middle, old)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
