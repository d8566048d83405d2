"""Adds up the sessions that SDKs count, one by one or in sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Micros
from bugsly_server.digest.event import NAME
from bugsly_server.digest.loose import line, mapping, moment, number, read_object
from bugsly_server.store.meta import groupings, health
from bugsly_server.store.meta.health import Health, Key
from bugsly_server.store.ports import Entry

MOST_SUMS = 200
LARGEST = 10**9
OLDEST: Micros = 30 * DAY


class Fare(NamedTuple):
    """Some sessions, and how they fared."""

    key: Key
    health: Health
    mark: bytes = b""
    """Of what a session met, which SDKs tell again when it ends."""


def record_sessions(
    connection: Connection, entries: Iterable[Entry], skipped: Counter[tuple[int, str]], now: Micros
) -> None:
    """Add the sessions in *entries* to those of their releases.

    Sessions of no release are left out: no rate could be told from them.
    """
    marked: dict[int, dict[bytes, Fare]] = defaultdict(dict)
    total: dict[Key, Health] = {}
    for fare in (one for entry in entries for one in _read(entry, skipped)):
        if fare.mark:
            marked[fare.key.project_id][fare.mark] = fare
        else:
            _add(total, fare)
    for project_id, fares in marked.items():
        fresh = groupings.unseen(connection, project_id, list(fares))
        if fresh:
            groupings.mark_seen(connection, project_id, fresh, now)
        for mark in fresh:
            _add(total, fares[mark])
    health.add(connection, total)


def _add(total: dict[Key, Health], fare: Fare) -> None:
    known = total.get(fare.key, Health(0, 0, 0))
    total[fare.key] = Health(*(a + b for a, b in zip(known, fare.health, strict=True)))


def _read(entry: Entry, skipped: Counter[tuple[int, str]]) -> Iterator[Fare]:
    loose = read_object(entry.payload)
    attributes = mapping(mapping(loose).get("attrs"))
    release = line(attributes.get("release"), NAME)
    if loose is None or not release:
        skipped[entry.project_id, "session without a release"] += 1
        return
    environment = line(attributes.get("environment"), NAME)

    def key(one: Mapping[str, Any]) -> Key:
        return Key(entry.project_id, release, environment, _started(one, entry) // DAY)

    sums = loose.get("aggregates")
    if isinstance(sums, list):
        told = (one for one in sums[:MOST_SUMS] if isinstance(one, dict))
        yield from (Fare(key(one), _of_sum(one)) for one in told)
    else:
        yield from _of_one(loose, key(loose))


def _of_sum(loose: Mapping[str, Any]) -> Health:
    exited, errored, crashed, abnormal = (
        number(loose.get(name), LARGEST) for name in ("exited", "errored", "crashed", "abnormal")
    )
    return Health(exited + errored + crashed + abnormal, errored, crashed + abnormal)


def _of_one(loose: Mapping[str, Any], key: Key) -> Iterator[Fare]:
    """Yield what one session tells: that it begins, that it met an error, or that it crashed."""
    if loose.get("init") is True:
        yield Fare(key, Health(1, 0, 0))
    if loose.get("status") in {"crashed", "abnormal"}:
        yield Fare(key, Health(0, 0, 1), _mark("crashed", loose))
    elif number(loose.get("errors"), LARGEST):
        yield Fare(key, Health(0, 1, 0), _mark("errored", loose))


def _mark(fate: str, loose: Mapping[str, Any]) -> bytes:
    told = f"{fate} {line(loose.get('sid'), NAME)} {line(loose.get('started'), NAME)}"
    return blake2b(told.encode(), digest_size=16).digest()


def _started(loose: Mapping[str, Any], entry: Entry) -> Micros:
    told = moment(loose.get("started"))
    recent = told is not None and entry.received_at - OLDEST < told <= entry.received_at
    return told if recent and told is not None else entry.received_at
