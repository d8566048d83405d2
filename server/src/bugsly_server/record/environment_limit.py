"""Lets a project have a limited number of environments; further ones share one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bugsly_server.clock import Micros
from bugsly_server.decode.batch import ReceivedEvent, ReceivedReport
from bugsly_server.decode.session import SessionTally
from bugsly_server.model.project_limits import ENVIRONMENTS_REASON, OTHER_ENVIRONMENTS
from bugsly_server.store.meta import environments
from bugsly_server.store.meta.database import Database

Rename = Callable[[str], str]


class EnvironmentLimit:
    """Remembers the environments of each project, at most *max_environments*."""

    def __init__(self, database: Database, max_environments: int) -> None:
        self._database = database
        self._max_environments = max_environments
        self._known: dict[int, set[str]] = {}

    def events(
        self,
        project_id: int,
        events: Sequence[ReceivedEvent],
        skipped: Counter[str],
        now: Micros,
    ) -> list[ReceivedEvent]:
        """Return *events*, with those of too many environments in one."""
        rename = self._renaming(project_id, (one.event.environment for one in events), skipped, now)
        return [
            one._replace(event=replace(one.event, environment=rename(one.event.environment)))
            for one in events
        ]

    def reports(
        self,
        project_id: int,
        reports: Sequence[ReceivedReport],
        skipped: Counter[str],
        now: Micros,
    ) -> list[ReceivedReport]:
        """Return *reports*, likewise."""
        named = (one.report.worker.environment for one in reports)
        rename = self._renaming(project_id, named, skipped, now)
        return [_renamed_report(one, rename) for one in reports]

    def sessions(
        self,
        project_id: int,
        tallies: Sequence[SessionTally],
        skipped: Counter[str],
        now: Micros,
    ) -> list[SessionTally]:
        """Return *tallies*, likewise."""
        rename = self._renaming(project_id, (one.environment for one in tallies), skipped, now)
        return [one._replace(environment=rename(one.environment)) for one in tallies]

    def _renaming(
        self, project_id: int, named: Iterable[str], skipped: Counter[str], now: Micros
    ) -> Rename:
        """Return what gives each of *named* the name to store; store those that are new."""
        amounts = Counter(named)
        known = self._known.get(project_id)
        if known is None:
            with self._database.reading() as connection:
                known = self._known[project_id] = environments.names(connection, project_id)
        unknown = amounts.keys() - known - {""}
        free = max(0, self._max_environments - len(known))
        added = sorted(unknown)[:free]
        if added:
            with self._database.writing() as connection:
                for name in added:
                    environments.add(connection, project_id, name, now)
            known.update(added)
        beyond = unknown.difference(added)
        if beyond:
            skipped[ENVIRONMENTS_REASON] += sum(amounts[name] for name in beyond)
        return lambda name: OTHER_ENVIRONMENTS if name in beyond else name


def _renamed_report(received: ReceivedReport, rename: Rename) -> ReceivedReport:
    worker = received.report.worker
    name = rename(worker.environment)
    if name == worker.environment:
        return received
    report = replace(received.report, worker=replace(worker, environment=name))
    return received._replace(report=report)
