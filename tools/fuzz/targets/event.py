"""Events: scrubbed, decoded, grouped, titled and explained, whatever is wrong with them."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from bugsly_server.decode.event import decode_event, decode_event_summary, scrubbing_note
from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.explain.errors.rules import rules_by_exception
from bugsly_server.fingerprint.error import group_event
from bugsly_server.fingerprint.error_title import error_location, error_title
from bugsly_server.ingest.event_intake import scrub_event
from bugsly_server.model.error_explanation import ErrorContext
from bugsly_server.scrub.scrubber import Scrubber
from tools.fuzz.almost_valid import JSON_VALUES, TEXTS, encoded, json_objects
from tools.fuzz.laws import NOW, assert_one_line, assert_size

MAX_EXPLANATION_LENGTH = 20_000
LINES = TEXTS | st.sampled_from(
    ["x = y.z", "return rows[0]['a']", "f(a, b=1)", "assert x, (", "d[k] += 1  # }", "f'{x!r}'"]
)
FRAMES = json_objects(
    {"filename": TEXTS | st.just("shop/views.py"), "lineno": st.integers(0, 99)},
    {
        "function": TEXTS,
        "module": TEXTS,
        "abs_path": TEXTS,
        "context_line": LINES,
        "pre_context": st.lists(LINES, max_size=3),
        "post_context": st.lists(LINES, max_size=3),
        "in_app": st.booleans(),
        "vars": st.dictionaries(TEXTS, TEXTS, max_size=3),
    },
)
EXCEPTIONS = json_objects(
    {"type": st.sampled_from(sorted(rules_by_exception())) | TEXTS, "value": LINES},
    {
        "module": TEXTS,
        "mechanism": JSON_VALUES,
        "stacktrace": json_objects({"frames": st.lists(FRAMES, max_size=3)}, {}),
    },
)
FACTS = ("release", "environment", "transaction", "server_name", "level", "platform", "logger")
PARTS = ("user", "tags", "contexts", "extra", "breadcrumbs", "request", "sdk", "logentry")
INPUTS = encoded(
    json_objects(
        {"exception": json_objects({"values": st.lists(EXCEPTIONS, min_size=1, max_size=3)}, {})},
        {
            "event_id": st.just("a" * 32),
            "timestamp": TEXTS | st.floats(0, 2e9),
            "message": TEXTS,
            "fingerprint": st.lists(TEXTS, max_size=3),
            **dict.fromkeys(FACTS, TEXTS),
            **dict.fromkeys(PARTS, JSON_VALUES),
        },
    )
)


def check(data: bytes) -> None:
    """Take an event all the way from its arrival to its explanation."""
    skipped: Counter[str] = Counter()
    spooled = scrub_event(data, {}, Scrubber(), skipped)
    if spooled is None:
        return
    assert_size(len(spooled.payload), len(data), factor=12)
    scrubbing_note(spooled.payload)
    whole = decode_event(spooled.payload, NOW, skipped)
    summary = decode_event_summary(spooled.payload, NOW, skipped)
    assert whole is not None
    assert summary is not None
    assert group_event(whole).fingerprint == group_event(summary).fingerprint
    assert_one_line(error_title(summary), 200)
    assert_one_line(error_location(summary), 300)
    explanation = explain_error(whole, ErrorContext())
    if explanation is not None:
        for text in (explanation.title, explanation.what, explanation.why, explanation.fix):
            assert_one_line(text, MAX_EXPLANATION_LENGTH)
