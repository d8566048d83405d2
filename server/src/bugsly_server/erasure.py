"""Erases all data of one person from a project, so that its bytes are gone from the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bugsly_server.model.identity import Identity
from bugsly_server.store.meta import erasing
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import EventStore, Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRows:
    """How much was erased."""

    events: int
    """Events, those among them that were kept for good counted again."""
    waiting: int
    """What had arrived and was not digested yet."""
    tags: int
    """Times they were counted as a user of an error."""
    answers: int
    """Answers of a model."""
    texts: int
    """Rows whose text named them, such as titles of issues."""

    @property
    def total(self) -> int:
        """Return how many rows were deleted or changed."""
        return sum(asdict(self).values())


class DigestTurns:
    """A lock for two, the digester and an erasure: who waits gets it next.

    A plain lock would go back to the digester again and again while it catches up.
    """

    def __init__(self) -> None:
        self._next = threading.Lock()
        self._taken = threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._taken.acquire()

    def __exit__(self, *_error: object) -> None:
        self._taken.release()


class Eraser:
    """Erases people; the digester takes *digest_turns* for each batch."""

    def __init__(
        self, database: Database, events: EventStore, spool: Spool, digest_turns: DigestTurns
    ) -> None:
        self._database = database
        self._events = events
        self._spool = spool
        self._digest_turns = digest_turns

    def erase(self, project_id: int, identity: Identity) -> ErasedRows:
        """Erase *identity* from a project; doing so again erases nothing more.

        Nothing is digested meanwhile. The files are written anew, because SQLite leaves what is
        deleted in place; raises `Unavailable` where a reader prevents that for long.
        """
        users: set[str] = set()
        with self._digest_turns:
            waiting = self._spool.erase(
                lambda entry: (
                    entry.project_id == project_id and identity.is_in_payload(entry.payload)
                )
            )
            with self._database.reading() as connection:
                grouping_ids = erasing.grouping_ids(connection, project_id)
            events = self._events.erase(grouping_ids, _noting_users(identity, users))
            with self._database.writing() as connection:
                in_meta = erasing.erase(connection, project_id, identity, users)
            self._database.rewrite()
        return ErasedRows(
            events=events + in_meta.events,
            waiting=waiting,
            tags=in_meta.tags,
            answers=in_meta.answers,
            texts=in_meta.texts,
        )


def _noting_users(identity: Identity, users: set[str]) -> Callable[[bytes], bool]:
    """Return what says whether an event is to be erased, and adds to *users* what it calls them."""

    def is_erased(payload: bytes) -> bool:
        user = identity.user_in(payload)
        if user is not None:
            users.add(user)
        return user is not None or identity.is_in_payload(payload)

    return is_erased
