"""Has items read in processes of their own: small ones in one, large and slow ones in another.

So none of them stops the server, and a small one never waits for a large one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from bugsly.protocol.envelope import Envelope, EnvelopeItem
from bugsly_server.clock import Micros
from bugsly_server.ingest import limits
from bugsly_server.ingest.item_reading import ItemToRead, ReadItem
from bugsly_server.ingest.reading_process import ReadingProcess

EVENT_HEADER_NAMES = ("event_id", "sent_at")
"""What an event takes from the header of its envelope."""
SLOW_NICENESS = 10
"""Of the process for large items, so that it leaves a lone core to the others."""


class ItemReader:
    """The two processes; each starts with its first item, and ends when there are none."""

    def __init__(self) -> None:
        self._fast = ReadingProcess(0, limits.MAX_WAITING_FAST_ITEMS)
        self._slow = ReadingProcess(SLOW_NICENESS, limits.MAX_WAITING_SLOW_ITEMS)
        self._slow_projects: set[int] = set()

    async def read(self, item: ItemToRead, project_id: int, cpu_seconds: float) -> ReadItem | None:
        """Return what came of *item*; None where it takes more than *cpu_seconds*.

        A small item that is slow is read again where large ones are, and for a while so are all
        of its project.
        """
        is_small = len(item.payload) <= limits.MAX_FAST_PAYLOAD_BYTES
        if is_small and project_id not in self._slow_projects:
            read = await self._fast.read(item, min(cpu_seconds, limits.FAST_CPU_SECONDS))
            if read is not None:
                return read
            self._slow_projects.add(project_id)
            asyncio.get_running_loop().call_later(
                limits.SLOW_PROJECT_SECONDS, self._slow_projects.discard, project_id
            )
        return await self._slow.read(item, cpu_seconds)

    def close(self) -> None:
        """End both processes."""
        self._fast.close()
        self._slow.close()


class EnvelopeReading:
    """Has the items of one envelope read, within the CPU time that an envelope may take."""

    def __init__(
        self,
        reader: ItemReader,
        envelope: Envelope,
        project_id: int,
        received_at: Micros,
        secret_names: tuple[str, ...],
    ) -> None:
        self._reader = reader
        self._header = _event_header(envelope.header)
        self._project_id = project_id
        self._received_at = received_at
        self._secret_names = secret_names
        self._seconds_left: float = limits.ENVELOPE_CPU_SECONDS

    async def read(self, item: EnvelopeItem) -> ReadItem | None:
        """Return what came of *item*; None where it takes too long, or no time is left for it."""
        if self._seconds_left <= 0:
            return None
        read = await self._reader.read(
            ItemToRead(
                item.type, item.payload, self._header, self._received_at, self._secret_names
            ),
            self._project_id,
            self._seconds_left,
        )
        self._seconds_left = 0 if read is None else self._seconds_left - read.cpu_seconds
        return read


def _event_header(header: Mapping[str, Any]) -> str:
    """Return what an event takes of *header* as JSON, if it is text or a number."""
    values = {name: header.get(name) for name in EVENT_HEADER_NAMES}
    return json.dumps(
        {name: value for name, value in values.items() if isinstance(value, str | int | float)}
    )
