"""Memory reports recorded as the pipeline records them, but judged by nobody."""

from collections import Counter
from collections.abc import Sequence

from bugsly_server.decode.batch import decode_reports
from bugsly_server.record.arrival import apply_reports
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.store.ports import SpoolEntry


def record_reports(recorder: MemoryRecorder, entries: Sequence[SpoolEntry]) -> None:
    """Record *entries*, memory reports of one project."""
    project_id, skipped = entries[0].project_id, Counter[str]()
    reports = decode_reports(entries, skipped)
    ids = recorder.register(project_id, reports, skipped)
    arrivals = apply_reports(ids.workers, ids.reports, skipped)
    recorder.record(project_id, arrivals, ids, skipped)
