"""The special-purpose addresses of IANA's registries, which alerts and questions never need.

Python's own `is_global` follows the registries of its release, so an older Python lets ranges
through that were registered later. The blocks are those of the RFCs that the registries list:

https://www.iana.org/assignments/iana-ipv4-special-registry/
https://www.iana.org/assignments/iana-ipv6-special-registry/
"""

from __future__ import annotations

import ipaddress

IPV4_REGISTRY = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private use",
    "100.64.0.0/10": "shared address space of carriers",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private use",
    "192.0.0.0/24": "IETF protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private use",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "240.0.0.0/4": "reserved, and limited broadcast",
}
"""Blocks, with what they are for; blocks inside of them are left out."""
IPV6_REGISTRY = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64 of one network",
    "100::/64": "discard-only",
    "100:0:0:1::/64": "dummy prefix",
    "2001::/23": "IETF protocol assignments, and Teredo",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
}
IPV4_NETWORKS = tuple(map(ipaddress.IPv4Network, IPV4_REGISTRY))
IPV6_NETWORKS = tuple(map(ipaddress.IPv6Network, IPV6_REGISTRY))
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 that IANA assigns for the public internet."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as hosts without IPv4 see them, in the last 32 bits (RFC 6052)."""


def is_special(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether *address* is of special purpose, or not assigned to the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_multicast or any(address in network for network in IPV4_NETWORKS)
    return address not in GLOBAL_UNICAST or any(address in network for network in IPV6_NETWORKS)


def embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that packets for *address* end up at: mapped, NAT64 or 6to4.

    A Teredo address holds two, of a server and of a client; it is special whatever they are.
    """
    if address in NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
