"""How long the overview of a thousand workers takes to answer."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from tests.support.recorded_reports import record_reports

from bugsly.protocol.memory import Sample, WorkerInfo, encode_report, encode_sample
from bugsly_server.app import DataFolder
from bugsly_server.clock import MINUTE, now
from bugsly_server.model.project_limits import ProjectLimits
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import accounts, projects
from bugsly_server.store.ports import SpoolEntry
from tools.bench.page_timing import COLUMNS, time_pages
from tools.bench.section import Section

WORKERS = 1_000
MINUTES = 60
RUNS = 21
PATHS = ("/p/app/", "/p/app/?part=now", "/p/app/chart.json?span=3600")


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Fill a store with an hour of samples, and ask for its pages as a browser does."""
    runs = 5 if quick else RUNS
    section = Section(
        title="The overview of 1,000 workers",
        how=f"{WORKERS:,} living workers with an hour of samples, a minute apart; the whole page as a browser gets it,"
        f" {runs} times.",
        columns=COLUMNS,
    )
    return time_pages(section, _fill_store, PATHS, runs)


def _fill_store(folder: Path) -> str:
    """Make the store; return the secret of a session."""
    store = DataFolder(load_settings({"data_dir": str(folder)}, os.environ))
    moment = now()
    with store.database.writing() as connection:
        project = projects.ensure(connection, "app", moment)
        owner = accounts.create(connection, "owner", None, moment)
        secret = accounts.open_session(connection, owner.id, moment)
    recorder = MemoryRecorder(store.database, store.telemetry, ProjectLimits())
    entries = [
        SpoolEntry(project.id, moment, "memory", _report(index, uuid.uuid4().hex))
        for index in range(WORKERS)
    ]
    for start in range(0, WORKERS, 100):
        record_reports(recorder, entries[start : start + 100])
    store.telemetry.roll_up(now())
    store.close()
    return secret


def _report(index: int, worker_id: str) -> bytes:
    samples = [
        Sample(
            number=minute + 1,
            age=minute * MINUTE,
            anonymous=50_000_000 + (index * 7919 + minute * 104_729) % 3_000_000,
            requests=minute * 60,
            used=9_000_000_000,
            limit=16_000_000_000,
        )
        for minute in range(MINUTES)
    ]
    worker = WorkerInfo(
        id=worker_id, pid=1000 + index, host=f"web-{index // 8:03}", machine=f"{index // 8:08x}",
        age=MINUTES * MINUTE, server="gunicorn 27.0.1 gthread", parent=900, number=index,
        release="2026.11.1", environment="production", python="3.11.7",
    )  # fmt: skip
    return encode_report(worker, [encode_sample(one) for one in samples], [], {})
