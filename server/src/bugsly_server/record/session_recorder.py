"""Adds sessions to the health of their releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Micros
from bugsly_server.decode.session import SessionTally
from bugsly_server.model.project_limits import RELEASES_REASON
from bugsly_server.model.session_counts import SessionCounts
from bugsly_server.store.meta import groupings, release_sessions, releases
from bugsly_server.store.meta.release_sessions import SessionKey


def bound_releases(
    connection: Connection,
    project_id: int,
    tallies: Sequence[SessionTally],
    max_releases: int,
    skipped: Counter[str],
) -> list[SessionTally]:
    """Return those of *tallies* whose release is known, or is noted now; count the others."""
    first_starts: dict[str, Micros] = {}
    for tally in tallies:
        known = first_starts.get(tally.release, tally.started_at)
        first_starts[tally.release] = min(tally.started_at, known)
    beyond = {
        version
        for version, at in first_starts.items()
        if not releases.note(connection, project_id, version, at, max_releases)
    }
    kept = [one for one in tallies if one.release not in beyond]
    if beyond:
        skipped[RELEASES_REASON] += len(tallies) - len(kept)
    return kept


def record_sessions(
    connection: Connection, project_id: int, tallies: Iterable[SessionTally], now: Micros
) -> None:
    """Add *tallies* to the sessions of their releases; an outcome that is repeated counts once."""
    total: dict[SessionKey, SessionCounts] = {}
    outcomes: dict[bytes, SessionTally] = {}
    for tally in tallies:
        if tally.dedupe_key is None:
            _add(total, project_id, tally)
        else:
            outcomes[tally.dedupe_key] = tally
    unseen_keys = groupings.unseen(connection, project_id, list(outcomes))
    if unseen_keys:
        groupings.mark_seen(connection, project_id, unseen_keys, now)
    for key in unseen_keys:
        _add(total, project_id, outcomes[key])
    release_sessions.add_sessions(connection, total)


def _add(total: dict[SessionKey, SessionCounts], project_id: int, tally: SessionTally) -> None:
    key = SessionKey(project_id, tally.release, tally.environment, tally.started_at // DAY)
    known = total.get(key, SessionCounts(0, 0, 0))
    total[key] = SessionCounts(*(a + b for a, b in zip(known, tally.counts, strict=True)))
