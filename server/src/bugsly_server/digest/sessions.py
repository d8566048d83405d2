"""Reads the sessions that SDKs count, one by one or in sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bugsly_server.clock import DAY, Micros
from bugsly_server.digest.event import NAME
from bugsly_server.digest.loose import line, mapping, moment, number, read_object
from bugsly_server.store.meta.health import Health, Key
from bugsly_server.store.ports import Entry

MOST_SUMS = 200
LARGEST = 10**9
OLDEST: Micros = 30 * DAY


def sum_up(entries: Iterable[Entry], skipped: Counter[tuple[int, str]]) -> dict[Key, Health]:
    """Return the sessions in *entries* by project, release, environment and day.

    Sessions of no release are left out: no rate could be told from them.
    """
    total: dict[Key, Health] = {}
    for entry in entries:
        loose = read_object(entry.payload)
        release = "" if loose is None else line(mapping(loose.get("attrs")).get("release"), NAME)
        if loose is None or not release:
            skipped[entry.project_id, "session without a release"] += 1
            continue
        environment = line(mapping(loose.get("attrs")).get("environment"), NAME)
        for at, health in _told(loose, entry):
            key = Key(entry.project_id, release, environment, at // DAY)
            known = total.get(key, Health(0, 0, 0))
            total[key] = Health(*(a + b for a, b in zip(known, health, strict=True)))
    return total


def _told(loose: Mapping[str, Any], entry: Entry) -> list[tuple[Micros, Health]]:
    sums = loose.get("aggregates")
    if isinstance(sums, list):
        told = [one for one in sums[:MOST_SUMS] if isinstance(one, dict)]
        return [(_started(one, entry), _of_sum(one)) for one in told]
    return [(_started(loose, entry), _of_one(loose))]


def _of_sum(loose: Mapping[str, Any]) -> Health:
    exited, errored, crashed, abnormal = (
        number(loose.get(name), LARGEST) for name in ("exited", "errored", "crashed", "abnormal")
    )
    return Health(exited + errored + crashed + abnormal, errored, crashed + abnormal)


def _of_one(loose: Mapping[str, Any]) -> Health:
    """Return one session: it is counted when it begins, and as crashed when it says so."""
    begins = loose.get("init") is True
    crashed = loose.get("status") in {"crashed", "abnormal"}
    errored = begins and not crashed and number(loose.get("errors"), LARGEST) > 0
    return Health(int(begins), int(errored), int(crashed))


def _started(loose: Mapping[str, Any], entry: Entry) -> Micros:
    told = moment(loose.get("started"))
    recent = told is not None and entry.received_at - OLDEST < told <= entry.received_at
    return told if recent and told is not None else entry.received_at
