"""Confines a process to the network addresses that the guard allows, and to reading its code."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import EgressRefused

NETWORK_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
FORBIDDEN_EVENTS = (
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "pty.",
    "syslog.",
)


class ProcessFence:
    """An audit hook (`sys.addaudithook`), which cannot be removed again.

    Python calls it with the address of each connection, after every lookup and redirect. It is not
    a sandbox: it stops well-meaning code that an address leads astray.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._readable_prefixes = tuple(f"{_absolute(one)}{os.sep}" for one in sys.path if one)
        self.has_allowed = False
        """Whether any connection was allowed."""
        self.refusal: EgressRefused | None = None
        """Why the first connection that was not allowed was refused."""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise `PermissionError`, as the kernel does, for what the process may not do."""
        if event in NETWORK_EVENTS and args[1] is not None:
            self._check_connection(args[1])
        elif event == "open" and not isinstance(args[0], int):
            self._check_open(os.fsdecode(args[0]), args[2])
        elif event.startswith(FORBIDDEN_EVENTS):
            raise PermissionError(f"{event}: a channel may not do this")

    def _check_connection(self, address: Any) -> None:
        try:
            host = str(ipaddress.ip_address(str(address[0])))
        except ValueError:
            raise PermissionError(f"{address!r}: not an address of the internet") from None
        try:
            self._guard.check_address(host, host)
        except EgressRefused as error:
            self.refusal = self.refusal or error
            raise PermissionError(str(error)) from None
        self.has_allowed = True

    def _check_open(self, path: str, flags: int) -> None:
        """Allow reading what Python imports from, and no writing."""
        if not _absolute(path).startswith(self._readable_prefixes) or flags & (
            os.O_WRONLY | os.O_RDWR
        ):
            raise PermissionError(f"{path}: a channel may not open files here")


def _absolute(path: str) -> str:
    """Return *path* from the root and without dots; links stay, since some installers make them."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve follows links
