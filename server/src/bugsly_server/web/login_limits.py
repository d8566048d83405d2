"""Limits how often passwords may be tried: strangers neither guess one nor lock out its owner.

Attempts count before the password is checked, so a thousand at once are no more than one by one. A
browser that has logged in before counts by itself (`known_device.py`): what strangers do never
keeps it out. Time is monotonic, which no step of the clock changes.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping

MINUTE = 60.0
HOUR = 60 * MINUTE
MAX_WINDOWS = 4_096
"""Of each kind of limit. Keys whose hashes collide share one; nobody can foresee which do."""
IPV6_NETWORK_BITS = 64
"""The part of an address that a provider gives to one customer."""


class AttemptWindows:
    """The latest attempts of each key: at most *max_attempts* in *seconds*."""

    def __init__(self, max_attempts: int, seconds: float) -> None:
        self._max_attempts = max_attempts
        self._seconds = seconds
        self._attempts: dict[int, deque[float]] = {}

    def seconds_to_wait(self, key: Hashable, now: float) -> float:
        """Return in how many seconds *key* may try again, 0 for at once."""
        attempts = self._attempts.get(hash(key) % MAX_WINDOWS)
        if attempts is None or len(attempts) < self._max_attempts:
            return 0.0
        return max(0.0, attempts[0] + self._seconds - now)

    def add(self, key: Hashable, now: float) -> None:
        """Count an attempt."""
        index = hash(key) % MAX_WINDOWS
        if index not in self._attempts:
            self._attempts[index] = deque(maxlen=self._max_attempts)
        self._attempts[index].append(now)


class LoginLimits:
    """The limits of one server. Whoever reaches one is refused and not counted again."""

    def __init__(self, read_seconds: Callable[[], float] = time.monotonic) -> None:
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._by_address = AttemptWindows(10, MINUTE)
        self._by_account_and_address = AttemptWindows(20, HOUR)
        self._by_account = AttemptWindows(100, HOUR)
        self._by_known_device = AttemptWindows(10, MINUTE)

    def admit_stranger(self, account_name: str, address: str) -> float:
        """Count an attempt from a browser that is not known.

        Return 0 if its password may be checked, else in how many seconds to try again.
        """
        network = client_network(address)
        return self._admit(
            {
                self._by_address: network,
                self._by_account_and_address: (account_name, network),
                self._by_account: account_name,
            }
        )

    def admit_known_device(self, device: str) -> float:
        """Do the same for a browser that has logged in before."""
        return self._admit({self._by_known_device: device})

    def _admit(self, keys: Mapping[AttemptWindows, Hashable]) -> float:
        with self._lock:
            now = self._read_seconds()
            wait = max(windows.seconds_to_wait(key, now) for windows, key in keys.items())
            if not wait:
                for windows, key in keys.items():
                    windows.add(key, now)
            return wait


def client_network(address: str) -> str:
    """Return what stands for the client at *address*: the address, of IPv6 the network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, IPV6_NETWORK_BITS), strict=False))
