"""Choose the work items whose remote links are worth a request: those that nothing else ties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Subquery, and_, delete, exists, false, func, insert, or_, select

from connectors.base import Chosen
from connectors.records import How, StatusCategory
from sync.store import tables
from sync.store.links import link_claim, objective_link, relink_objectives, work_item
from sync.store.presence import kept, live
from sync.store.schema import table_of

look = table_of(tables.RemoteLook)

IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class RemoteCandidates:
    """The issues of one site that nothing but a remote link could tie; `source` is where these are stored."""

    engine: Engine
    site: str
    source: str
    clock: Callable[[], datetime]

    def choose(self, most: int) -> Chosen:
        """Choose at most so many: never asked first, then changed since, then asked longest ago."""
        with self.engine.begin() as connection:
            relink_objectives(connection)
            found = untied(self.site)
            never = found.c.looked_at.is_(None)
            order = (
                never.desc(),
                found.c.changed.desc(),
                found.c.done,
                found.c.looked_at,
                found.c.level.desc(),
                found.c.id,
            )
            ask = tuple(connection.scalars(select(found.c.source_id).order_by(*order).limit(most)))
            waiting = connection.scalar(select(func.count()).select_from(found).where(never)) or 0
            return Chosen(ask, self._besides(connection, set(ask)), max(0, waiting - len(ask)))

    def _besides(self, connection: Connection, asked: set[str]) -> tuple[str, ...]:
        """Give the issues that are not asked now and have remote links from before."""
        claimed = select(link_claim.c.issue).where(link_claim.c.source == self.source, kept(link_claim))
        return tuple(issue for issue in connection.scalars(claimed.distinct()) if issue not in asked)

    def note_asked(self, issue_ids: Sequence[str]) -> None:
        """Remember when these were asked."""
        with self.engine.begin() as connection:
            for start in range(0, len(issue_ids), IDS_AT_ONCE):
                named = work_item.c.source_id.in_(issue_ids[start : start + IDS_AT_ONCE])
                ids = list(
                    connection.scalars(select(work_item.c.id).where(work_item.c.source == self.site, named))
                )
                connection.execute(delete(look).where(look.c.work_item_id.in_(ids)))
                if ids:
                    now = self.clock()
                    connection.execute(insert(look), [{"work_item_id": one, "looked_at": now} for one in ids])


def untied(site: str) -> Subquery:
    """Select the items in scope of a site that no other kind of link ties, nor a remote link above them."""
    own_remote_link = and_(objective_link.c.how == How.REMOTE_LINK.value, objective_link.c.depth == 0)
    otherwise = exists().where(objective_link.c.work_item_id == work_item.c.id, ~own_remote_link)
    changed = and_(look.c.looked_at.is_not(None), work_item.c.updated_at > look.c.looked_at)
    return (
        select(
            work_item.c.id,
            work_item.c.source_id,
            func.coalesce(work_item.c.hierarchy_level, 0).label("level"),
            (work_item.c.status_category == StatusCategory.DONE.value).label("done"),
            look.c.looked_at,
            or_(changed, false()).label("changed"),
        )
        .outerjoin_from(work_item, look, look.c.work_item_id == work_item.c.id)
        .where(
            work_item.c.source == site, live(work_item), work_item.c.in_scope, ~otherwise.correlate(work_item)
        )
        .subquery("untied")
    )
