"""Asks a running worker to have its heap walked, and waits for what it says."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bugsly.protocol.evidence import HeapGrowth
from bugsly_server.cli.data_source import (
    FactsByProject,
    call_api,
    open_database,
    read_facts,
    server_url,
)
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.model.probe_status import ProbeRequestState
from bugsly_server.web import api

POLL_SECONDS = 0.5
RESULT_TIMEOUT_SECONDS = 300.0
"""Seconds after which the server gives an ask up as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapWalks:
    """What the walks of one worker's heap found."""

    pid: int
    most: HeapGrowth
    """One snapshot: what keeps most."""
    growth: HeapGrowth | None
    """Several of them: what grew with the requests, where that was asked for."""


class ProbeRequester(NamedTuple):
    """Where a worker is asked, and where its answer is looked for."""

    submit: Callable[[int, int], int]
    """Asks a worker, by its id, for a walk over so many requests; returns the id of the ask."""
    read_status: Callable[[int], Any]
    """Returns the facts of an ask."""


def walk_worker(parsed: argparse.Namespace, pid: int, requests: int) -> HeapWalks:
    """Return what the worker *pid* says; raises `Misconfigured` where it says nothing."""
    worker_id = find_worker(read_facts(parsed, "workers"), pid)
    requester = (
        _remote_requester(server_url(parsed)) if server_url(parsed) else _local_requester(parsed)
    )
    growth = _wait_for_heap(requester, worker_id, pid, requests) if requests else None
    return HeapWalks(pid=pid, most=_wait_for_heap(requester, worker_id, pid, 0), growth=growth)


def find_worker(facts: FactsByProject, pid: int) -> int:
    """Return the id of the living worker of that *pid*."""
    living = [one for workers in facts.values() for one in workers if one["alive"]]
    same_pid = [one for one in living if one["pid"] == pid]
    if len(same_pid) == 1:
        return int(same_pid[0]["id"])
    if same_pid:
        hosts = ", ".join(sorted(str(one["host"]) for one in same_pid))
        raise NotFound(f"worker: {pid} is one on each of {hosts} → choose with --project")
    if Path(f"/proc/{pid}").exists():
        raise NotFound(
            f"worker: {pid} runs without the agent, or reports elsewhere → start it by bugsly run,"
            " or name its server with --url or --data-dir"
        )
    known_pids = ", ".join(str(one["pid"]) for one in living) or "none, as none is running"
    raise NotFound(f"worker: {pid} is not there → choose one of: {known_pids}")


def heap_of_facts(facts: dict[str, Any], pid: int) -> HeapGrowth | None:
    """Return the heap that a worker told of, None as long as it has not answered.

    Raises `Misconfigured` where it refused, or was not heard of in time.
    """
    if facts["problem"]:
        raise Misconfigured(f"worker: {pid} says: {facts['problem']}")
    if facts["state"] == ProbeRequestState.EXPIRED:
        raise no_result_error(pid)
    return None if facts["heap"] is None else msgspec.convert(facts["heap"], HeapGrowth)


def no_result_error(pid: int) -> Misconfigured:
    """Return what is wrong where a worker did not answer in time."""
    return Misconfigured(
        f"worker: {pid} did not answer within {RESULT_TIMEOUT_SECONDS / 60:.0f} min"
        " → check that its server runs, and that it serves requests"
    )


def _wait_for_heap(
    requester: ProbeRequester, worker_id: int, pid: int, requests: int
) -> HeapGrowth:
    request_id = requester.submit(worker_id, requests)
    deadline = time.monotonic() + RESULT_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        heap = heap_of_facts(requester.read_status(request_id), pid)
        if heap is not None:
            return heap
        time.sleep(POLL_SECONDS)
    raise no_result_error(pid)


def _local_requester(parsed: argparse.Namespace) -> ProbeRequester:
    """Return the desk that is a data folder; the server on it sends the ask."""
    database = open_database(parsed)

    def submit(worker_id: int, requests: int) -> int:
        with database.writing() as connection:
            return api.add_heap_request(connection, worker_id, requests, now())

    def read_status(request_id: int) -> Any:
        with database.reading() as connection:
            return api.probe_request_facts(connection, request_id)

    return ProbeRequester(submit, read_status)


def _remote_requester(url: str) -> ProbeRequester:
    def submit(worker_id: int, requests: int) -> int:
        return int(call_api(url, "POST", f"workers/{worker_id}/heap?requests={requests}")["ask"])

    return ProbeRequester(submit, lambda request_id: call_api(url, "GET", f"asks/{request_id}"))
