"""Asks a running worker to have its heap walked, and waits for what it says."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bugsly.protocol.evidence import Heap
from bugsly_server.cli.ask import Found, ask, call, open_folder, url_of
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.model.asked import AskState
from bugsly_server.web import api

LOOK_EVERY = 0.5
PATIENCE = 300.0
"""Seconds after which the server gives an ask up as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """What the walks of one worker's heap found."""

    pid: int
    most: Heap
    """One snapshot: what keeps most."""
    growth: Heap | None
    """Several of them: what grew with the requests, where that was asked for."""


class Desk(NamedTuple):
    """Where a worker is asked, and where its answer is looked for."""

    put: Callable[[int, int], int]
    """Asks a worker, by its id, for a walk over so many requests; returns the id of the ask."""
    look: Callable[[int], Any]
    """Returns the facts of an ask."""


def of_worker(parsed: argparse.Namespace, pid: int, requests: int) -> Walks:
    """Return what the worker *pid* says; raises `Misconfigured` where it says nothing."""
    worker_id = find(ask(parsed, "workers"), pid)
    desk = _server(url_of(parsed)) if url_of(parsed) else _folder(parsed)
    growth = _answer(desk, worker_id, pid, requests) if requests else None
    return Walks(pid=pid, most=_answer(desk, worker_id, pid, 0), growth=growth)


def find(found: Found, pid: int) -> int:
    """Return the id of the living worker of that *pid*."""
    living = [one for workers in found.values() for one in workers if one["alive"]]
    mine = [one for one in living if one["pid"] == pid]
    if len(mine) == 1:
        return int(mine[0]["id"])
    if mine:
        hosts = ", ".join(sorted(str(one["host"]) for one in mine))
        raise NotFound(f"worker: {pid} is one on each of {hosts} → choose with --project")
    if Path(f"/proc/{pid}").exists():
        raise NotFound(
            f"worker: {pid} runs without the agent, or reports elsewhere → start it by bugsly run,"
            " or name its server with --url or --data-dir"
        )
    known = ", ".join(str(one["pid"]) for one in living) or "none, as none is running"
    raise NotFound(f"worker: {pid} is not there → choose one of: {known}")


def heap_of(facts: dict[str, Any], pid: int) -> Heap | None:
    """Return the heap that a worker told of, None as long as it has not answered.

    Raises `Misconfigured` where it refused, or was not heard of in time.
    """
    if facts["problem"]:
        raise Misconfigured(f"worker: {pid} says: {facts['problem']}")
    if facts["state"] == AskState.EXPIRED:
        raise silent(pid)
    return None if facts["heap"] is None else msgspec.convert(facts["heap"], Heap)


def silent(pid: int) -> Misconfigured:
    """Return what is wrong where a worker did not answer in time."""
    return Misconfigured(
        f"worker: {pid} did not answer within {PATIENCE / 60:.0f} min"
        " → check that its server runs, and that it serves requests"
    )


def _answer(desk: Desk, worker_id: int, pid: int, requests: int) -> Heap:
    key = desk.put(worker_id, requests)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        heap = heap_of(desk.look(key), pid)
        if heap is not None:
            return heap
        time.sleep(LOOK_EVERY)
    raise silent(pid)


def _folder(parsed: argparse.Namespace) -> Desk:
    """Return the desk that is a data folder; the server on it sends the ask."""
    database = open_folder(parsed)

    def put(worker_id: int, requests: int) -> int:
        with database.writing() as connection:
            return api.put_heap(connection, worker_id, requests, now())

    def look(key: int) -> Any:
        with database.reading() as connection:
            return api.ask_facts(connection, key)

    return Desk(put, look)


def _server(url: str) -> Desk:
    def put(worker_id: int, requests: int) -> int:
        return int(call(url, "POST", f"workers/{worker_id}/heap?requests={requests}")["ask"])

    return Desk(put, lambda key: call(url, "GET", f"asks/{key}"))
