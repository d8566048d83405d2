"""An allocation window of one worker counts for all that run the same code."""

from dataclasses import replace

import pytest
from tests.diagnose.growth.test_live_bytes import MB, time_bucket

from bugsly.protocol.evidence import AllocationSite, AllocationWindow, TrimResult
from bugsly_server.diagnose.growth.memory_growth import measure_memory_growth
from bugsly_server.diagnose.unattributed import diagnose_unattributed
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

WINDOW = AllocationWindow(
    method="tracemalloc",
    requests=200,
    seconds=8.0,
    grown=3 * MB,
    lines=(AllocationSite(site="app.py:9", bytes=2 * MB, count=80_000),),
)


def worker_history(number: int, each: int, *windows: AllocationWindow) -> WorkerHistory:
    steps = tuple(
        time_bucket(one, 0, blocks=one * 10_000, bytes_per_bucket=each) for one in range(16)
    )
    return WorkerHistory(
        worker_id=number,
        pid=number,
        release="",
        python="3.11",
        server="gunicorn",
        buckets=steps,
        allocation_windows=windows,
        trims=(TrimResult(before=40 * MB, after=40 * MB),),
    )


def diagnose_growth(lives: tuple[WorkerHistory, ...]) -> Diagnosis | None:
    evidence = LeakEvidence(histories=lives, holders={})
    memory = measure_memory_growth(evidence, [one.worker_id for one in lives])
    return diagnose_unattributed(evidence, memory, [])


def test_the_window_of_a_worker_that_grew_less_names_the_line() -> None:
    lives = (worker_history(1, MB, WINDOW), worker_history(2, 2 * MB))
    found = diagnose_growth(lives)
    assert found is not None
    assert (found.cause, found.location.site) == (Cause.NATIVE, "app.py:9")


@pytest.mark.parametrize(
    ("site", "inner", "where"),
    [
        ("app.py:9", "", "at app.py:9"),
        ("app.py:9", "flask/json.py:12", "at app.py:9, within flask/json.py:12"),
        ("", "flask/json.py:12", "within flask/json.py:12"),
    ],
)
def test_the_reason_says_where_it_was_allocated(site: str, inner: str, where: str) -> None:
    line = AllocationSite(site=site, inner=inner, bytes=2 * MB, count=80_000)
    lives = (worker_history(1, MB, replace(WINDOW, lines=(line,))),)
    found = diagnose_growth(lives)
    assert found is not None
    fact = f"2 MB in 80,000 allocations {where} outlived the requests that made it"
    assert fact in found.evidence.reasons
