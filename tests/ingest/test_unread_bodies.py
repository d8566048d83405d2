"""A body is read only once its sender is known: by a header, the query, or its first line."""

import json
import random
import socket
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.body_encodings import ENCODERS, Encode
from tests.support.running_server import RunningServer, ServedProject

from bugsly_server.ingest import limits
from bugsly_server.ingest.content_encoding import decompress_start
from bugsly_server.ingest.key_in_body import MAX_START_BYTES

EACH_ENCODING = pytest.mark.parametrize(("encoding", "pack"), ENCODERS.values(), ids=ENCODERS)


def noise(amount: int) -> bytes:
    """Return text that cannot be packed much."""
    return "".join(random.choices(string.printable, k=amount)).encode()  # seeded by pytest-randomly


def status_of_unfinished(
    server: RunningServer, project: ServedProject, sent: bytes, *lines: str
) -> int:
    """Return what is answered to a body of which no more than *sent* comes."""
    start = [f"POST {project.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 9000000", *lines]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*start, "", ""]).encode() + sent)
        return int(connection.recv(100).split()[1])


@pytest.fixture(autouse=True)
def undrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refusals be answered without waiting for the rest of a body."""
    monkeypatch.setattr(limits, "DRAIN_SECONDS", 0.0)


def test_a_stranger_is_refused_before_any_of_a_body_comes(
    server: RunningServer, project: ServedProject
) -> None:
    auth = "X-Sentry-Auth: Sentry sentry_key=stranger"
    assert status_of_unfinished(server, project, b"", auth) == 403


@EACH_ENCODING
def test_a_stranger_whose_envelope_names_a_key_is_refused_before_the_rest_comes(
    server: RunningServer, project: ServedProject, encoding: str, pack: Encode
) -> None:
    line = json.dumps({"dsn": f"http://stranger@host/{project.id}"}).encode()
    packed = pack(line + b"\n" + noise(1_000_000))
    lines = (f"Content-Encoding: {encoding}",)
    assert status_of_unfinished(server, project, packed[:MAX_START_BYTES], *lines) == 403


@EACH_ENCODING
def test_a_first_line_without_end_is_refused_before_the_rest_comes(
    server: RunningServer, project: ServedProject, encoding: str, pack: Encode
) -> None:
    packed = pack(b'{"dsn": "' + b"x" * 1_000_000)
    lines = (f"Content-Encoding: {encoding}",)
    assert status_of_unfinished(server, project, packed + b"\0" * MAX_START_BYTES, *lines) == 400


@EACH_ENCODING
def test_a_large_envelope_that_names_its_key_is_taken(
    server: RunningServer, project: ServedProject, encoding: str, pack: Encode
) -> None:
    line = json.dumps({"dsn": f"http://{project.key}@host/{project.id}", "event_id": "x"}).encode()
    item = b'{"type": "nothing", "length": 1000000}\n' + noise(1_000_000)
    body = pack(line + b"\n" + item)
    reply = server.send(project.path, body, {"Content-Encoding": encoding})
    assert (reply.status, json.loads(reply.body)) == (200, {"id": "x"})


@EACH_ENCODING
@settings(max_examples=50)
@given(
    content=st.binary(max_size=3_000), cut=st.integers(0, 3_000), max_bytes=st.integers(1, 2_000)
)
def test_a_start_unpacks_to_a_start(
    encoding: str, pack: Encode, content: bytes, cut: int, max_bytes: int
) -> None:
    assert content[:max_bytes].startswith(
        decompress_start(pack(content)[:cut], encoding, max_bytes)
    )
    assert decompress_start(pack(content), encoding, max_bytes) == content[:max_bytes]
