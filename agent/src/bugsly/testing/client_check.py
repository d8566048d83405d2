"""Sends one request again and again with a test client, and fails where something remains."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from bugsly.testing.growth_check import (
    DEFAULT_CALLS,
    NothingMeasured,
    await_without_leak,
    call_without_leak,
)

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD_NAMES = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
FIRST_ERROR = 400


def no_leak(
    client: Any,
    path: str | Callable[[int], str],
    *,
    requests: int = DEFAULT_CALLS,
    method: str = "GET",
    max_bytes_per_request: float = 0.0,
    expect_error: bool = False,
    **sent: Any,
) -> Any:
    """Send *requests* requests with *client*; raise `LeakFound` if something of each remains.

    *client* is a test client of Flask, Django or Starlette, or an HTTPX client; for one whose
    methods are coroutines the result has to be awaited. *path* may be a function of the number of
    the request. *sent* goes to the client's method: `json=…`, `headers=…`. A request that answers
    with an error measures nothing and raises `NothingMeasured`, unless *expect_error* is true.
    """
    __tracebackhide__ = True
    name = method.lower()
    send = getattr(client, name, None) if name in METHOD_NAMES else None
    if send is None:
        raise NothingMeasured(f"{type(client).__name__} has no method {name!r}")
    requester = _Requester(send, method.upper(), path, sent, expect_error=expect_error)
    if inspect.iscoroutinefunction(send):
        return await_without_leak(
            requester.send_async, calls=requests, max_bytes_per_call=max_bytes_per_request
        )
    call_without_leak(requester.send, calls=requests, max_bytes_per_call=max_bytes_per_request)
    return None


class _Requester:
    """Sends the next request, and keeps nothing of it but its number."""

    def __init__(
        self,
        send: Callable[..., Any],
        method: str,
        path: str | Callable[[int], str],
        sent: dict[str, Any],
        *,
        expect_error: bool,
    ) -> None:
        self._send = send
        self._method = method
        self._path = path
        self._sent = sent
        self._expect_error = expect_error
        self._number = 0

    def send(self) -> None:
        __tracebackhide__ = True
        path = self._next_path()
        self._check(path, self._send(path, **self._sent))

    async def send_async(self) -> None:
        __tracebackhide__ = True
        path = self._next_path()
        self._check(path, await self._send(path, **self._sent))

    def _next_path(self) -> str:
        self._number += 1
        return self._path if isinstance(self._path, str) else self._path(self._number)

    def _check(self, path: str, response: Any) -> None:
        """Raise `NothingMeasured` for an error; close the response, as a server does."""
        __tracebackhide__ = True
        status = getattr(response, "status_code", 0)
        close = getattr(response, "close", None)
        if callable(close) and not inspect.iscoroutinefunction(close):
            close()
        if status >= FIRST_ERROR and not self._expect_error:
            raise NothingMeasured(
                f"{self._method} {path} answered {status}, so a leak would not show"
                " → correct the request, or pass expect_error=True"
            )
