"""Envelopes: refused in one line, or read item by item into no more than arrived."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from bugsly.protocol.envelope import MAX_ITEMS, build_envelope, parse_envelope
from bugsly_server.decode.session import decode_sessions
from bugsly_server.errors import Rejected
from bugsly_server.ingest.event_intake import count_discarded
from bugsly_server.ingest.item_sorting import read_envelope, read_store_request
from bugsly_server.ingest.memory_gauges import reports_from_gauges
from tools.fuzz.almost_valid import JSON_VALUES, TEXTS, damaged, encoded, json_objects
from tools.fuzz.laws import NOW, assert_one_line, assert_refusal, assert_size

TYPES = st.sampled_from(
    ["event", "memory", "session", "sessions", "client_report", "trace_metric", "transaction", ""]
)
SESSIONS = json_objects(
    {"attrs": json_objects({"release": TEXTS}, {"environment": TEXTS})},
    {
        "sid": TEXTS,
        "init": st.booleans(),
        "started": TEXTS | st.just("2026-09-21T12:00:00Z"),
        "status": st.sampled_from(["ok", "exited", "crashed", "abnormal"]),
        "errors": st.integers(0, 9),
        "aggregates": st.lists(json_objects({}, {"started": TEXTS, "exited": st.integers()})),
    },
)
GAUGES = json_objects(
    {
        "items": st.lists(
            json_objects(
                {
                    "name": st.just("process.memory.rss"),
                    "value": st.integers(0, 2**40),
                    "type": st.just("gauge"),
                    "timestamp": st.floats(0, 2e9),
                },
                {"unit": st.just("byte"), "attributes": JSON_VALUES},
            ),
            max_size=3,
        )
    },
    {},
)
PAYLOADS = encoded(SESSIONS) | encoded(GAUGES) | encoded(JSON_VALUES) | st.binary(max_size=60)
HEADERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("dsn", "event_id", "sent_at", "worker"), JSON_VALUES)
)
INPUTS = damaged(
    st.builds(build_envelope, HEADERS, st.lists(st.tuples(TYPES, PAYLOADS), max_size=5))
)


def check(data: bytes) -> None:
    """Read an envelope, and the payload of each item as if it were of each small type."""
    for read in (read_envelope, read_store_request):
        try:
            envelope = read(data)
        except Rejected as refusal:
            assert_refusal(refusal)
            continue
        payloads = [item.payload for item in envelope.items]
        assert len(payloads) <= MAX_ITEMS
        rebuilt = parse_envelope(build_envelope({}, [("event", one) for one in payloads]))
        assert [item.payload for item in rebuilt.items] == payloads
        for payload in payloads:
            _read_payload(payload)


def _read_payload(payload: bytes) -> None:
    skipped: Counter[str] = Counter()
    decode_sessions(payload, NOW, skipped)
    count_discarded(payload, skipped)
    reports = reports_from_gauges(payload, NOW, skipped)
    assert_size(sum(map(len, reports)), len(payload), factor=12)
    for reason in skipped:
        assert_one_line(reason, 200)
