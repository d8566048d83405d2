"""Which probes are requested to complete a diagnosis."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.heap_snapshots import heap_snapshot
from tests.support.leak_evidence import APP, leak_evidence, source, worker_history

from bugsly.protocol.evidence import AllocationWindow, HeapGrowth, TrimResult
from bugsly_server.diagnose.probe_planning import (
    ALLOCATION_WINDOW_REQUESTS,
    HEAP_WALK_REQUEST_RANGE,
    MAX_FILES,
    plan_probes,
)
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence

TRIMMED = (TrimResult(before=9, after=9),)
HEAPS_WALKED = (heap_snapshot(),)
TRACED = (AllocationWindow(method="memray", requests=200, seconds=3.0, grown=9),)


MADE_FACTS = {"heaps": HEAPS_WALKED, "site": "shop/views.py:9"}
"""A walk showed the objects in cycles, and the source showed the line that creates them."""


def planned_probes(found: Diagnosis, evidence: LeakEvidence) -> list[tuple[int, str]]:
    return [(one.worker_id, one.request.probe) for one in plan_probes(evidence, [found])]


def requested_files(found: list[Diagnosis], evidence: LeakEvidence) -> tuple[str, ...]:
    return next((one.request.files for one in plan_probes(evidence, found)), ())


def test_the_source_of_a_cause_is_requested_once() -> None:
    assert requested_files([diagnosis(file=APP)], leak_evidence(worker_history())) == (
        APP,
        "shop/views.py",
    )
    assert (
        requested_files(
            [diagnosis(file=APP)], leak_evidence(worker_history(), sources=(source(""),))
        )
        == ()
    )


def test_without_a_line_the_view_of_the_endpoint_is_requested() -> None:
    lost = diagnosis(site=None, file=None)
    assert requested_files([lost], leak_evidence(worker_history())) == ("GET /api/orders",)
    seen = source("", views={"GET /api/orders": 0})
    assert requested_files([lost], leak_evidence(worker_history(), sources=(seen,))) == ()


def test_the_view_that_creates_cycles_is_requested_even_if_a_window_names_a_line() -> None:
    known = (source("", views={"GET /": 3}),)
    cycles = diagnosis(Cause.CYCLES, holder=None, file=None)
    assert requested_files([cycles], leak_evidence(worker_history(), sources=known)) == (
        "GET /api/orders",
    )
    assert (
        requested_files(
            [replace(cycles, cause=Cause.NATIVE)], leak_evidence(worker_history(), sources=known)
        )
        == ()
    )


@pytest.mark.parametrize("cause", [Cause.BOUNDED, Cause.RETENTION])
def test_what_is_no_leak_needs_no_source(cause: Cause) -> None:
    assert requested_files([diagnosis(cause)], leak_evidence(worker_history())) == ()


def test_not_too_many_sources_are_requested_at_once() -> None:
    many = [diagnosis(file=f"/app/{n}.py", site=f"{n}.py:1") for n in range(20)]
    assert len(requested_files(many, leak_evidence(worker_history()))) == MAX_FILES


def test_the_source_is_requested_from_the_worker_that_reported_last() -> None:
    evidence = leak_evidence(
        worker_history(number=20),
        worker_history(worker_id=2, number=40),
        worker_history(worker_id=3, number=30),
    )
    assert planned_probes(diagnosis(), evidence) == [(2, "source")]


@pytest.mark.parametrize(
    ("cause", "facts", "probes"),
    [
        (Cause.UNKNOWN, {}, ["trim"]),
        (Cause.UNKNOWN, {"trims": TRIMMED}, ["heap"]),
        (Cause.NATIVE, {"trims": TRIMMED}, ["heap"]),
        (Cause.UNKNOWN, {"trims": TRIMMED, "heaps": HEAPS_WALKED}, ["window"]),
        (Cause.UNKNOWN, {"trims": TRIMMED, "fruitless_probes": frozenset({"heap"})}, ["window"]),
        (
            Cause.UNKNOWN,
            {"trims": TRIMMED, "heaps": HEAPS_WALKED, "allocation_windows": TRACED},
            [],
        ),
        (Cause.RETENTION, {}, ["trim"]),
        (Cause.RETENTION, {"trims": TRIMMED}, []),
        (Cause.CYCLES, {}, ["heap"]),
        (Cause.CYCLES, {"heaps": HEAPS_WALKED}, ["window"]),
        (Cause.CYCLES, {"heaps": HEAPS_WALKED, "allocation_windows": TRACED}, []),
        (Cause.CYCLES, MADE_FACTS, []),
        (Cause.NATIVE, {"trims": TRIMMED, **MADE_FACTS}, ["window"]),
    ],
)
def test_an_expensive_probe_is_requested_once_and_while_the_cause_is_open(
    cause: Cause, facts: dict[str, Any], probes: list[str]
) -> None:
    facts = {"site": None, **facts}
    opened = diagnosis(cause, holder=None, site=facts.pop("site"), file=None, endpoint=None)
    evidence = leak_evidence(worker_history(**facts), sources=(source(""),))
    assert planned_probes(opened, evidence) == [(1, probe) for probe in probes]


@pytest.mark.parametrize(
    ("facts", "probes"),
    [
        ({}, ["source", "window"]),
        ({"bytes_per_request": 0.0}, ["source"]),
        ({"site": "shop/views.py:9"}, ["source"]),
    ],
)
def test_allocations_are_traced_where_memory_shows_only_a_symptom(
    facts: dict[str, Any], probes: list[str]
) -> None:
    symptom = {"holder": "requests alive after they ended", "kind": "survivor", "site": None}
    found = diagnosis(Cause.KEPT_EXCEPTION, **{**symptom, **facts})
    assert planned_probes(found, leak_evidence(worker_history(heaps=HEAPS_WALKED))) == [
        (1, probe) for probe in probes
    ]


@pytest.mark.parametrize(
    ("heaps", "requests"),
    [((), HEAP_WALK_REQUEST_RANGE[0]), (HEAPS_WALKED, ALLOCATION_WINDOW_REQUESTS)],
)
def test_a_walk_and_a_window_last_a_counted_number_of_requests(
    heaps: tuple[HeapGrowth, ...], requests: int
) -> None:
    opened = diagnosis(Cause.UNKNOWN, holder=None, site=None, file=None, endpoint=None)
    (planned,) = plan_probes(
        leak_evidence(worker_history(trims=TRIMMED, heaps=heaps, number=1)), [opened]
    )
    assert planned.request.requests == requests


@pytest.mark.parametrize(("pace", "requests"), [(40, 300), (100, 600), (4_000, 900)])
def test_a_busy_worker_is_walked_over_more_requests(pace: int, requests: int) -> None:
    busy = worker_history(trims=TRIMMED, traffic=lambda _: {"GET /": pace})
    opened = diagnosis(Cause.UNKNOWN, holder=None, site=None, file=None, endpoint=None)
    (planned,) = plan_probes(leak_evidence(busy), [opened])
    assert planned.request.requests == requests


@pytest.mark.parametrize(
    ("kind", "probes"),
    [("survivor", ["heap"]), ("callback", ["heap"]), ("WeakSet", ["heap"]), ("list", [])],
)
def test_a_walk_is_requested_for_a_symptom_without_a_holder(kind: str, probes: list[str]) -> None:
    found = diagnosis(Cause.KEPT_EXCEPTION, kind=kind, site=None, file=None, endpoint=None)
    assert planned_probes(found, leak_evidence(worker_history())) == [
        (1, probe) for probe in probes
    ]
    walked = leak_evidence(worker_history(heaps=HEAPS_WALKED, allocation_windows=TRACED))
    assert planned_probes(found, walked) == []
    known = replace(found, location=replace(found.location, site="a.py:1"))
    assert "heap" not in [
        probe for _, probe in planned_probes(known, leak_evidence(worker_history()))
    ]


def test_a_worker_that_shows_the_growth_is_probed_and_no_other() -> None:
    opened = diagnosis(
        Cause.UNKNOWN, holder=None, site=None, file=None, endpoint=None, worker_ids=(9, 2)
    )
    assert planned_probes(opened, leak_evidence(worker_history(), worker_history(worker_id=2))) == [
        (2, "trim")
    ]


def test_without_workers_nothing_is_requested() -> None:
    assert plan_probes(leak_evidence(), [diagnosis(), diagnosis(Cause.UNKNOWN)]) == []


@pytest.mark.parametrize(
    ("refused", "requested"),
    [
        ({"trim"}, ["heap"]),
        ({"trim", "heap"}, ["window"]),
        ({"trim", "heap", "window"}, []),
    ],
)
def test_a_worker_that_refused_a_probe_is_not_asked_for_it_again(
    refused: set[str], requested: list[str]
) -> None:
    lost = diagnosis(Cause.NATIVE, holder=None, site=None, file=None)
    evidence = leak_evidence(worker_history(fruitless_probes=frozenset(refused | {"source"})))
    assert [probe for _, probe in planned_probes(lost, evidence)] == requested


def test_a_source_that_a_worker_refused_is_requested_from_another() -> None:
    refusing = worker_history(fruitless_probes=frozenset({"source"}))
    evidence = leak_evidence(refusing, worker_history(worker_id=2))
    planned = plan_probes(evidence, [diagnosis(file=APP)])
    assert [(one.worker_id, one.request.probe) for one in planned] == [(2, "source")]
