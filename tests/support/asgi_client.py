"""Sends a request to an ASGI application without a socket."""

from collections.abc import Iterable
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Scope


class AsgiResponse(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def asgi_request(
    app: ASGIApp,
    path: str,
    *,
    method: str = "POST",
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    parts: Iterable[bytes] = (b"",),
) -> AsgiResponse:
    """Return what *app* answers to a request whose body comes in *parts*; then disconnect."""
    scope = _http_scope(path, method, query, headers)
    remaining = list(parts)
    sent: list[Message] = []

    async def receive() -> Message:
        if not remaining:
            return {"type": "http.disconnect"}
        part = remaining.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(remaining)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    named = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return AsgiResponse(
        sent[0]["status"], named, b"".join(one.get("body", b"") for one in sent[1:])
    )


def _http_scope(
    path: str, method: str, query: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in headers],
        "server": ("here", 80),
        "client": ("there", 1),
    }
