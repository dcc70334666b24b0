"""A night killed at any write leaves a sound store, and one whose disk fails says so; the next one goes on.

`make soak-kill ARGS="--writes 200"` draws more of the writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.sync.killing import Morning
from tests.sync.morning import morning
from tests.sync.striking import NO_STRIKE, count_writes, kill_at_write, soundness, strike

pytestmark = pytest.mark.strace


@pytest.fixture(scope="module")
def dawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("dawn")
    with morning(f"sqlite:///{folder / 'morning.db'}", folder) as made:
        yield made


def test_a_night_killed_at_a_write_leaves_a_sound_store_and_the_next_ends_as_if_nothing_had_happened(
    dawn: Morning,
) -> None:
    dawn.live_undisturbed()
    writes = count_writes(dawn)
    assert writes > 50
    drawn = Random(11).sample(range(1, writes), 4)
    assert [text for number in drawn for text in kill_at_write(dawn, number)] == []


@pytest.mark.parametrize(
    ("injected", "says"),
    [
        ("pwrite64:error=ENOSPC:when=60+", "database or disk is full"),
        ("pwrite64:error=EIO:when=60+", "disk I/O error"),
    ],
    ids=["full", "broken"],
)
def test_a_disk_that_fails_is_told_in_a_sentence_and_the_next_run_goes_on(
    dawn: Morning, injected: str, says: str
) -> None:
    with dawn.again() as url:
        environ = dawn.environ | {"TIELINE_DATABASE_URL": url}
        struck = strike(injected, "-m", "sync", "run", environ=environ, folder=dawn.folder)
        assert struck.code == 1, struck.err
        assert struck.err == (
            f"The store could not go on: {says}. What was committed stays, and the next run goes on from "
            "there. See that its disk has room and is sound, and that its server runs.\n"
        )
        assert soundness(url) == []
        unharmed = strike(NO_STRIKE, "-m", "sync", "pull", environ=environ, folder=dawn.folder)
        assert unharmed.code in {0, 7}, unharmed.err
