"""Records the releases, environments and users that errors were seen with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.model.event import ErrorEvent
from bugsly_server.model.project_limits import TAGS_REASON
from bugsly_server.store.meta import error_issues, groupings
from bugsly_server.store.meta.groupings import Grouping, IssueTag

MAX_REMEMBERED = 100_000
MAX_VALUES_BY_KIND = {"release": 200, "environment": 50, "user": error_issues.MAX_USERS}
"""Distinct values that are stored of a grouping."""


class IssueTagRecorder:
    """Remembers what it has stored: most events bring nothing new.

    A project may have *max_tags* in all.
    """

    def __init__(self, max_tags: int) -> None:
        self._max_tags = max_tags
        self._totals: dict[int, int] = {}
        self._stored: set[tuple[int, str, str]] = set()
        self._counts: Counter[tuple[int, str]] = Counter()

    def record(
        self,
        connection: Connection,
        project_id: int,
        events: Iterable[tuple[Grouping, ErrorEvent]],
        skipped: Counter[str],
    ) -> dict[str, Micros]:
        """Store what is new; return the releases among it, and when each was first seen.

        A release is returned although no more tags may be stored.
        """
        if len(self._stored) > MAX_REMEMBERED:
            self._stored.clear()
            self._counts.clear()
        new: list[IssueTag] = []
        issue_ids: dict[int, int] = {}
        for grouping, event in events:
            for kind, value in _tags_of(event):
                key = (grouping.id, kind, value)
                if (
                    not value
                    or key in self._stored
                    or self._counts[key[:2]] >= MAX_VALUES_BY_KIND[kind]
                ):
                    continue
                self._stored.add(key)
                self._counts[key[:2]] += 1
                new.append(IssueTag(*key, event.at))
                issue_ids[grouping.id] = grouping.issue_id
        if project_id not in self._totals:
            self._totals[project_id] = groupings.count_tags(connection, project_id)
        kept = new[: max(0, self._max_tags - self._totals[project_id])]
        if len(kept) < len(new):
            skipped[TAGS_REASON] += len(new) - len(kept)
        stored = groupings.add_tags(connection, kept)
        self._totals[project_id] += len(stored)
        error_issues.add_users(
            connection, Counter(issue_ids[key] for key, kind in stored if kind == "user")
        )
        return {one.value: one.first_at for one in reversed(new) if one.kind == "release"}


def _tags_of(event: ErrorEvent) -> tuple[tuple[str, str], ...]:
    user = groupings.user_tag(event.user) if event.user else ""
    return ("release", event.release), ("environment", event.environment), ("user", user)
