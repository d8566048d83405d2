"""What a client is answered that posts envelopes: bodies, and the headers it may read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.site import Site, site

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import Ask
from bugsly_server.ingest import limits
from bugsly_server.store.meta import asks, workers

EVENT = build_envelope({"worker": "a" * 32}, [("event", payload()), ("span", b"{}")])


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what is answered to what is taken, and to what is refused."""
    with site(folder, FakeClock(), events_per_minute="3") as made:
        made.report()
        yield from _answered(made, "")
        _ask(made)
        yield from _answered(made, ", with an ask")
        yield from _answered(made, "", path="store", content=payload(2))
        yield from _answered(made, "")
        yield from _answered(made, "", content=b"\n\n")
        yield from _answered(made, "", key="f" * 32)
        yield from _answered(made, "", method="GET", content=b"")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "MAX_SPOOLED", -1)
            yield from _answered(made, "")


def _answered(
    made: Site,
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


def _ask(made: Site) -> None:
    """Let the worker be asked for a source with the next reply."""
    wanted = Ask(id=0, probe="source", files=("shop.views",))
    with made.database.writing() as connection:
        (worker,) = workers.living(connection, made.project.id)
        asks.add(connection, worker, wanted, made.clock())
        made.server.envelopes._mailbox.fill(asks.waiting(connection))
