"""Checks who may send: the key of a DSN, in one of the three places where SDKs put it."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from bugsly.protocol.dsn import InvalidDsn, parse_dsn
from bugsly_server.errors import Rejected

SENTRY_KEY = re.compile(r"sentry_key\s*=\s*([0-9A-Za-z]+)")
MAX_DSN_LENGTH = 1_000
RELOAD_INTERVAL_SECONDS = 0.2
"""Minimum between two readings of the keys."""


def key_in_request(headers: Mapping[bytes, bytes], query: bytes) -> str | None:
    """Return the key in the X-Sentry-Auth (or Authorization) header, or in the query string."""
    for name in (b"x-sentry-auth", b"authorization"):
        match = SENTRY_KEY.search(headers.get(name, b"").decode("latin-1"))
        if match is not None:
            return match[1]
    values = parse_qs(query.decode("latin-1")).get("sentry_key")
    return values[0] if values else None


def key_in_envelope(header: Mapping[str, Any]) -> str | None:
    """Return the key in the `dsn` of an envelope's header."""
    dsn = header.get("dsn")
    if not isinstance(dsn, str):
        return None
    try:
        return parse_dsn(dsn[:MAX_DSN_LENGTH]).key
    except InvalidDsn:
        return None


class ProjectKeys:
    """The known keys; an unknown key makes it read them again, but not every one does.

    A request with an unknown key waits for the next reading. So a key that was just made is never
    refused, and invalid keys cause at most one reading in *min_interval* seconds.
    """

    def __init__(
        self, load: Callable[[], Mapping[str, int]], min_interval: float = RELOAD_INTERVAL_SECONDS
    ) -> None:
        self._load = load
        self._min_interval = min_interval
        self._known: Mapping[str, int] = {}
        self._loaded_at = -math.inf
        self._reload_task: asyncio.Task[None] | None = None

    async def check(self, key: str | None, project_id: int) -> None:
        """Raise `Rejected` unless *key* is one of *project_id*."""
        if key is None:
            raise Rejected(
                403, "no key: the request names none → send to the DSN of the set-up page"
            )
        if self._known.get(key) != project_id:
            if self._reload_task is None or self._reload_task.done():
                self._reload_task = asyncio.create_task(self._reload())
            await asyncio.shield(self._reload_task)
        if self._known.get(key) != project_id:
            raise Rejected(
                403,
                f"key {key[:32]!a}: unknown in project {project_id}"
                " → copy the DSN from the set-up page",
            )

    async def _reload(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._loaded_at + self._min_interval - loop.time())
        self._known = self._load()
        self._loaded_at = loop.time()
