"""Events of any quality are decoded within bounds; what is wrong in them is left out."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.events import payload, sdk_event

from bugsly_server.clock import DAY, HOUR, SECOND
from bugsly_server.decode.event import NOTE_KEY, decode_event, decode_event_summary
from bugsly_server.fingerprint.error import group_event
from bugsly_server.ingest.event_intake import scrub_event
from bugsly_server.model.event import ErrorEvent
from bugsly_server.scrub.scrubber import Scrubber

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENT_PARTS = st.sampled_from(
    [
        *("exception", "breadcrumbs", "timestamp", "tags", "contexts", "logentry", "message"),
        *("request", "user", "sdk", "threads", "fingerprint", "level", "release", "extra"),
        *("transaction", "event_id", NOTE_KEY, "platform", "modules"),
    ]
)
EXCEPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": ANY_JSON,
        "value": ANY_JSON,
        "mechanism": ANY_JSON | st.fixed_dictionaries({"source": ANY_JSON, "handled": ANY_JSON}),
        "stacktrace": ANY_JSON
        | st.fixed_dictionaries(
            {
                "frames": st.lists(
                    ANY_JSON
                    | st.dictionaries(
                        st.sampled_from(["filename", "vars", "lineno", "pre_context", "in_app"]),
                        ANY_JSON,
                    ),
                    max_size=3,
                )
            }
        ),
    },
)


def decode(any_json: Any, received_at: int = START) -> ErrorEvent:
    found = decode_event(msgspec.json.encode(any_json), received_at, Counter())
    assert found is not None
    return found


def through_ingest(body: bytes) -> ErrorEvent:
    """Return *body* as it is after ingest and the spool."""
    kept = scrub_event(body, {"event_id": ID}, Scrubber(), Counter())
    assert kept is not None
    found = decode_event(kept.payload, START, Counter())
    assert found is not None
    return found


def test_an_event_of_sentry_sdk_is_read() -> None:
    event = decode(sdk_event(7))
    assert event.id == f"{7:032x}"
    (error,) = event.exceptions
    library, own = error.frames
    assert (error.type, error.value, error.handled) == ("KeyError", "'currency'", True)
    assert (own.file, own.line, own.in_app) == ("shop/views.py", 31, True)
    assert own.locals == {"line": "None"}
    assert own.code == "    total += line.price"
    assert library.in_app


@pytest.mark.parametrize("wrap", [list, lambda values: {"values": list(values)}])
def test_lists_come_bare_or_with_values(wrap: Any) -> None:
    event = decode(
        {
            "event_id": ID,
            "exception": wrap([{"type": "OSError"}, {"type": "KeyError"}]),
            "breadcrumbs": wrap([{"message": "a", "timestamp": 5}]),
            "tags": [["a", "b"]],
        }
    )
    assert [one.type for one in event.exceptions] == ["KeyError", "OSError"]
    assert [(one.message, one.at) for one in event.crumbs] == [("a", 5 * SECOND)]
    assert event.tags == {"a": "b"}


def test_relations_of_a_chain_are_decoded() -> None:
    chain = [
        {"type": "A", "mechanism": {"source": "__cause__"}},
        {"type": "B", "mechanism": {"source": "__context__"}},
        {"type": "C", "mechanism": {"source": "exceptions[0]"}},
        {"type": "D", "mechanism": {"handled": False}},
    ]
    found = decode({"event_id": ID, "exception": chain}).exceptions
    assert [one.relation for one in found] == ["", "member", "context", "cause"]
    assert [one.handled for one in found] == [False, True, True, True]


def test_locals_that_an_sdk_took_apart_read_like_python() -> None:
    frames = [{"function": "f", "vars": {"a": {"id": "'7'"}, "b": ["1", "'x'"], "c": 5}}]
    loose = {"event_id": ID, "exception": [{"type": "E", "stacktrace": {"frames": frames}}]}
    held = decode(loose).exceptions[0].frames[0].locals
    assert held == {"a": "{'id': '7'}", "b": "[1, 'x']", "c": "5"}


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/srv/shop/views.py", True),
        ("/venv/lib/python3.11/site-packages/flask/app.py", False),
        ("app:///node_modules/express/lib/router.js", False),
        ("node:internal/timers", False),
        ("https://shop.test/static/app.js", True),
    ],
)
def test_where_the_sdk_does_not_say_the_path_tells_whose_code_it_is(path: str, own: bool) -> None:  # noqa: FBT001
    stack = {"frames": [{"abs_path": path}]}
    event = decode({"event_id": ID, "exception": [{"type": "E", "stacktrace": stack}]})
    assert event.exceptions[0].frames[0].in_app is own


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("https://shop.test/static/app-3f2a90c1.js", True),
        ("https://shop.test/internal/app.js", True),
        ("webpack-internal:///./src/cart.js", True),
        ("http://127.0.0.1:5173/node_modules/.vite/deps/react-dom.js?v=3f2a", False),
        ("webpack:///webpack/bootstrap", False),
        ("chrome-extension://abcdefgh/content.js", False),
        ("https://cdn.jsdelivr.net/npm/vue@3/dist/vue.js", False),
        ("https://browser.sentry-cdn.com/11.12.0/bundle.min.js", False),
    ],
)
def test_what_a_browser_calls_its_own_is_known_by_its_address(path: str, own: bool) -> None:  # noqa: FBT001
    stack = {"frames": [{"filename": path, "in_app": True}, {"filename": path, "in_app": False}]}
    error = {"type": "E", "stacktrace": stack}
    event = decode({"event_id": ID, "platform": "javascript", "exception": [error]})
    assert [one.in_app for one in event.exceptions[0].frames] == [own, False]


def test_an_exception_without_a_stack_has_that_of_its_thread() -> None:
    stack = {"frames": [{"function": "work"}]}
    threads = {"values": [{"id": 1}, {"id": 2, "crashed": True, "stacktrace": stack}]}
    event = decode({"event_id": ID, "exception": [{"type": "E"}], "threads": threads})
    assert [one.function for one in event.exceptions[0].frames] == ["work"]


FAST = {"timestamp": (START + 3 * HOUR) / SECOND, NOTE_KEY: {"sent_at": START + 4 * HOUR}}
"""An event of a client whose clock is four hours ahead."""


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        ({"timestamp": (START - HOUR) / SECOND}, START - HOUR),
        ({"timestamp": "2026-08-20T23:12:00Z"}, START - 4 * HOUR),
        ({}, START),
        ({"timestamp": (START + HOUR) / SECOND}, START),
        ({"timestamp": 0}, START),
        ({"timestamp": "yesterday"}, START),
        ({"timestamp": 1e300}, START),
        ({"timestamp": (START - 40 * DAY) / SECOND}, START),
        (
            {"timestamp": (START + 3 * HOUR) / SECOND, NOTE_KEY: {"sent_at": START + 4 * HOUR}},
            START - HOUR,
        ),
    ],
)
def test_when_it_happened_by_our_clock(facts: dict[str, Any], at: int) -> None:
    assert decode({"event_id": ID} | facts).at == at


@pytest.mark.parametrize(
    ("facts", "endpoint"),
    [
        ({"transaction": "shop.order"}, "shop.order"),
        ({"transaction": "/orders/<id>", "request": {"method": "GET"}}, "GET /orders/<id>"),
        ({"transaction": "/orders"}, "/orders"),
    ],
)
def test_the_endpoint_is_the_transaction(facts: dict[str, Any], endpoint: str) -> None:
    assert decode({"event_id": ID} | facts).endpoint == endpoint


def test_the_agents_worker_and_its_memory_are_read() -> None:
    event = decode({"event_id": ID, "contexts": {"bugsly": {"worker": ID, "memory": 5_000}}})
    assert (event.worker, event.memory) == (ID, 5_000)


def test_absurd_stacks_and_chains_keep_both_ends() -> None:
    skipped: Counter[str] = Counter()
    frames = [{"function": f"f{number}"} for number in range(5_000)]
    many = [{"type": "E", "stacktrace": {"frames": frames}}] * 50
    found = decode_event(msgspec.json.encode({"event_id": ID, "exception": many}), START, skipped)
    assert found is not None
    assert len(found.exceptions) == 20
    kept = [one.function for one in found.exceptions[0].frames]
    assert (len(kept), kept[0], kept[-1]) == (100, "f0", "f4999")
    assert skipped["frame beyond the 100 of a stack"] == 20 * 4_900
    assert skipped["exception beyond the 20 of an event"] == 30


def test_control_characters_and_turned_text_are_taken_out() -> None:
    event = decode({"event_id": ID, "message": "a\x00\x1b[2J\u202eb\tc\nd", "release": "1\n2"})
    assert event.message == "a[2Jb\tc\nd"
    assert event.release == "1 2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "a\xff\xfeb"}', "a\ufffd\ufffdb"),
        (b'{"message": "\\ud800x"}', "?x"),
        (b'{"message": "x", "extra": {"a": NaN, "b": 1e999, "c": %s}}' % (b"9" * 300), "x"),
        (b'{"message": {"formatted": "x"}}', "x"),
        (b'{"message": 7}', "7"),
    ],
)
def test_json_that_is_not_quite_json_is_read(body: bytes, message: str) -> None:
    assert through_ingest(body).message == message


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"a": ' * 100_000, b"[" * 100_000])
def test_what_is_not_an_object_is_not_an_event(body: bytes) -> None:
    skipped: Counter[str] = Counter()
    assert scrub_event(body, {}, Scrubber(), skipped) is None
    assert sum(skipped.values()) == 1


def test_ten_megabytes_are_read_and_little_is_kept() -> None:
    huge = {"message": "x" * 4_000_000, "extra": {str(n): "y" * 100 for n in range(60_000)}}
    event = through_ingest(json.dumps(huge).encode())
    assert len(event.message) == 8_192
    assert len(event.contexts["extra"]) == 100


def test_an_id_is_taken_from_the_envelope_or_made() -> None:
    assert through_ingest(payload(3)).id == ID
    made = scrub_event(b"{}", {}, Scrubber(), Counter())
    assert made is not None
    assert len(made.id) == 32


@given(st.dictionaries(EVENT_PARTS, ANY_JSON | st.lists(EXCEPTIONS, max_size=3), max_size=8))
def test_any_json_is_an_event(loose: dict[str, Any]) -> None:
    event = through_ingest(json.dumps(loose).encode())
    assert event.at <= START
    assert event.level in {"fatal", "error", "warning", "info", "debug"}


def grouping_essence(event: ErrorEvent | None) -> tuple[object, ...]:
    """Return what an event is counted and grouped by."""
    assert event is not None
    held_back = event.contexts.get("bugsly", {}).get("held_back")
    names = (event.endpoint, event.release, event.environment, event.user, event.level)
    return event.id, event.at, names, held_back, group_event(event)


def test_a_summary_equals_the_event_without_its_details() -> None:
    body = msgspec.json.encode(sdk_event(7))
    outline = decode_event_summary(body, START, Counter())
    assert grouping_essence(outline) == grouping_essence(decode_event(body, START, Counter()))
    assert outline is not None
    assert (outline.crumbs, outline.tags) == ((), {})
    assert not any(frame.locals or frame.before for frame in outline.exceptions[0].frames)


@given(st.dictionaries(EVENT_PARTS, ANY_JSON | st.lists(EXCEPTIONS, max_size=3), max_size=8))
def test_a_summary_of_any_json_equals_the_event_without_its_details(loose: dict[str, Any]) -> None:
    body = json.dumps({**loose, "event_id": ID}).encode()
    whole = decode_event(body, START, Counter())
    assert grouping_essence(decode_event_summary(body, START, Counter())) == grouping_essence(whole)
