"""Adds up the sessions that SDKs count, one by one or in sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Micros
from bugsly_server.decode.event import MAX_NAME_LENGTH
from bugsly_server.decode.lenient_json import line, mapping, moment, number, read_object
from bugsly_server.store.meta import groupings, release_sessions
from bugsly_server.store.meta.release_sessions import SessionCounts, SessionKey
from bugsly_server.store.ports import SpoolEntry

MAX_AGGREGATES = 200
MAX_COUNT = 10**9
MAX_SESSION_AGE: Micros = 30 * DAY


class SessionTally(NamedTuple):
    """Some sessions, and how they fared."""

    key: SessionKey
    counts: SessionCounts
    dedupe_key: bytes = b""
    """Of what a session met, which SDKs tell again when it ends."""


def record_sessions(
    connection: Connection,
    entries: Iterable[SpoolEntry],
    skipped: Counter[tuple[int, str]],
    now: Micros,
) -> None:
    """Add the sessions in *entries* to those of their releases.

    Sessions of no release are left out: no rate could be told from them.
    """
    tallies_to_dedupe: dict[int, dict[bytes, SessionTally]] = defaultdict(dict)
    total: dict[SessionKey, SessionCounts] = {}
    for tally in (one for entry in entries for one in _tallies(entry, skipped)):
        if tally.dedupe_key:
            tallies_to_dedupe[tally.key.project_id][tally.dedupe_key] = tally
        else:
            _add(total, tally)
    for project_id, tallies in tallies_to_dedupe.items():
        unseen_keys = groupings.unseen(connection, project_id, list(tallies))
        if unseen_keys:
            groupings.mark_seen(connection, project_id, unseen_keys, now)
        for dedupe_key in unseen_keys:
            _add(total, tallies[dedupe_key])
    release_sessions.add_sessions(connection, total)


def _add(total: dict[SessionKey, SessionCounts], tally: SessionTally) -> None:
    known = total.get(tally.key, SessionCounts(0, 0, 0))
    total[tally.key] = SessionCounts(*(a + b for a, b in zip(known, tally.counts, strict=True)))


def _tallies(entry: SpoolEntry, skipped: Counter[tuple[int, str]]) -> Iterator[SessionTally]:
    raw = read_object(entry.payload)
    attributes = mapping(mapping(raw).get("attrs"))
    release = line(attributes.get("release"), MAX_NAME_LENGTH)
    if raw is None or not release:
        skipped[entry.project_id, "session without a release"] += 1
        return
    environment = line(attributes.get("environment"), MAX_NAME_LENGTH)

    def key(session: Mapping[str, Any]) -> SessionKey:
        return SessionKey(
            entry.project_id, release, environment, _started_at(session, entry) // DAY
        )

    sums = raw.get("aggregates")
    if isinstance(sums, list):
        aggregates = (one for one in sums[:MAX_AGGREGATES] if isinstance(one, dict))
        yield from (SessionTally(key(one), _counts_of_aggregate(one)) for one in aggregates)
    else:
        yield from _tallies_of_session(raw, key(raw))


def _counts_of_aggregate(raw: Mapping[str, Any]) -> SessionCounts:
    exited, errored, crashed, abnormal = (
        number(raw.get(name), MAX_COUNT) for name in ("exited", "errored", "crashed", "abnormal")
    )
    return SessionCounts(exited + errored + crashed + abnormal, errored, crashed + abnormal)


def _tallies_of_session(raw: Mapping[str, Any], key: SessionKey) -> Iterator[SessionTally]:
    """Yield what one session tells: that it begins, that it met an error, or that it crashed."""
    if raw.get("init") is True:
        yield SessionTally(key, SessionCounts(1, 0, 0))
    if raw.get("status") in {"crashed", "abnormal"}:
        yield SessionTally(key, SessionCounts(0, 0, 1), _dedupe_key("crashed", raw))
    elif number(raw.get("errors"), MAX_COUNT):
        yield SessionTally(key, SessionCounts(0, 1, 0), _dedupe_key("errored", raw))


def _dedupe_key(outcome: str, raw: Mapping[str, Any]) -> bytes:
    identity = f"{outcome} {line(raw.get('sid'), MAX_NAME_LENGTH)} {line(raw.get('started'), MAX_NAME_LENGTH)}"
    return blake2b(identity.encode(), digest_size=16).digest()


def _started_at(raw: Mapping[str, Any], entry: SpoolEntry) -> Micros:
    claimed = moment(raw.get("started"))
    is_recent = (
        claimed is not None and entry.received_at - MAX_SESSION_AGE < claimed <= entry.received_at
    )
    return claimed if is_recent and claimed is not None else entry.received_at
