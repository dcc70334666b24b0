from __future__ import annotations

import gc
import weakref

from sync.collector import rare_collections


class Knot:
    """Something only the cycle collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_left_between_many_reads_does_not_pile_up() -> None:
    left: list[weakref.ref[Knot]] = []
    for _ in range(2_000):
        left += [weakref.ref(Knot()) for _ in range(50)]
        with rare_collections():
            pass
    assert sum(one() is not None for one in left) < len(left) / 2


def test_the_collector_is_afterwards_set_as_before() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before
