"""How many events a second the server acknowledges and digests, and how fast its list is then."""

from __future__ import annotations

import json
import statistics
import uuid
from pathlib import Path
from typing import Any

from bugsly.protocol.envelope import build_envelope
from tools.bench import bugsink
from tools.bench.report import Section
from tools.bench.server import FIGURES, SECONDS, run, write_body

ERRORS = 200
FRAMES = 12
CRUMBS = 12
UNBOUNDED = {"BUGSLY_EVENTS_PER_MINUTE": "1000000", "BUGSLY_EVENTS_PER_DAY": "1000000000"}


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Load the real server with events, then wait until all are digested; Bugsink in its turn."""
    seconds, rounds = (5, 1) if quick else (SECONDS, 3)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run(seconds, write_bodies, **UNBOUNDED))
        theirs.append(bugsink.run(seconds, write_bodies))
    size = len(envelope(0))
    section = Section(
        title="Events, under load",
        how=f"As above, with events as sentry-sdk sends them, of {size / 1000:.1f} kB each before they are packed, of {ERRORS} different errors:"
        " scrubbed, spooled, grouped, counted and kept. Every event is counted; of one error, bodies are kept of the first 50 an hour and of each hundredth after."
        f" Bugsink {bugsink.VERSION} is installed from its package and set up as its documentation says for one server, with two web workers and SQLite,"
        " without quotas, and is loaded in the same way in turns with us. Its memory is that of its processes together.",
        columns=("", "Bugsly", "Bugsink", "ratio"),
    )
    for name, unit in FIGURES.items():
        mine, other = (statistics.median(one[name] for one in runs) for runs in (ours, theirs))
        said = unit.replace("envelopes", "events")
        ratio = f"{mine / other:.2f}" if mine and other else ""
        section.rows.append((name, f"{mine:,.0f} {said}", f"{other:,.0f} {said}", ratio))
    return section


def write_bodies(path: Path, count: int) -> None:
    """Write *count* packed envelopes of one event each."""
    with path.open("wb") as file:
        for index in range(count):
            write_body(file, envelope(index))


def envelope(index: int) -> bytes:
    """Return the envelope of an event of one of the errors."""
    event_id = uuid.uuid4().hex
    payload = json.dumps(_event(event_id, index)).encode()
    return build_envelope({"event_id": event_id}, [("event", payload)])


def _event(event_id: str, index: int) -> dict[str, Any]:
    error = index % ERRORS
    thrown = {
        "type": "KeyError",
        "value": f"'currency of order {index}'",
        "mechanism": {"type": "flask", "handled": False},
        "stacktrace": {"frames": [_frame(number, error, index) for number in range(FRAMES)]},
    }
    return {
        "event_id": event_id,
        "platform": "python",
        "level": "error",
        "exception": {"values": [thrown]},
        "transaction": f"shop.view_{error}",
        "request": {
            "url": f"https://shop.example/orders/{index}",
            "method": "POST",
            "headers": {"Host": "shop.example", "User-Agent": "curl/8.5", "Cookie": "a=b"},
        },
        "user": {"id": str(index % 5_000)},
        "breadcrumbs": {"values": [_crumb(number, index) for number in range(CRUMBS)]},
        "contexts": {"runtime": {"name": "CPython", "version": "3.11.7"}},
        "release": "2026.11.1",
        "environment": "production",
        "server_name": f"web-{index % 8}",
        "sdk": {"name": "sentry.python.flask", "version": "2.75.0"},
    }


def _frame(number: int, error: int, index: int) -> dict[str, Any]:
    own = number >= FRAMES - 3
    return {
        "filename": f"shop/views_{error}.py" if own else f"flask/part_{number}.py",
        "module": f"shop.views_{error}" if own else f"flask.part_{number}",
        "function": f"step_{number}",
        "lineno": 30 + number,
        "pre_context": ["def step(order):", "    total = 0", "    for line in order.lines:"],
        "context_line": "        total += order['currency'].rate",
        "post_context": ["    return total", "", ""],
        "in_app": own,
        "vars": {"order": f"<Order {index}>", "total": "0", "self": "<Shop 'main'>"},
    }


def _crumb(number: int, index: int) -> dict[str, Any]:
    return {
        "category": "query",
        "level": "info",
        "message": f"looked up order {index + number}",
        "timestamp": 1_795_000_000 + number,
    }
