"""Holds a process to the network, and to what of the network the address guard admits."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError

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
    """An audit hook (`sys.addaudithook`), which cannot be taken down again.

    Python calls it with the very address that is about to be connected to, after every lookup and
    redirect. Not a sandbox: it binds code that means well and is led astray by an address.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._readable_prefixes = tuple(f"{_absolute(one)}{os.sep}" for one in sys.path if one)
        self.has_admitted = False
        """Whether anything was reached for that may be."""
        self.refusal: ChannelError | None = None
        """Why the guard refused the first address that may not be."""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise `PermissionError`, as the kernel does, for what is out of bounds."""
        if event in NETWORK_EVENTS and args[1] is not None:
            self._check_connection(args[1])
        elif event == "open" and not isinstance(args[0], int):
            self._check_open(os.fsdecode(args[0]), args[2])
        elif event.startswith(FORBIDDEN_EVENTS):
            raise PermissionError(f"{event}: not for a channel")

    def _check_connection(self, address: Any) -> None:
        try:
            host = str(ipaddress.ip_address(str(address[0])))
        except ValueError:
            raise PermissionError(f"{address!r}: no address of the internet") from None
        try:
            self._guard.check_address(host, host)
        except ChannelError as error:
            self.refusal = self.refusal or error
            raise PermissionError(str(error)) from None
        self.has_admitted = True

    def _check_open(self, path: str, flags: int) -> None:
        """Let be read what Python imports from, and nothing be written."""
        if not _absolute(path).startswith(self._readable_prefixes) or flags & (
            os.O_WRONLY | os.O_RDWR
        ):
            raise PermissionError(f"{path}: a channel reads no files here")


def _absolute(path: str) -> str:
    """Return *path* from the root and without dots; links stay, for some installers make them."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve follows links
