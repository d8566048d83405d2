"""A project whose workers leak under a safety net, as its server knows them after an hour."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.desk import report, token
from tests.support.diagnoses import diagnosis, words
from tests.support.issues import change, finding, forecast, suspect
from tests.support.lives import judged
from tests.support.partings import held
from tests.support.recycled import net, recycled
from tests.support.values import MB, sample, traffic

from bugsly.protocol.evidence import Evidence
from bugsly.protocol.memory import Exit, ExitReason, UnderWay
from bugsly.protocol.net import Hindrance, NetState
from bugsly_server.clock import MINUTE, SECOND, Micros, now
from bugsly_server.digest.record import Recorder
from bugsly_server.model.growth import Verdict
from bugsly_server.pipeline import record_change
from bugsly_server.store.meta import projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Entry
from bugsly_server.store.telemetry import SqliteTelemetry

LIMIT = 2_000 * MB
SLOPE = 20_000.0
SERVED = (
    traffic("GET /orders", requests=190, micros=2_400_000, biggest=18_000),
    traffic("GET /report/<int:year>", requests=10, micros=3_000_000, biggest=42 * MB),
)
IN_FLIGHT = (
    UnderWay(endpoint="GET /report/<int:year>", requests=1, micros=28_400_000),
    UnderWay(endpoint="GET /orders", requests=2, micros=120_000),
)
HELD_BACK = net(
    state=NetState.WAITING,
    hindrance=Hindrance.FRESH,
    because=(
        "recycling: a fresh worker starts at 350 MB, and 400 MB is the limit "
        "→ raise BUGSLY_RECYCLE_AT"
    ),
)


def told_through(folder: Path, slug: str) -> None:
    """Write down, beside the server of *folder*, what the workers of project *slug* told it."""
    database, telemetry = Database(folder / "meta.db"), SqliteTelemetry(folder / "telemetry", 90)
    with database.reading() as connection:
        project = projects.by_slug(connection, slug)
    assert project is not None, "its DSN was made"
    recorder, at = Recorder(database, telemetry), now()
    gone = [_life(number, samples=60, ends_with=ExitReason.RECYCLED) for number in (1, 2, 3)]
    dead = _life(4, samples=90, ends_with=ExitReason.OUT_OF_MEMORY)
    entries = [
        Entry(project.id, at - (40 - 8 * index) * MINUTE, "memory", payload)
        for index, payload in enumerate([*gone, dead])
    ]
    living = [_life(5, samples=50), _life(6, samples=40, net=HELD_BACK)]
    entries += [Entry(project.id, at, "memory", payload) for payload in living]
    recorder.record(entries, Counter())
    with database.writing() as connection:
        found = workers.find(connection, project.id, [token(number) for number in range(1, 7)])
        grows = judged(Verdict.GROWING, SLOPE, low=SLOPE * 0.97, high=SLOPE * 1.03)
        workers.judge(connection, [replace(one, judgement=grows) for one in found.values()])
        step = change(finding=_finding(found[token(5)].id, at), at=at - 45 * MINUTE)
        record_change(connection, project.id, None, step)
    telemetry.close()
    database.close()


def _finding(worker_id: int, at: Micros) -> Any:
    cause = diagnosis(holder="shop.views.request_log", part=0.97)
    told = replace(recycled(times=3), at=at, full_at=at - 20 * MINUTE)
    first = suspect(worker_id=worker_id, pid=5, slope=SLOPE, low=19_400.0, high=20_600.0)
    return finding(
        environment="production",
        release="1.0",
        diagnosis=cause,
        explanation=words(),
        suspects=(replace(first, anonymous=280 * MB, requests=10_000),),
        forecast=forecast(limit=LIMIT),
        recycled=told,
    )


def _life(number: int, *, samples: int, ends_with: ExitReason | None = None, **said: Any) -> bytes:
    """Return all that a worker told in its life, a sample every ten seconds."""
    taken = [
        sample(
            one,
            anonymous=80 * MB + round(one * 200 * SLOPE),
            shared=12 * MB,
            requests=one * 200,
            in_flight=3 if one == samples else one % 4,
            used=1_300 * MB,
            limit=LIMIT,
            under_way=IN_FLIGHT if one == samples else (),
            traffic=SERVED,
        )
        for one in range(1, samples + 1)
    ]
    exits = () if ends_with is None else (_exit(number, ends_with),)
    return report(
        taken,
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
            parting=held() if ends_with is ExitReason.RECYCLED else None,
        ),
        **said,
    )


def _exit(number: int, reason: ExitReason) -> Exit:
    if reason is ExitReason.RECYCLED:
        because = "its private memory, 320 MB, passed 300 MB"
        return Exit(worker=token(number), reason=reason, because=because)
    return Exit(worker=token(number), reason=reason, signal=9)
