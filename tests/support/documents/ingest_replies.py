"""What a client is answered that posts envelopes: bodies, and the headers it may read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.site_harness import SiteHarness, site_harness

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.ingest import limits
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import probe_requests, project_keys, workers

EVENT = build_envelope({"worker": "a" * 32}, [("event", payload()), ("span", b"{}")])

MEMORY = build_envelope({}, [("session", b"{}"), ("memory", b"{}")])


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what is answered to what is taken, and to what is refused."""
    with site_harness(folder, FakeClock(), events_per_minute="3") as made:
        made.report()
        yield from _replies(made, "")
        _request_source(made)
        yield from _replies(made, ", with an ask")
        yield from _replies(made, "", path="store", content=payload(2))
        yield from _replies(made, "")
        yield from _replies(made, ", without memory", content=MEMORY, key=_sdk_key(made))
        yield from _replies(made, "", content=b"\n\n")
        yield from _replies(made, "", key="f" * 32)
        yield from _replies(made, "", method="GET", content=b"")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "MAX_SPOOLED_ENTRIES", -1)
            yield from _replies(made, "")


def _replies(
    made: SiteHarness,
    what: str,
    *,
    method: str = "POST",
    path: str = "envelope",
    content: bytes = EVENT,
    key: str = "",
) -> Iterator[tuple[str, Any]]:
    answer = made.client.request(
        method,
        f"/api/{made.project.id}/{path}/",
        content=content,
        headers={"x-sentry-auth": f"Sentry sentry_key={key or made.key}"},
    )
    name = f"{method} /api/1/{path}/ {answer.status_code}{what}"
    yield name, answer.json()
    yield f"{name}, headers", dict(answer.headers)


def _sdk_key(made: SiteHarness) -> str:
    with made.database.writing() as connection:
        key = project_keys.ensure(connection, made.project.id, ProjectKeyKind.SDK, made.clock())
    return key.public


def _request_source(made: SiteHarness) -> None:
    """Let the worker be asked for a source with the next reply."""
    probe_request = ProbeRequest(id=0, probe="source", files=("shop.views",))
    with made.database.writing() as connection:
        (worker,) = workers.list_living(connection, made.project.id)
        probe_requests.add(connection, worker, probe_request, made.clock())
        made.server.envelopes._pending_requests.replace_all(probe_requests.list_unsent(connection))
