"""Notes with which releases and environments, and by which users, errors were met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.model.event import Event
from bugsly_server.store.meta import errors, groupings
from bugsly_server.store.meta.groupings import Grouping, Trait

MOST_REMEMBERED = 100_000
MOST = {"release": 200, "environment": 50, "user": errors.MOST_USERS}
"""Values of a grouping that are told apart."""


class Traits:
    """Remembers what it has stored already: most events have nothing new to tell."""

    def __init__(self) -> None:
        self._stored: set[tuple[int, str, str]] = set()
        self._counts: Counter[tuple[int, str]] = Counter()

    def note(
        self, connection: Connection, met: Iterable[tuple[Grouping, Event]]
    ) -> dict[str, Micros]:
        """Store what is new; return the releases among it, and when each was met first."""
        if len(self._stored) > MOST_REMEMBERED:
            self._stored.clear()
            self._counts.clear()
        new: list[Trait] = []
        users: set[int] = set()
        for grouping, event in met:
            for kind, value in _told(event):
                key = (grouping.id, kind, value)
                if not value or key in self._stored or self._counts[key[:2]] >= MOST[kind]:
                    continue
                self._stored.add(key)
                self._counts[key[:2]] += 1
                new.append(Trait(*key, event.at))
                if kind == "user":
                    users.add(grouping.issue_id)
        groupings.note_traits(connection, new)
        errors.count_users(connection, users)
        return {one.value: one.first_at for one in reversed(new) if one.kind == "release"}


def _told(event: Event) -> tuple[tuple[str, str], ...]:
    user = blake2b(event.user.encode(), digest_size=8).hexdigest() if event.user else ""
    return ("release", event.release), ("environment", event.environment), ("user", user)
