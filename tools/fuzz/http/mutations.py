"""Makes a request wrong: its method, path, headers, encoding, body or framing."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from tests.support.body_encodings import ENCODERS

from tools.fuzz.almost_valid import NASTY_NUMBERS, NASTY_TEXTS
from tools.fuzz.http.request import FuzzedRequest, chunked

MAX_MUTATIONS = 3
METHODS = (
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"TRACE",
    b"BREW",
    b"get",
)
SEGMENTS = (
    b"..", b"%2e%2e", b"%00", b"%0a", b"%ff", b"", b"0", b"-1", b"2147483648",
    b"9223372036854775808", b"9" * 400, b"%C3%A9", b"<script>", b"a" * 5000, b"1e9", b"%", b";x",
)  # fmt: skip
QUERIES = (
    b"project=%00", b"span=1e999", b"span=nan", b"until=-1", b"since=9999999999999999", b"page=-1",
    b"page=99999999999999999999", b"part=x", b"requests=999999", b"sentry_key=%ff", b"&&&==",
    b"q=%25", b"state=%0a", b"kind=x", b"a=" * 500, b"sort=x", b"environment=%F0%9F%92%A9",
)  # fmt: skip
HEADERS = (
    (b"Host", b"evil.example"), (b"Host", b""), (b"Host", b"[::1"),
    (b"Origin", b"http://evil.example"), (b"Origin", b"http://[::1"), (b"Origin", b"null"),
    (b"Sec-Fetch-Site", b"cross-site"), (b"Cookie", b"bugsly-80=x; =; a"),
    (b"Cookie", b"\xff\xfe=1"), (b"Authorization", b"Bearer \xff"), (b"Authorization", b"Bearer"),
    (b"Authorization", b"Basic Og=="), (b"X-Sentry-Auth", b"sentry_key=\xff"),
    (b"X-Sentry-Auth", b"Sentry sentry_key=" + b"a" * 3000), (b"Expect", b"100-continue"),
    (b"Connection", b"close"), (b"Upgrade", b"websocket"), (b"Range", b"bytes=0-1,-1"),
    (b"If-Modified-Since", b"yesterday"), (b"X-Forwarded-For", b"1.2.3.4, x"),
    (b"X-Forwarded-Proto", b"https"), (b"Accept", b"text/event-stream"),
    (b"Content-Type", b"multipart/form-data"),
    (b"Content-Type", b"multipart/form-data; boundary=x"),
    (b"Content-Type", b"application/json; charset=utf-7"),
    (b"Content-Type", b"application/x-www-form-urlencoded; charset=x"), (b"X" * 200, b"x"),
    (b"X-Long", b"x" * 9000), (b"HX-Request", b"true"), (b"Last-Event-ID", b"\xff"),
    (b"Mcp-Session-Id", b"x"), (b"Accept-Language", b"*" * 99),
)  # fmt: skip
ENCODING_NAMES = (b"gzip", b"br", b"zstd", b"deflate", b"gzip, br", b"x", b"identity", b"")
LENGTHS = (b"0", b"-1", b"x", b"1", b"99999999999999999999", b"5, 5", b"+5", b"", b"0x10")


def mutate(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    """Return *request* with up to three mutations; now and then as it is."""
    for _ in range(random.randint(0, MAX_MUTATIONS)):
        request = random.choice(MUTATIONS)(request, random)
    return request


def _method(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    return replace(request, method=random.choice(METHODS))


def _path(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    path, _, query = request.path.partition(b"?")
    parts = path.split(b"/")
    parts[random.randrange(len(parts))] = random.choice(SEGMENTS)
    changed = b"/".join(parts) or b"/"
    return replace(request, path=changed + (b"?" + query if query else b""))


def _query(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    mark = b"&" if b"?" in request.path else b"?"
    return replace(request, path=request.path + mark + random.choice(QUERIES))


def _add_header(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    return replace(request, headers=(*request.headers, random.choice(HEADERS)))


def _lose_header(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    at = random.randrange(len(request.headers) + 1)
    return replace(request, headers=request.headers[:at] + request.headers[at + 1 :])


def _change_header(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    if not request.headers:
        return request
    at = random.randrange(len(request.headers))
    name, value = request.headers[at]
    changed = (name, _bytes(value, random).replace(b"\n", b" ").replace(b"\r", b" "))
    return replace(request, headers=(*request.headers[:at], changed, *request.headers[at + 1 :]))


def _encode(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    """Pack the body, sometimes by another encoding than is said, cut short, or blown up."""
    name, pack = random.choice(tuple(ENCODERS.values()))
    body = pack(request.body * random.choice((1, 1, 1, 1_000)))
    body = body[: random.choice((len(body), len(body), len(body) // 2))]
    said = random.choice((name.encode(), name.encode(), random.choice(ENCODING_NAMES)))
    headers = (*request.headers, (b"Content-Encoding", said))
    return replace(request, headers=headers, body=body)


def _pack_twice(request: FuzzedRequest, _random: Random) -> FuzzedRequest:
    headers = (*request.headers, (b"Content-Encoding", b"gzip"))
    return replace(request, headers=headers, body=gzip.compress(zlib.compress(request.body)))


def _damage_body(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    return replace(request, body=_bytes(request.body, random))


def _change_json(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    """Change a value in the last line of the body that is JSON."""
    lines = request.body.split(b"\n")
    for at in reversed(range(len(lines))):
        try:
            value = json.loads(lines[at])
        except (ValueError, RecursionError):
            continue
        lines[at] = json.dumps(_json(value, random)).encode()
        break
    return replace(request, body=b"\n".join(lines))


def _chunk(request: FuzzedRequest, _random: Random) -> FuzzedRequest:
    return replace(request, is_chunked=True)


def _break_chunks(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    headers = (*request.headers, (b"Transfer-Encoding", b"chunked"))
    body = _bytes(chunked(request.body), random)
    return replace(request, headers=headers, body=body, is_framed=False)


def _misstate_length(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    near = b"%d" % max(0, len(request.body) + random.randint(-3, 3))
    header = (b"Content-Length", random.choice((near, *LENGTHS)))
    return replace(request, headers=(*request.headers, header), is_framed=False)


def _break_head(request: FuzzedRequest, random: Random) -> FuzzedRequest:
    """Put bytes into the request line that do not belong there."""
    return replace(request, path=_bytes(request.path, random), is_framed=False)


def _bytes(whole: bytes, random: Random) -> bytes:
    at = random.randrange(len(whole) + 1)
    removed = random.choice((0, 1, 4, 50))
    added = random.choice(
        (b"", random.randbytes(3), b"\0", b"{", b'"', random.choice(NASTY_TEXTS).encode())
    )
    return whole[:at] + added + whole[at + removed :]


def _json(value: Any, random: Random) -> Any:
    """Return *value* with one of the values in it replaced, or one more."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        return {**value, key: _json(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        return [*value[:at], _json(value[at], random), *value[at + 1 :]]
    nested: Any = 1
    for _ in range(random.choice((1, 30, 200))):
        nested = [nested]
    scalars = (
        None,
        True,
        random.choice(NASTY_NUMBERS),
        random.choice(NASTY_TEXTS),
        random.random(),
    )
    return random.choice((*scalars, [], {}, [[]], {"values": [{}]}, [value, value], nested))


Mutate = Callable[[FuzzedRequest, Random], FuzzedRequest]
MUTATIONS: tuple[Mutate, ...] = (
    *(_change_json, _change_json, _change_json, _damage_body, _damage_body),
    *(_path, _path, _query, _query, _add_header, _add_header, _change_header, _lose_header),
    *(_encode, _pack_twice, _method, _chunk, _break_chunks, _misstate_length, _break_head),
)
