"""Requests that are right: those of SDKs, agents, programs, assistants and people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from tools.fuzz.corpus import corpus_files
from tools.fuzz.http.request import FuzzedRequest, Headers

PAGES = (
    "/", "/login", "/welcome", "/account", "/p/app/", "/p/app/?part=workers", "/p/app/issues",
    "/p/app/issues/1", "/p/app/issues/2", "/p/app/releases", "/p/app/alerts", "/p/app/setup",
    "/p/app/chart.json?span=3600", "/p/app/workers/1", "/p/app/workers/1/chart.json", "/healthz",
    "/readyz", "/openapi.json", "/static/app.js", "/p/app/issues/1/holder.json", "/enter/x",
    "/p/app/issues?state=resolved&page=2&q=a", "/p/nothing/issues",
)  # fmt: skip
API = (
    "/api/v1/workers",
    "/api/v1/issues",
    "/api/v1/asks/1",
    "/metrics",
    "/api/v1/issues?project=app",
)
FORMS: Mapping[str, Mapping[str, str]] = {
    "/p/app/alerts": {"kind": "webhook", "name": "x", "url": "http://127.0.0.1:9/"},
    "/p/app/alerts/1/test": {},
    "/p/app/alerts/1/remove": {},
    "/p/app/issues/1/resolve": {},
    "/p/app/issues/1/snooze": {"hours": "1"},
    "/p/app/issues/1/advice": {},
    "/p/app/errors/1/ignore": {"until": "hours", "count": "9"},
    "/p/app/errors/1/reopen": {},
    "/p/app/errors/1/merge": {"into": "2"},
    "/p/app/errors/1/split": {"grouping": "1"},
    "/p/app/secrets": {"names": "shoe_size, iban"},
    "/account/tokens/99/revoke": {},
    "/account/projects": {"slug": "app"},
}
"""Actions of a person who is logged in, but for those that end the session."""
TOOLS = ("list_issues", "get_issue", "resolve_issue", "no_tool")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """What opens the server: the keys of a project, of a program and of a person."""

    host: str
    key: str
    token: str
    cookie: str


def _common(access: ServerAccess, content_type: str = "") -> Headers:
    headers = [(b"Host", access.host.encode()), (b"User-Agent", b"fuzz")]
    if content_type:
        headers.append((b"Content-Type", content_type.encode()))
    return tuple(headers)


def _envelope(access: ServerAccess, random: Random) -> FuzzedRequest:
    kind = random.choice(("event", "memory_report", "envelope"))
    body = _kept(random.choice(corpus_files(kind)))
    path = b"/api/1/envelope/"
    if kind == "event" and random.random() < 0.2:
        path = b"/api/1/store/"
    elif kind != "envelope":
        item = {"event": b"event", "memory_report": b"memory"}[kind]
        worker = b'{"worker": "%032x"}' % random.randrange(99)
        body = b'%s\n{"type": "%s"}\n%s\n' % (worker, item, body)
    key = random.choice((access.key, access.key, access.key, "0" * 32, ""))
    auth = (b"X-Sentry-Auth", b"Sentry sentry_version=7, sentry_key=" + key.encode())
    headers = (*_common(access, "application/x-sentry-envelope"), auth)
    return FuzzedRequest(method=b"POST", path=path, headers=headers, body=body)


def _page(access: ServerAccess, random: Random) -> FuzzedRequest:
    headers = _common(access)
    if random.random() < 0.7:
        headers = (*headers, (b"Cookie", access.cookie.encode()))
    return FuzzedRequest(path=random.choice(PAGES).encode(), headers=headers)


def _form(access: ServerAccess, random: Random) -> FuzzedRequest:
    path, fields = random.choice(tuple(FORMS.items()))
    headers = _common(access, "application/x-www-form-urlencoded")
    if random.random() < 0.8:
        headers = (*headers, (b"Cookie", access.cookie.encode()))
    body = urlencode(fields).encode()
    return FuzzedRequest(method=b"POST", path=path.encode(), headers=headers, body=body)


def _login(access: ServerAccess, random: Random) -> FuzzedRequest:
    path = random.choice(("/login", "/welcome", "/logout", "/account/password", "/account/tokens"))
    fields = {"name": "owner", "password": "wrong horse", "code": "0000", "old": "x"}
    headers = _common(access, "application/x-www-form-urlencoded")
    body = urlencode(fields).encode()
    return FuzzedRequest(method=b"POST", path=path.encode(), headers=headers, body=body)


def _program(access: ServerAccess, random: Random) -> FuzzedRequest:
    token = random.choice((access.token, access.token, "bugsly_unknown"))
    headers = (*_common(access), (b"Authorization", b"Bearer " + token.encode()))
    if random.random() < 0.2:
        path = b"/api/v1/workers/1/heap?requests=9"
        return FuzzedRequest(method=b"POST", path=path, headers=headers)
    return FuzzedRequest(path=random.choice(API).encode(), headers=headers)


def _assistant(access: ServerAccess, random: Random) -> FuzzedRequest:
    call = {"name": random.choice(TOOLS), "arguments": {"id": random.choice((1, 2, 0))}}
    method, params = random.choice((("tools/call", call), ("tools/list", {}), ("initialize", {})))
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    token = random.choice((access.token, "bugsly_unknown"))
    headers = (
        *_common(access, "application/json"),
        (b"Authorization", b"Bearer " + token.encode()),
        (b"Accept", b"application/json, text/event-stream"),
    )
    body = json.dumps(message).encode()
    return FuzzedRequest(method=b"POST", path=b"/mcp", headers=headers, body=body)


MakeRequest = Callable[[ServerAccess, Random], FuzzedRequest]
MAKERS: Mapping[MakeRequest, int] = {
    _envelope: 50,
    _page: 18,
    _program: 12,
    _form: 8,
    _assistant: 7,
    _login: 5,
}
"""What makes requests, and how many of a hundred."""


def make_request(access: ServerAccess, random: Random) -> FuzzedRequest:
    """Return a request that is right."""
    makers: Sequence[MakeRequest] = tuple(MAKERS)
    [make] = random.choices(makers, tuple(MAKERS.values()))
    return make(access, random)


_read: dict[Path, bytes] = {}


def _kept(path: Path) -> bytes:
    if path not in _read:
        _read[path] = path.read_bytes()
    return _read[path]
