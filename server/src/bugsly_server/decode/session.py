"""Decodes the sessions that SDKs send, one at a time or as aggregates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from bugsly_server.clock import DAY, Micros
from bugsly_server.decode.event import MAX_NAME_LENGTH
from bugsly_server.decode.lenient_json import line, mapping, moment, number, read_object
from bugsly_server.model.session_counts import SessionCounts

CRASHED_STATUSES = ("crashed", "abnormal")
MAX_AGGREGATES = 200
MAX_SESSIONS = 10**9
MAX_SESSION_AGE: Micros = 30 * DAY


class SessionTally(NamedTuple):
    """Some sessions of one release that started at one time, and how they ended."""

    release: str
    environment: str
    started_at: Micros
    counts: SessionCounts
    dedupe_key: bytes | None = None
    """Identifies an outcome that SDKs repeat when the session ends; else None."""


def decode_sessions(
    payload: bytes, received_at: Micros, skipped: Counter[str]
) -> list[SessionTally]:
    """Return the tallies in *payload*, the body of a `session` or `sessions` item.

    Sessions without a release are skipped and counted: they belong to no release's health.
    """
    raw = read_object(payload)
    attributes = mapping(mapping(raw).get("attrs"))
    release = line(attributes.get("release"), MAX_NAME_LENGTH)
    if raw is None or not release:
        skipped["session without a release"] += 1
        return []
    environment = line(attributes.get("environment"), MAX_NAME_LENGTH)
    aggregates = raw.get("aggregates")
    if isinstance(aggregates, list):
        sums = [one for one in aggregates[:MAX_AGGREGATES] if isinstance(one, dict)]
        return [
            SessionTally(
                release, environment, _started_at(one, received_at), _counts_of_aggregate(one)
            )
            for one in sums
        ]
    started_at = _started_at(raw, received_at)
    return [
        SessionTally(release, environment, started_at, counts, dedupe_key)
        for counts, dedupe_key in _session_outcomes(raw)
    ]


def _counts_of_aggregate(raw: Mapping[str, Any]) -> SessionCounts:
    exited, errored, crashed, abnormal = (
        number(raw.get(name), MAX_SESSIONS) for name in ("exited", "errored", "crashed", "abnormal")
    )
    return SessionCounts(exited + errored + crashed + abnormal, errored, crashed + abnormal)


def _session_outcomes(raw: Mapping[str, Any]) -> Iterator[tuple[SessionCounts, bytes | None]]:
    """Yield what one session reports: that it started, and that it met an error or crashed."""
    if raw.get("init") is True:
        yield SessionCounts(1, 0, 0), None
    if raw.get("status") in CRASHED_STATUSES:
        yield SessionCounts(0, 0, 1), _dedupe_key("crashed", raw)
    elif number(raw.get("errors"), MAX_SESSIONS):
        yield SessionCounts(0, 1, 0), _dedupe_key("errored", raw)


def _dedupe_key(outcome: str, raw: Mapping[str, Any]) -> bytes:
    session_id, started = (line(raw.get(name), MAX_NAME_LENGTH) for name in ("sid", "started"))
    return blake2b(f"{outcome} {session_id} {started}".encode(), digest_size=16).digest()


def _started_at(raw: Mapping[str, Any], received_at: Micros) -> Micros:
    """Return when a session started; when it was received where it claims nothing plausible."""
    claimed = moment(raw.get("started"))
    if claimed is not None and received_at - MAX_SESSION_AGE < claimed <= received_at:
        return claimed
    return received_at
