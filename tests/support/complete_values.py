"""Builders of values with everything in them that may be absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.clock import FakeClock
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.events import payload
from tests.support.final_snapshots import final_snapshot
from tests.support.heap_snapshots import path_hops
from tests.support.issues import change, finding, forecast, suspect
from tests.support.recycling_values import recycled, safety_net
from tests.support.site_harness import SiteHarness, site_harness
from tests.support.stored_workers import judgement_of

from bugsly.protocol.evidence import Evidence, Holder
from bugsly.protocol.memory import EndpointInFlight, Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server.clock import MINUTE, SECOND, now
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.diagnosis import Diagnosis, EndpointShare
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.heap_path import HeapPath
from bugsly_server.model.issue import Finding
from bugsly_server.store.meta import accounts, hindrance_issues, workers
from bugsly_server.store.ports import SpoolEntry

LOG = "shop.views.request_log"
STUCK_REQUEST = EndpointInFlight(endpoint="GET /report", requests=1, micros=28_000_000)


def whole_trace() -> HeapPath:
    return HeapPath(
        hops=path_hops("shop.views .request_log", "module", "list"),
        requests=(1_500, 1_900),
        counts=(1_500, 1_900),
        bytes=3_000_000,
        entry="dict",
        types={"dict": 1_900},
        objects=1_284_112,
        pause=0.0042,
    )


def whole_diagnosis(**changes: Any) -> Diagnosis:
    main = EndpointShare(endpoint="GET /api/orders", slope=812.4, low=790.0, high=830.0, part=0.9)
    other = replace(main, endpoint="GET /", part=0.1, together=("GET /login",), failing=True)
    return diagnosis(
        **{
            "shares": (main, other),
            "bound_bytes": 9_000_000,
            "library": "marshmallow 2.16.2",
            "known_leak": "marshmallow-registry",
            "entries": 1_900,
            "heap_path": whole_trace(),
            "kind": "list",
            "symptom": "requests alive",
            "unread_module": "shop.models",
            **changes,
        }
    )


def whole_explanation() -> Explanation:
    return leak_explanation(
        source_excerpt=((12, "request_log.append(request)"),), link="https://example.com/leak"
    )


def whole_finding(**changes: Any) -> Finding:
    return finding(
        **{
            "fingerprint": f"1/growing-container/{LOG}/production",
            "environment": "production",
            "release": "1.0",
            "suspects": (suspect(worker_id=1, slope=1e5, low=9e4, high=1e5),),
            "diagnosis": whole_diagnosis(),
            "explanation": whole_explanation(),
            "recycled": recycled(),
            **changes,
        }
    )


def bare_finding(**changes: Any) -> Finding:
    """Return one without all that may be absent."""
    fields = {"fingerprint": "1/growing/staging", "environment": "staging", "forecast": None}
    return finding(**{**fields, "suspects": (), "release": "", **changes})


def unsure_finding(**changes: Any) -> Finding:
    """Return one with a cause, and with nothing in it that may be unknown."""
    return whole_finding(
        **{
            "diagnosis": diagnosis(),
            "explanation": leak_explanation(),
            "forecast": forecast(latest=None),
            "recycled": recycled(full_at=None),
            **changes,
        }
    )


@contextmanager
def whole_site(folder: Path) -> Iterator[SiteHarness]:
    """Give a site, logged in, that knows workers and issues of every sort; its clock stands."""
    with site_harness(folder, FakeClock(now())) as made:
        made.log_in()
        _report(made)
        _open_leaks(made)
        _report_errors(made)
        yield made


def program_headers(made: SiteHarness) -> dict[str, str]:
    """Return the headers of a program that may ask."""
    with made.database.writing() as connection:
        secret = accounts.make_token(connection, 1, "program", made.clock())
    return {"authorization": f"Bearer {secret}"}


def _report(made: SiteHarness) -> None:
    """Let one worker grow, one of the next release be steady, one be young and one be killed."""
    waiting = safety_net(state=RecyclerState.WAITING, hindrance=Hindrance.FRESH, because="no room")
    switches = Evidence(
        holders=(Holder(name=LOG, kind="list", bound=9),), facts={"max_requests": 100}
    )
    age = 201 * SECOND
    made.report(held={LOG: 3}, evidence=switches, net=waiting, under_way=(STUCK_REQUEST,))
    made.report(id="b" * 32, pid=4243, release="1.1", age=age, net=safety_net())
    made.report(id="c" * 32, pid=4244, samples=1, environment="staging")
    killed = Exit(worker="d" * 32, reason=ExitReason.OUT_OF_MEMORY, signal=9)
    made.report(id="d" * 32, pid=4245, under_way=(STUCK_REQUEST,), exits=(killed,))
    recycled_exit = Exit(worker="e" * 32, reason=ExitReason.RECYCLED, because="it passed 400 MB")
    made.report(
        id="e" * 32, pid=4246, evidence=Evidence(parting=final_snapshot()), exits=(recycled_exit,)
    )
    growing = judgement_of(GrowthVerdict.GROWING, 1e5, low=9e4, high=1e5)
    with made.database.writing() as connection:
        for worker in workers.list_living(connection, made.project.id):
            steady = judgement_of(GrowthVerdict.STEADY, 0.0, low=0.0, high=0.0)
            judgement = {"1.0": growing, "1.1": steady}[worker.release]
            if worker.environment == "production":
                workers.update_judgements(connection, [replace(worker, judgement=judgement)])


def _open_leaks(made: SiteHarness) -> None:
    """Open a leak with everything, one without a cause, one of a walked heap, one unsure."""
    at = made.clock() - MINUTE
    other_cause = whole_diagnosis(holder="shop.SEEN")
    walked = whole_finding(fingerprint="1/walked", diagnosis=other_cause)
    unsure = unsure_finding(fingerprint="1/unsure")
    with made.database.writing() as connection:
        for leak in (whole_finding(), bare_finding(), walked, unsure):
            record_leak_change(connection, made.project.id, None, change(finding=leak, at=at))


def _report_errors(made: SiteHarness) -> None:
    """Meet an error that is explained and one that is not, and hold the safety net back."""
    where: dict[str, Any] = {"transaction": "GET /checkout", "user": {"id": "7"}}
    bodies = (payload(1, **where), payload(2, "NobodyKnows", **where))
    entries = [SpoolEntry(made.project.id, made.clock(), "event", body) for body in bodies]
    made.server.pipeline.digest(entries)
    step = change(because="no room → raise the limit", at=made.clock(), finding=None)
    with made.database.writing() as connection:
        hindrance_issues.record_change(connection, made.project.id, None, step, "production")
