"""Keeps the server from connecting to addresses that only it or its network can reach.

Otherwise a person who may add a channel could make the server send requests to its neighbours: a
cloud's metadata service, a database without a password, a router (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence

from bugsly_server.egress.special_addresses import embedded_ipv4, is_special
from bugsly_server.errors import EgressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

RESOLVE_SECONDS = 5.0


def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of *host* in the order to try them; none after `RESOLVE_SECONDS`."""
    addresses: list[str] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        addresses.extend(str(answer[4][0]) for answer in answers)

    lookup_thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    lookup_thread.start()
    lookup_thread.join(RESOLVE_SECONDS)
    return list(addresses)


class AddressGuard:
    """Allows public addresses, and those in *allowed*; *subject* is what is sent there."""

    def __init__(
        self, allowed: Sequence[Network], resolver: Resolver = resolve_host, subject: str = "alerts"
    ) -> None:
        self.allowed = tuple(allowed)
        self._resolve = resolver
        self._subject = subject

    def allowed_addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of *host* that a connection may be made to, at least one.

        Connect to one of these, not to *host*: a second lookup may answer otherwise. Raises
        `EgressRefused`, which is not permanent where the host has no address now.
        """
        resolved = self._resolve(host, port)
        if not resolved:
            raise EgressRefused(f"{host}: it has no address → check the spelling, and DNS here")
        allowed = [one for one in resolved if self._refused_kind(one) is None]
        if not allowed:
            self.check_address(host, resolved[0])
        return allowed

    def check_address(self, host: str, address: str) -> None:
        """Raise `EgressRefused` where *address*, one of *host*, may not be connected to."""
        refused_kind = self._refused_kind(address)
        if refused_kind is not None:
            name = host if host == address else f"{host} ({address})"
            effective = _effective_address(ipaddress.ip_address(address))
            network = ipaddress.ip_network(effective)
            raise EgressRefused(
                f"{name}: {self._subject} are not sent to {refused_kind} address"
                f" → to allow it, start the server with BUGSLY_ALLOW_NETWORKS={network}",
                permanent=True,
            )

    def _refused_kind(self, text: str) -> str | None:
        """Return the kind of a refused address, with its article; None if it is allowed."""
        address = _effective_address(ipaddress.ip_address(text))
        if any(address in network for network in self.allowed):
            return None
        return _reserved_kind(address)


def _effective_address(address: Address) -> Address:
    """Return the IPv4 address that packets for *address* end up at, or *address* itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return embedded_ipv4(address) or address


def _reserved_kind(address: Address) -> str | None:
    """Return the kind of a reserved address; None only where it is known to be public."""
    if address.is_unspecified:
        return "an unspecified"
    if address.is_loopback:
        return "a loopback"
    if address.is_link_local:
        return "a link-local"
    if address.is_multicast:
        return "a multicast"
    return "a private or reserved" if is_special(address) else None
