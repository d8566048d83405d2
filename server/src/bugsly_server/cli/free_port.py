"""Ports that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return one of 127.0.0.1; somebody else may take it before it is used."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
