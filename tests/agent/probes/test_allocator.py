"""The memory of glibc's and Python's allocators, and collector settings."""

import ctypes
import gc
import sys
from types import SimpleNamespace

import pytest

from bugsly.probes import cost_throttle
from bugsly.probes.allocator import AllocatorProbe, read_collector_facts
from bugsly.probes.cost_throttle import CHEAP_SECONDS, COST_MULTIPLE, CostThrottle

MB = 1_000_000
HAS_MALLINFO2 = hasattr(ctypes.CDLL(None), "mallinfo2")


@pytest.mark.skipif(not HAS_MALLINFO2, reason="needs glibc 2.33")
def test_memory_of_c_code_is_in_use_until_it_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost_throttle, "CHEAP_SECONDS", 60)
    probe = AllocatorProbe()
    before = probe.read()
    kept = ctypes.create_string_buffer(64 * MB)
    during = probe.read()
    del kept
    after = probe.read()
    assert 60 * MB < during.in_use - before.in_use < 80 * MB
    assert after.in_use < during.in_use - 60 * MB
    assert before.held >= before.in_use > 0


def test_blocks_are_those_of_python() -> None:
    read = AllocatorProbe().read().blocks
    assert read is not None
    assert abs(read - sys.getallocatedblocks()) < 100_000


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(SimpleNamespace(), id="a C library without it"),
        pytest.param(SimpleNamespace(mallinfo2=None, mallctl=None), id="jemalloc in its place"),
    ],
)
def test_without_allocator_statistics_nothing_is_reported(
    library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    read = AllocatorProbe().read()
    assert (read.in_use, read.held) == (0, 0)
    assert read.blocks


def test_a_python_without_ctypes_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    assert AllocatorProbe().read()[:2] == (0, 0)


@pytest.mark.parametrize(
    ("cost", "pause", "due"),
    [
        (CHEAP_SECONDS / 2, 0.0, True),
        (0.001, 0.001 * COST_MULTIPLE - 0.1, False),
        (0.001, 0.001 * COST_MULTIPLE + 0.1, True),
        (0.1, 60.0, False),
    ],
)
def test_a_reading_is_taken_as_often_as_its_cost_allows(
    *, cost: float, pause: float, due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(cost_throttle, "monotonic", lambda: clock.now)
    monkeypatch.setattr(cost_throttle, "thread_time", lambda: clock.now)

    def read() -> str:
        clock.now += cost
        return "read"

    reading = CostThrottle(read)
    assert reading.read_if_due() == "read"
    clock.now += pause
    assert reading.read_if_due() == ("read" if due else None)


def test_the_settings_of_the_collector_are_facts() -> None:
    gc.disable()
    try:
        assert read_collector_facts()["gc_enabled"] == 0
    finally:
        gc.enable()
    facts = read_collector_facts()
    assert facts["gc_enabled"] == 1
    assert facts["gc_frozen"] == gc.get_freeze_count()
    assert facts["gc_threshold"] == gc.get_threshold()[0]
    assert facts["threads_python"] >= 1
    before = facts["gc_collections_2"]
    gc.collect()
    assert read_collector_facts()["gc_collections_2"] == before + 1
