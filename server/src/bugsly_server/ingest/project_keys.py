"""Checks who may send: the key of a DSN, in one of the three places where SDKs put it.

What it may send is decided by its kind, in `item_sorting.py`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from bugsly.protocol.dsn import InvalidDsn, parse_dsn
from bugsly_server.clock import Clock, Micros
from bugsly_server.errors import Rejected, Unavailable
from bugsly_server.model.project_key import ProjectKey, ProjectKeyKind

SENTRY_KEY = re.compile(r"sentry_key\s*=\s*([0-9A-Za-z]+)")
MAX_DSN_LENGTH = 1_000
MAX_SHOWN_ORIGIN = 100
RELOAD_INTERVAL_SECONDS = 0.2
"""Minimum between two readings of the keys."""
MAX_STALE_SECONDS = 5.0
"""After which the keys are read again, so that a revoked one is refused."""


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


@dataclass(frozen=True, slots=True)
class EnvelopeSender:
    """Who sent an envelope: the key it came with, and the secret that proves its worker."""

    key: ProjectKey
    secret_hash: str | None

    @property
    def is_agent(self) -> bool:
        """Return whether it may send memory, and take probe requests."""
        return self.key.kind is ProjectKeyKind.AGENT


class ProjectKeys:
    """The known keys; an unknown key makes it read them again, but not every one does.

    A request with an unknown key waits for the next reading. So a key that was just made is never
    refused, and invalid keys cause at most one reading in *min_interval* seconds.

    *used_at* says when each key was last used. It only grows, so that another thread can copy it.
    """

    def __init__(
        self,
        load: Callable[[], Mapping[str, ProjectKey]],
        clock: Clock,
        min_interval: float = RELOAD_INTERVAL_SECONDS,
    ) -> None:
        self._load = load
        self._clock = clock
        self._min_interval = min_interval
        self._known: Mapping[str, ProjectKey] = {}
        self.used_at: dict[str, Micros] = {}
        self._loaded_at = -math.inf
        self._reload_task: asyncio.Task[None] | None = None

    async def check(self, key: str | None, project_id: int, origin: str | None) -> ProjectKey:
        """Return *key* of *project_id*; raise `Rejected` where pages of *origin* may not use it.

        *origin* is None for a client that is no browser.
        """
        if key is None:
            raise Rejected(
                403, "no key: the request names none → send to the DSN of the set-up page"
            )
        known = await self._find(key, project_id)
        if known is None:
            raise Rejected(
                403,
                f"key {key[:32]!a}: unknown in project {project_id}"
                " → copy the DSN from the set-up page",
            )
        now = self._clock()
        check_use(known, origin, now)
        self.used_at[key] = now
        return known

    async def _find(self, key: str, project_id: int) -> ProjectKey | None:
        """Return *key* if it is one of *project_id*, as it was a few seconds ago or later."""
        if not self._is_known(key, project_id):
            await self._reload_soon()
        elif asyncio.get_running_loop().time() - self._loaded_at > MAX_STALE_SECONDS:
            with suppress(Unavailable):  # what was known goes on to count
                await self._reload_soon()
        return self._known[key] if self._is_known(key, project_id) else None

    def _is_known(self, key: str, project_id: int) -> bool:
        return key in self._known and self._known[key].project_id == project_id

    async def _reload_soon(self) -> None:
        if self._reload_task is None or self._reload_task.done():
            self._reload_task = asyncio.create_task(self._reload())
        await asyncio.shield(self._reload_task)

    async def _reload(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._loaded_at + self._min_interval - loop.time())
        self._known = self._load()
        self._loaded_at = loop.time()


def check_use(key: ProjectKey, origin: str | None, now: Micros) -> None:
    """Raise `Rejected` where *key* has ended, or pages of *origin* may not use it."""
    if key.has_ended(now):
        raise Rejected(
            403, "key: its time is over → copy the DSN of the newer one from the set-up page"
        )
    if key.allows_origin(origin):
        return
    shown = (origin or "")[:MAX_SHOWN_ORIGIN]
    remedy = (
        "use the DSN of an SDK key in browsers"
        if key.kind is ProjectKeyKind.AGENT
        else "add it to the key on the page of keys"
    )
    raise Rejected(403, f"origin {shown!a}: pages of it may not use this key → {remedy}")
