"""A listening socket that turns clients away where file descriptors run out."""

from __future__ import annotations

import errno
import logging
import os
import socket
from contextlib import suppress
from typing import Any

LOG = logging.getLogger("bugsly")
MAX_UNACCEPTED_CONNECTIONS = 1024
"""In the kernel's queue."""


class ListeningSocket(socket.socket):
    """A socket for asyncio, which would try again and again, and log every try."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)

    def listen(self, _backlog: int = 0, /) -> None:
        """Listen; asyncio's number limits how many are accepted at a time, not how many queue."""
        super().listen(MAX_UNACCEPTED_CONNECTIONS)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection; raise `BlockingIOError` where there is none, or no descriptor."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
            self._turn_away()
            raise BlockingIOError(errno.EAGAIN, "no descriptor for it") from None

    def close(self) -> None:
        """Stop listening."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        super().close()

    def _turn_away(self) -> None:
        """Close the next connection, by the descriptor that is kept for that."""
        LOG.warning(
            "connections: no file can be opened any more → one is closed for each new one;"
            " raise the limit of open files"
        )
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        with suppress(OSError):
            super().accept()[0].close()
            self._spare = os.open(os.devnull, os.O_RDONLY)
