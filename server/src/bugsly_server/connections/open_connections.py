"""Decides which connection has to go when there are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

Connection = TypeVar("Connection")


class OpenConnections(Generic[Connection]):
    """The open connections, those that wait for their clients apart.

    A connection waits for its client until a request has arrived whole, and again after the
    response. What waits longest makes room for what is new, so that clients who send nothing lock
    out nobody. *is_proxy* tells the addresses that stand for many clients, which only the number of
    all connections limits.
    """

    def __init__(
        self, max_connections: int, max_per_address: int, is_proxy: Callable[[str], bool]
    ) -> None:
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._is_proxy = is_proxy
        self._addresses: dict[Connection, str] = {}
        self._per_address: Counter[str] = Counter()
        self._waiting: dict[Connection, None] = {}
        """In the order in which they began to wait."""

    def add(self, connection: Connection, address: str) -> Connection | None:
        """Add *connection*; return what has to be closed, which may be itself, or None."""
        crowded_out = self._crowded_out(address, connection)
        if crowded_out is not None:
            self.remove(crowded_out)
        if crowded_out is not connection:
            self._addresses[connection] = address
            self._per_address[address] += 1
            self._waiting[connection] = None
        return crowded_out

    def remove(self, connection: Connection) -> None:
        """Forget *connection*, if it is known."""
        address = self._addresses.pop(connection, None)
        if address is None:
            return
        self._waiting.pop(connection, None)
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def mark_busy(self, connection: Connection) -> None:
        """Note that a request of *connection* has arrived whole."""
        self._waiting.pop(connection, None)

    def mark_waiting(self, connection: Connection) -> None:
        """Note that *connection* waits for its client again."""
        if connection in self._addresses:
            self._waiting.pop(connection, None)
            self._waiting[connection] = None

    def _crowded_out(self, address: str, newcomer: Connection) -> Connection | None:
        if self._per_address[address] >= self._max_per_address and not self._is_proxy(address):
            of_address = (one for one in self._waiting if self._addresses[one] == address)
            return next(of_address, newcomer)
        if len(self._addresses) >= self._max_connections:
            return next(iter(self._waiting), newcomer)
        return None
