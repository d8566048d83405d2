"""One collection and one malloc_trim."""

import gc
import sys

import pytest

from bugsly.probes import malloc_trim as module
from bugsly.probes.malloc_trim import trim_memory
from bugsly.protocol.evidence import ProbeRequest, TrimResult

ASK = ProbeRequest(id=9, probe="trim")
needs_glibc = pytest.mark.skipif(
    trim_memory(ASK).problem == module.NO_MALLOC_TRIM, reason="the C library has no malloc_trim"
)


class ReferenceCycle:
    def __init__(self) -> None:
        self.me = self


def taken() -> TrimResult:
    result = trim_memory(ASK)
    assert (result.ask, result.problem) == (9, "")
    assert result.trim is not None
    return result.trim


@needs_glibc
def test_objects_in_cycles_are_freed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COLLECTED_BLOCKS", sys.getallocatedblocks() * 2)
    gc.collect()
    gc.disable()
    try:
        for _ in range(500):
            ReferenceCycle()
        found = taken()
    finally:
        gc.enable()
    assert found.garbage >= 500
    assert taken().garbage < 500


@needs_glibc
def test_memory_is_read_before_and_after() -> None:
    found = taken()
    assert found.before > 0
    assert found.after > 0


@needs_glibc
def test_a_large_heap_is_not_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COLLECTED_BLOCKS", sys.getallocatedblocks() // 2)
    assert taken().garbage == -1
