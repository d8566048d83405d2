"""Requests a walk of a running worker's heap, and waits for the result."""

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
"""The server drops a probe request after the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapWalks:
    """What one or two walks of a worker's heap found; fields are keys of `--json`."""

    pid: int
    most: HeapGrowth
    """From one snapshot: what holds most."""
    growth: HeapGrowth | None
    """From several snapshots: what grew with the requests; None if not requested."""


class ProbeRequester(NamedTuple):
    """Submits probe requests to a server and reads their status."""

    submit: Callable[[int, int], int]
    """Takes the id of a worker and a number of requests; returns the id of the probe request."""
    read_status: Callable[[int], Any]
    """Takes the id of a probe request; returns its facts."""


def walk_worker(parsed: argparse.Namespace, pid: int, requests: int) -> HeapWalks:
    """Return the walks of the worker *pid*; raise `Misconfigured` if it sends no result."""
    worker_id = find_worker(read_facts(parsed, "workers"), pid)
    requester = (
        _remote_requester(server_url(parsed)) if server_url(parsed) else _local_requester(parsed)
    )
    growth = _wait_for_heap(requester, worker_id, pid, requests) if requests else None
    return HeapWalks(pid=pid, most=_wait_for_heap(requester, worker_id, pid, 0), growth=growth)


def find_worker(facts: FactsByProject, pid: int) -> int:
    """Return the id of the living worker with this *pid*; raise `NotFound` if it is not unique."""
    living = [one for workers in facts.values() for one in workers if one["alive"]]
    same_pid = [one for one in living if one["pid"] == pid]
    if len(same_pid) == 1:
        return int(same_pid[0]["id"])
    if same_pid:
        hosts = ", ".join(sorted(str(one["host"]) for one in same_pid))
        raise NotFound(f"worker: {pid} exists on each of {hosts} → choose one with --project")
    if Path(f"/proc/{pid}").exists():
        raise NotFound(
            f"worker: {pid} runs without the agent, or reports to another server → start it with"
            " bugsly run, or name its server with --url or --data-dir"
        )
    known_pids = ", ".join(str(one["pid"]) for one in living)
    advice = f"choose one of: {known_pids}" if living else "start its app, as no worker is running"
    raise NotFound(f"worker: {pid} does not exist → {advice}")


def heap_of_facts(facts: dict[str, Any], pid: int) -> HeapGrowth | None:
    """Return the heap in *facts* of a probe request, None while there is no result.

    Raises `Misconfigured` if the worker refused, or sent no result in time.
    """
    if facts["problem"]:
        raise Misconfigured(f"worker: {pid} reports: {facts['problem']}")
    if facts["state"] == ProbeRequestState.EXPIRED:
        raise no_result_error(pid)
    return None if facts["heap"] is None else msgspec.convert(facts["heap"], HeapGrowth)


def no_result_error(pid: int) -> Misconfigured:
    """Return the error for a worker that sent no result in time."""
    return Misconfigured(
        f"worker: {pid} sent no result within {RESULT_TIMEOUT_SECONDS / 60:.0f} min"
        " → check that its server runs, and that the worker serves requests"
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
    """Return the requester that writes to the data folder, whose server passes requests on."""
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
