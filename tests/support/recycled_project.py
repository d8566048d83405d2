"""A project whose workers leak under a safety net, as its server knows them after an hour."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.final_snapshots import final_snapshot
from tests.support.issues import change, finding, forecast, suspect
from tests.support.pipeline_harness import report, token
from tests.support.protocol_values import MB, sample, traffic
from tests.support.recorded_reports import record_reports
from tests.support.recycling_values import recycled, safety_net
from tests.support.stored_workers import judgement_of

from bugsly.protocol.evidence import Evidence
from bugsly.protocol.memory import EndpointInFlight, Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server.clock import MINUTE, SECOND, Micros, now
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.project_limits import ProjectLimits
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.store.meta import projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import SpoolEntry
from bugsly_server.store.telemetry import SqliteTelemetry

MACHINE_LIMIT = 2_000 * MB
LEAK_SLOPE = 20_000.0
SERVED_TRAFFIC = (
    traffic("GET /orders", requests=190, micros=2_400_000, biggest=18_000),
    traffic("GET /report/<int:year>", requests=10, micros=3_000_000, biggest=42 * MB),
)
REQUESTS_IN_FLIGHT = (
    EndpointInFlight(endpoint="GET /report/<int:year>", requests=1, micros=28_400_000),
    EndpointInFlight(endpoint="GET /orders", requests=2, micros=120_000),
)
HINDERED_NET = safety_net(
    state=RecyclerState.WAITING,
    hindrance=Hindrance.FRESH,
    because=(
        "recycling: a fresh worker starts at 350 MB, and 400 MB is the limit "
        "→ raise BUGSLY_RECYCLE_AT"
    ),
)


def write_recycled_project(folder: Path, slug: str) -> None:
    """Write down, beside the server of *folder*, what the workers of project *slug* told it."""
    database, telemetry = Database(folder / "meta.db"), SqliteTelemetry(folder / "telemetry", 90)
    with database.reading() as connection:
        project = projects.by_slug(connection, slug)
    assert project is not None, "its DSN was made"
    recorder, at = MemoryRecorder(database, telemetry, ProjectLimits()), now()
    recycled_reports = [
        _worker_report(number, samples=60, ends_with=ExitReason.RECYCLED) for number in (1, 2, 3)
    ]
    killed_report = _worker_report(4, samples=90, ends_with=ExitReason.OUT_OF_MEMORY)
    entries = [
        SpoolEntry(project.id, at - (40 - 8 * index) * MINUTE, "memory", payload)
        for index, payload in enumerate([*recycled_reports, killed_report])
    ]
    living_reports = [
        _worker_report(5, samples=50),
        _worker_report(6, samples=40, net=HINDERED_NET),
    ]
    entries += [SpoolEntry(project.id, at, "memory", payload) for payload in living_reports]
    record_reports(recorder, entries)
    with database.writing() as connection:
        found = workers.find_by_tokens(
            connection, project.id, [token(number) for number in range(1, 7)]
        )
        growing_judgement = judgement_of(
            GrowthVerdict.GROWING, LEAK_SLOPE, low=LEAK_SLOPE * 0.97, high=LEAK_SLOPE * 1.03
        )
        workers.update_judgements(
            connection, [replace(one, judgement=growing_judgement) for one in found.values()]
        )
        opened = change(finding=_finding(found[token(5)].id, at), at=at - 45 * MINUTE)
        record_leak_change(connection, project.id, None, opened)
    telemetry.close()
    database.close()


def _finding(worker_id: int, at: Micros) -> Any:
    cause = diagnosis(holder="shop.views.request_log", part=0.97)
    times_recycled = replace(recycled(times=3), at=at, full_at=at - 20 * MINUTE)
    first = suspect(worker_id=worker_id, pid=5, slope=LEAK_SLOPE, low=19_400.0, high=20_600.0)
    return finding(
        environment="production",
        release="1.0",
        diagnosis=cause,
        explanation=leak_explanation(),
        suspects=(replace(first, anonymous=280 * MB, requests=10_000),),
        forecast=forecast(limit=MACHINE_LIMIT),
        recycled=times_recycled,
    )


def _worker_report(
    number: int, *, samples: int, ends_with: ExitReason | None = None, **report_facts: Any
) -> bytes:
    """Return all that a worker told in its life, a sample every ten seconds."""
    samples_taken = [
        sample(
            one,
            anonymous=80 * MB + round(one * 200 * LEAK_SLOPE),
            shared=12 * MB,
            requests=one * 200,
            in_flight=3 if one == samples else one % 4,
            used=1_300 * MB,
            limit=MACHINE_LIMIT,
            under_way=REQUESTS_IN_FLIGHT if one == samples else (),
            traffic=SERVED_TRAFFIC,
        )
        for one in range(1, samples + 1)
    ]
    exits = () if ends_with is None else (_exit(number, ends_with),)
    return report(
        samples_taken,
        exits,
        id=token(number),
        pid=number,
        number=number,
        age=(samples * 10 + 1) * SECOND,
        release="1.0",
        environment="production",
        server="gunicorn 27.0.1 gthread",
        python="3.12.1",
        evidence=Evidence(
            facts={"max_requests": 1_000, "max_requests_jitter": 50},
            parting=final_snapshot() if ends_with is ExitReason.RECYCLED else None,
        ),
        **report_facts,
    )


def _exit(number: int, reason: ExitReason) -> Exit:
    if reason is ExitReason.RECYCLED:
        because = "its private memory, 320 MB, passed 300 MB"
        return Exit(worker=token(number), reason=reason, because=because)
    return Exit(worker=token(number), reason=reason, signal=9)
