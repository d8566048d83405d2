"""How many events a second the server acknowledges and digests, and how fast its list is then."""

from __future__ import annotations

import json
import statistics
import uuid
from pathlib import Path
from typing import Any

from bugsly.protocol.envelope import build_envelope
from tools.bench import bugsink
from tools.bench.section import Section
from tools.bench.server import FIGURE_UNITS, SECONDS, measure_server, write_body

DISTINCT_ERRORS = 200
FRAMES_PER_EVENT = 12
BREADCRUMBS_PER_EVENT = 12
UNLIMITED_EVENTS = {"BUGSLY_EVENTS_PER_MINUTE": "1000000", "BUGSLY_EVENTS_PER_DAY": "1000000000"}


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Load the real server with events, then wait until all are digested; Bugsink in its turn."""
    seconds, rounds = (5, 1) if quick else (SECONDS, 3)
    our_runs, bugsink_runs = [], []
    for _ in range(rounds):
        our_runs.append(measure_server(seconds, write_bodies, **UNLIMITED_EVENTS))
        bugsink_runs.append(bugsink.measure_bugsink(seconds, write_bodies))
    size = len(event_envelope(0))
    section = Section(
        title="Events, under load",
        how=f"As above, with events as sentry-sdk sends them, of {size / 1000:.1f} kB each before they are packed, of {DISTINCT_ERRORS} different errors:"
        " scrubbed, spooled, grouped, counted and kept. Every event is counted; of one error, bodies are kept of the first 50 an hour and of each hundredth after."
        f" Bugsink {bugsink.VERSION} is installed from its package and set up as its documentation says for one server, with two web workers and SQLite,"
        " without quotas, and is loaded in the same way in turns with us. Its memory is that of its processes together.",
        columns=("", "Bugsly", "Bugsink", "ratio"),
    )
    for name, unit in FIGURE_UNITS.items():
        our_median, bugsink_median = (
            statistics.median(one[name] for one in runs) for runs in (our_runs, bugsink_runs)
        )
        event_unit = unit.replace("envelopes", "events")
        ratio = f"{our_median / bugsink_median:.2f}" if our_median and bugsink_median else ""
        section.rows.append(
            (name, f"{our_median:,.0f} {event_unit}", f"{bugsink_median:,.0f} {event_unit}", ratio)
        )
    return section


def write_bodies(path: Path, count: int) -> None:
    """Write *count* packed envelopes of one event each."""
    with path.open("wb") as file:
        for index in range(count):
            write_body(file, event_envelope(index))


def event_envelope(index: int) -> bytes:
    """Return the envelope of an event of one of the errors."""
    event_id = uuid.uuid4().hex
    payload = json.dumps(_event(event_id, index)).encode()
    return build_envelope({"event_id": event_id}, [("event", payload)])


def _event(event_id: str, index: int) -> dict[str, Any]:
    error = index % DISTINCT_ERRORS
    exception = {
        "type": "KeyError",
        "value": f"'currency of order {index}'",
        "mechanism": {"type": "flask", "handled": False},
        "stacktrace": {
            "frames": [_frame(number, error, index) for number in range(FRAMES_PER_EVENT)]
        },
    }
    return {
        "event_id": event_id,
        "platform": "python",
        "level": "error",
        "exception": {"values": [exception]},
        "transaction": f"shop.view_{error}",
        "request": {
            "url": f"https://shop.example/orders/{index}",
            "method": "POST",
            "headers": {"Host": "shop.example", "User-Agent": "curl/8.5", "Cookie": "a=b"},
        },
        "user": {"id": str(index % 5_000)},
        "breadcrumbs": {
            "values": [_breadcrumb(number, index) for number in range(BREADCRUMBS_PER_EVENT)]
        },
        "contexts": {"runtime": {"name": "CPython", "version": "3.11.7"}},
        "release": "2026.11.1",
        "environment": "production",
        "server_name": f"web-{index % 8}",
        "sdk": {"name": "sentry.python.flask", "version": "2.75.0"},
    }


def _frame(number: int, error: int, index: int) -> dict[str, Any]:
    own = number >= FRAMES_PER_EVENT - 3
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


def _breadcrumb(number: int, index: int) -> dict[str, Any]:
    return {
        "category": "query",
        "level": "info",
        "message": f"looked up order {index + number}",
        "timestamp": 1_795_000_000 + number,
    }
