"""What workers are asked for, so that a diagnosis can be made."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.dossiers import APP, dossier, life, source
from tests.support.walks import heap

from bugsly.protocol.evidence import Heap, Trim, Window
from bugsly_server.diagnose.asking import HEAP_REQUESTS, MOST_FILES, WINDOW_REQUESTS, wanted
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier

TRIMMED = (Trim(before=9, after=9),)
WALKED = (heap(),)
TRACED = (Window(method="memray", requests=200, seconds=3.0, grown=9),)


MADE = {"heaps": WALKED, "site": "shop/views.py:9"}
"""A walk told what is in cycles, and the source which line makes it."""


def asked(found: Diagnosis, told: Dossier) -> list[tuple[int, str]]:
    return [(one.worker_id, one.ask.probe) for one in wanted(told, [found])]


def files(found: list[Diagnosis], told: Dossier) -> tuple[str, ...]:
    return next((one.ask.files for one in wanted(told, found)), ())


def test_the_source_of_a_cause_is_asked_for_once() -> None:
    assert files([diagnosis(file=APP)], dossier(life())) == (APP, "shop/views.py")
    assert files([diagnosis(file=APP)], dossier(life(), sources=(source(""),))) == ()


def test_without_a_line_the_view_of_the_endpoint_is_asked_for() -> None:
    lost = diagnosis(site="", file="")
    assert files([lost], dossier(life())) == ("GET /api/orders",)
    seen = source("", views={"GET /api/orders": 0})
    assert files([lost], dossier(life(), sources=(seen,))) == ()


def test_the_view_that_makes_cycles_is_asked_for_though_a_window_told_a_line() -> None:
    known = (source("", views={"GET /": 3}),)
    cycles = diagnosis(Cause.CYCLES, holder="", file="")
    assert files([cycles], dossier(life(), sources=known)) == ("GET /api/orders",)
    assert files([replace(cycles, cause=Cause.NATIVE)], dossier(life(), sources=known)) == ()


@pytest.mark.parametrize("cause", [Cause.BOUNDED, Cause.RETENTION])
def test_what_is_no_leak_needs_no_source(cause: Cause) -> None:
    assert files([diagnosis(cause)], dossier(life())) == ()


def test_not_too_many_sources_are_asked_for_at_once() -> None:
    many = [diagnosis(file=f"/app/{n}.py", site=f"{n}.py:1") for n in range(20)]
    assert len(files(many, dossier(life()))) == MOST_FILES


def test_the_worker_heard_of_last_is_asked_for_source() -> None:
    told = dossier(life(number=20), life(worker_id=2, number=40), life(worker_id=3, number=30))
    assert asked(diagnosis(), told) == [(2, "source")]


@pytest.mark.parametrize(
    ("cause", "facts", "probes"),
    [
        (Cause.UNKNOWN, {}, ["trim"]),
        (Cause.UNKNOWN, {"trims": TRIMMED}, ["heap"]),
        (Cause.NATIVE, {"trims": TRIMMED}, ["heap"]),
        (Cause.UNKNOWN, {"trims": TRIMMED, "heaps": WALKED}, ["window"]),
        (Cause.UNKNOWN, {"trims": TRIMMED, "in_vain": frozenset({"heap"})}, ["window"]),
        (Cause.UNKNOWN, {"trims": TRIMMED, "heaps": WALKED, "windows": TRACED}, []),
        (Cause.RETENTION, {}, ["trim"]),
        (Cause.RETENTION, {"trims": TRIMMED}, []),
        (Cause.CYCLES, {}, ["heap"]),
        (Cause.CYCLES, {"heaps": WALKED}, ["window"]),
        (Cause.CYCLES, {"heaps": WALKED, "windows": TRACED}, []),
        (Cause.CYCLES, MADE, []),
        (Cause.NATIVE, {"trims": TRIMMED, **MADE}, ["window"]),
    ],
)
def test_a_dear_probe_is_asked_for_once_and_while_the_cause_is_open(
    cause: Cause, facts: dict[str, Any], probes: list[str]
) -> None:
    facts = {"site": "", **facts}
    opened = diagnosis(cause, holder="", site=facts.pop("site"), file="", endpoint="")
    told = dossier(life(**facts), sources=(source(""),))
    assert asked(opened, told) == [(1, probe) for probe in probes]


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
    symptom = {"holder": "requests alive after they ended", "kind": "survivor", "site": ""}
    found = diagnosis(Cause.KEPT_EXCEPTION, **{**symptom, **facts})
    assert asked(found, dossier(life(heaps=WALKED))) == [(1, probe) for probe in probes]


@pytest.mark.parametrize(("heaps", "requests"), [((), HEAP_REQUESTS[0]), (WALKED, WINDOW_REQUESTS)])
def test_a_walk_and_a_window_last_a_counted_number_of_requests(
    heaps: tuple[Heap, ...], requests: int
) -> None:
    opened = diagnosis(Cause.UNKNOWN, holder="", site="", file="", endpoint="")
    (one,) = wanted(dossier(life(trims=TRIMMED, heaps=heaps, number=1)), [opened])
    assert one.ask.requests == requests


@pytest.mark.parametrize(("pace", "requests"), [(40, 300), (100, 600), (4_000, 900)])
def test_a_busy_worker_is_walked_over_more_requests(pace: int, requests: int) -> None:
    busy = life(trims=TRIMMED, traffic=lambda _: {"GET /": pace})
    opened = diagnosis(Cause.UNKNOWN, holder="", site="", file="", endpoint="")
    (one,) = wanted(dossier(busy), [opened])
    assert one.ask.requests == requests


@pytest.mark.parametrize(
    ("kind", "probes"),
    [("survivor", ["heap"]), ("callback", ["heap"]), ("WeakSet", ["heap"]), ("list", [])],
)
def test_who_holds_what_is_left_behind_is_asked_of_the_heap(kind: str, probes: list[str]) -> None:
    found = diagnosis(Cause.KEPT_EXCEPTION, kind=kind, site="", file="", endpoint="")
    assert asked(found, dossier(life())) == [(1, probe) for probe in probes]
    walked = dossier(life(heaps=WALKED, windows=TRACED))
    assert asked(found, walked) == []
    known = replace(found, site="a.py:1")
    assert "heap" not in [probe for _, probe in asked(known, dossier(life()))]


def test_a_worker_that_shows_the_growth_is_probed_and_no_other() -> None:
    opened = diagnosis(Cause.UNKNOWN, holder="", site="", file="", endpoint="", workers=(9, 2))
    assert asked(opened, dossier(life(), life(worker_id=2))) == [(2, "trim")]


def test_nobody_is_asked_where_nobody_is_known() -> None:
    assert wanted(dossier(), [diagnosis(), diagnosis(Cause.UNKNOWN)]) == []
