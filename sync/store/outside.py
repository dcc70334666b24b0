"""Say what the work of a site names as objectives in vain and may be issues: Jira is asked for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select, and_, exists, or_, select

from connectors.base import Named
from connectors.records import How
from sync.store.bulk import among
from sync.store.dangling import claims_of_unnamed_objectives, issues_that_are_none, objectives_not_named
from sync.store.former_keys import former_key
from sync.store.links import link_claim, objective, outside_objective, work_item
from sync.store.presence import kept, live
from sync.store.rows import match_key
from sync.store.runs import source_run

KEY = re.compile(r"[^\W\d]\w*-\d+")
ISSUE = re.compile(r"\d+|" + KEY.pattern)


@dataclass(frozen=True, slots=True)
class NamedInVain:
    """The names of issues of one site. `objectives` and `source`: where its objectives, and these, are kept.

    `url` is where the site is browsed: work of other sites names its issues by their addresses.
    """

    engine: Engine
    site: str
    objectives: str
    source: str
    url: str

    def choose(self) -> Named:
        """Give each name once; none before the objectives are known, for then every name is in vain."""
        with self.engine.connect() as connection:
            if not self._objectives_known(connection):
                return Named()
            names = dict.fromkeys([*self._named(connection), *connection.scalars(parents_alike(self.site))])
            known = connection.scalars(
                select(outside_objective.c.source_id).where(
                    outside_objective.c.source == self.source, kept(outside_objective)
                )
            )
            return Named(
                tuple(names), frozenset(known), self._former(connection, names), self._goals(connection)
            )

    def _former(self, connection: Connection, names: Iterable[str]) -> dict[str, str]:
        """Read which of the names are known as keys that issues of the site had, and give their ids."""
        folded = {match_key(name): name for name in names}
        rows = connection.execute(
            select(former_key.c.key_folded, former_key.c.issue_id)
            .where(former_key.c.site == self.site, among(connection, former_key.c.key_folded, folded))
            .order_by(former_key.c.until)
        )
        return {folded[row.key_folded]: row.issue_id for row in rows}

    def _goals(self, connection: Connection) -> frozenset[str]:
        """Read the ids of the issues that are objectives of the site."""
        found = objective.c.site == self.site, objective.c.issue_id.is_not(None), kept(objective)
        return frozenset(connection.scalars(select(objective.c.issue_id).where(*found)))

    def _objectives_known(self, connection: Connection) -> bool:
        read = source_run.c.source == self.objectives, source_run.c.status == "complete"
        return connection.scalar(select(source_run.c.run_id).where(*read).limit(1)) is not None

    def _named(self, connection: Connection) -> Iterator[str]:
        """Read what fields, labels and links name: on this site by key, on any by an address of this one."""
        fields = objectives_not_named()
        own = work_item.c.source == self.site
        for statement, form in (
            (fields.where(own), KEY),
            (issues_that_are_none().where(own), ISSUE),
            (claims_of_unnamed_objectives().where(self._of_claims()), KEY),
        ):
            found = statement.subquery()
            for target in connection.scalars(select(found.c.target).distinct()):
                if form.fullmatch(target):
                    yield target.upper()
        address = re.compile(re.escape(self.url) + r"/browse/(" + KEY.pattern + ")")
        found = fields.where(~own).subquery()
        starting = found.c.target.startswith(f"{self.url}/browse/", autoescape=True)
        for target in connection.scalars(select(found.c.target).where(starting).distinct()):
            named = address.fullmatch(target)
            if named:
                yield named[1].upper()

    def _of_claims(self) -> ColumnElement[bool]:
        """What a row of a mapping file names may be on any site, unless it says on which."""
        from_links = link_claim.c.how == How.REMOTE_LINK.value
        return or_(from_links, link_claim.c.site.is_(None), link_claim.c.site == self.site)


def parents_alike(site: str) -> Select[tuple[str]]:
    """Select the parents outside the scope that are of the type of objectives, and of no type of work."""
    goal, other = work_item.alias("goal"), work_item.alias("other")

    def is_objective(item: FromClause) -> ColumnElement[bool]:
        same = and_(objective.c.site == item.c.source, objective.c.issue_id == item.c.source_id)
        return exists().where(same, kept(objective)).correlate(item)

    types = select(goal.c.type_folded).where(goal.c.source == site, live(goal), is_objective(goal))
    work = select(other.c.type_folded).where(other.c.source == site, live(other), other.c.in_scope)
    return select(work_item.c.source_id).where(
        work_item.c.source == site,
        live(work_item),
        ~work_item.c.in_scope,
        ~is_objective(work_item),
        work_item.c.type_folded.in_(types),
        work_item.c.type_folded.not_in(work),
    )
