"""Whatever is sent, the response is a documented one, and each refusal is one line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.asgi_client import AsgiResponse, asgi_request
from tests.support.body_encodings import ENCODERS
from tests.support.event_loop import ThreadedEventLoop, running_loop
from tests.support.site_harness import SiteHarness, site_harness

from bugsly.protocol.envelope import build_envelope

DOCUMENTED = {200, 204, 400, 403, 405, 408, 413, 415, 429, 503}
FAST = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(["memory", "event", "transaction", "session", ""]) | st.text(max_size=9)
HEADERS = st.fixed_dictionaries(
    {}, optional={"dsn": JSON | st.just("http://k@h/1"), "event_id": JSON, "sent_at": JSON}
)
PAYLOADS = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
ENVELOPES = st.builds(
    build_envelope, HEADERS, st.lists(st.tuples(KINDS, PAYLOADS), max_size=5)
) | st.binary(max_size=300)
NAMES = st.sampled_from(
    [b"content-encoding", b"content-length", b"x-sentry-auth", b"authorization", b"content-type"]
)
VALUES = st.binary(max_size=40) | st.sampled_from(
    [b"gzip", b"br", b"zstd", b"deflate", b"Sentry sentry_key=abc", b"9" * 5000, b"-1", b"\xff"]
)
REQUESTS = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["1", "0", "2", "x", "9" * 5000]).map("/api/{}/envelope/".format),
        "method": st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS", "HEAD", "PROPFIND"]),
        "query": st.binary(max_size=30) | st.just(b"sentry_key=abc"),
        "headers": st.lists(st.tuples(NAMES, VALUES), max_size=4),
        "parts": st.lists(ENVELOPES, min_size=1, max_size=3),
    }
)


@pytest.fixture(scope="module")
def loop() -> Iterator[ThreadedEventLoop]:
    with running_loop() as loop:
        yield loop


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteHarness]:
    with site_harness(tmp_path_factory.mktemp("fuzz")) as inside:
        inside.server.envelopes._policy.keys._min_interval = 0.0
        yield inside


def check(answer: AsgiResponse) -> None:
    assert answer.status in DOCUMENTED
    if answer.status == 204:
        return
    reply = json.loads(answer.body)
    assert set(reply) == ({"id"} if answer.status == 200 else {"detail"})
    error = answer.headers.get("x-sentry-error", "")
    assert error.isprintable()
    assert (error == "") == (answer.status == 200)


@FAST
@given(REQUESTS)
def test_any_request_with_an_unknown_key(
    loop: ThreadedEventLoop, inside: SiteHarness, request: dict[str, Any]
) -> None:
    check(loop.run(asgi_request(inside.server.asgi, **request)))


@FAST
@given(ENVELOPES, st.sampled_from(sorted(ENCODERS)), st.integers(1, 4))
def test_any_envelope_with_a_known_key(
    loop: ThreadedEventLoop, inside: SiteHarness, envelope: bytes, packing: str, cuts: int
) -> None:
    encoding, pack = ENCODERS[packing]
    packed = pack(envelope)
    step = len(packed) // cuts + 1
    headers = [
        (b"content-encoding", encoding.encode()),
        (b"x-sentry-auth", f"Sentry sentry_key={inside.key}".encode()),
    ]
    parts = [packed[at : at + step] for at in range(0, len(packed), step)]
    path = f"/api/{inside.project.id}/envelope/"
    check(loop.run(asgi_request(inside.server.asgi, path, headers=headers, parts=parts)))


def test_a_truncated_body_is_refused(loop: ThreadedEventLoop, inside: SiteHarness) -> None:
    key = f"Sentry sentry_key={inside.key}".encode()
    path = f"/api/{inside.project.id}/envelope/"
    answer = loop.run(
        asgi_request(inside.server.asgi, path, headers=[(b"x-sentry-auth", key)], parts=[])
    )
    assert answer.status == 400
    check(answer)
