"""Requests that once broke a server, kept in the tree as text with placeholders for its secrets."""

from __future__ import annotations

from dataclasses import asdict

from tools.fuzz.corpus import corpus_files, save_crash
from tools.fuzz.http.templates import ServerAccess

CORPUS_NAME = "http"


def kept_requests(access: ServerAccess) -> dict[str, bytes]:
    """Return the requests by the names of their files, ready to be sent to a server."""
    return {
        path.name: _with_secrets(path.read_bytes(), access) for path in corpus_files(CORPUS_NAME)
    }


def keep_request(wire: bytes, access: ServerAccess) -> None:
    """Keep a request that broke the server of *access*."""
    for name, secret in asdict(access).items():
        wire = wire.replace(secret.encode(), _placeholder(name))
    save_crash(CORPUS_NAME, wire)


def _with_secrets(wire: bytes, access: ServerAccess) -> bytes:
    for name, secret in asdict(access).items():
        wire = wire.replace(_placeholder(name), secret.encode())
    return wire


def _placeholder(name: str) -> bytes:
    return f"{{{name}}}".encode()
