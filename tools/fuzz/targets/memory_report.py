"""Memory reports: decoded within bounds, or counted under one line."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import strategies as st

from bugsly_server.decode.memory_report import MAX_MEASUREMENT, UnreadableReport, decode_report
from tools.fuzz.almost_valid import JSON_VALUES, TEXTS, encoded, json_objects
from tools.fuzz.laws import assert_one_line, assert_size

COUNTS = st.integers(0, 2**51)
NUMBERED = ("shared", "swapped", "peak", "threads", "requests", "in_flight", "used", "limit")
TRAFFIC = json_objects({"endpoint": TEXTS, "requests": COUNTS}, {"micros": COUNTS, "sent": COUNTS})
SAMPLES = json_objects(
    {"number": st.integers(1, 9), "age": st.integers(0, 60_000_000), "anonymous": COUNTS},
    {
        **dict.fromkeys(NUMBERED, COUNTS),
        "traffic": st.lists(TRAFFIC, max_size=3),
        "levels": st.lists(json_objects({"holder": TEXTS, "count": COUNTS}, {}), max_size=3),
        "under_way": st.lists(JSON_VALUES, max_size=2),
    },
)
WORKERS = json_objects(
    {"id": st.just("a" * 32), "pid": st.integers(1, 9999), "host": TEXTS, "machine": TEXTS}
    | {"age": st.just(60_000_000)},
    dict.fromkeys(("server", "release", "environment", "python"), TEXTS),
)
SOURCES = st.lists(json_objects({"file": TEXTS}, {"module": TEXTS, "text": TEXTS}), max_size=2)
EVIDENCE = json_objects(
    {},
    {
        "holders": st.lists(
            json_objects({"name": TEXTS, "kind": TEXTS}, {"details": JSON_VALUES}), max_size=3
        ),
        "facts": st.dictionaries(TEXTS, COUNTS, max_size=3),
        "answers": st.lists(
            json_objects({"ask": st.integers(0, 9)}, {"sources": SOURCES, "heap": JSON_VALUES}),
            max_size=2,
        ),
        "parting": JSON_VALUES,
    },
)
INPUTS = encoded(
    json_objects(
        {"version": st.just(1), "worker": WORKERS, "samples": st.lists(SAMPLES, max_size=3)},
        {"exits": st.lists(JSON_VALUES, max_size=2), "net": JSON_VALUES}
        | {"lost": st.dictionaries(TEXTS, COUNTS, max_size=3), "evidence": EVIDENCE},
    )
)


def check(data: bytes) -> None:
    """Decode a report."""
    skipped: Counter[str] = Counter()
    try:
        report = decode_report(data, skipped)
    except UnreadableReport as error:
        assert_one_line(str(error), 200)
        return
    assert_size(len(msgspec.json.encode(report)), len(data), factor=60)
    for reason in skipped:
        assert_one_line(reason, 200)
    for sample in report.samples:
        assert 0 <= sample.anonymous <= MAX_MEASUREMENT
        assert 0 <= sample.age <= report.worker.age
