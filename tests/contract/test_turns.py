"""Turns kept in the process and turns kept in PostgreSQL keep one contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import BigInteger, Engine, bindparam, text

from connectors.turns import OwnTurns
from sync.store.database import connect, open_store
from sync.store.turns import SECOND, SharedTurns
from tests import postgres
from tests.contract.turns import Clock, Desk, TurnsContract


class TestOwnTurns(TurnsContract):
    @pytest.fixture
    def desk(self) -> Desk:
        return Desk(OwnTurns(), Clock())


@pytest.fixture(scope="module")
def store() -> Iterator[Engine]:
    """A store of PostgreSQL, each statement of which is committed at once."""
    with postgres.fresh_database(postgres.server()) as url:
        open_store(url).dispose()
        engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()


@pytest.mark.postgresql
class TestSharedTurns(TurnsContract):
    @pytest.fixture
    def desk(self, store: Engine) -> Desk:
        with store.connect() as connection:
            connection.execute(text("TRUNCATE request_line"))
        clock = Clock()
        moment = bindparam("moment", type_=BigInteger, callable_=lambda: round((1 + clock.now) * SECOND))
        return Desk(SharedTurns(store, moment), clock)
