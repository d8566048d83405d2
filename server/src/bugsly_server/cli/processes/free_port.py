"""Finds a port that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return a free port of 127.0.0.1; another process may take it before the caller does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
