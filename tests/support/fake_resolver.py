"""A name server that a test holds in its hand."""

import ipaddress

from bugsly_server.egress.address_guard import AddressGuard, resolve_host


class FakeResolver:
    """Gives *answers* in order, and the last one for ever; counts how often it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.lookups: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.lookups.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def guard_allowing(*allowed: str, resolver: FakeResolver | None = None) -> AddressGuard:
    """Return a guard that asks *resolver*, or the name server of this machine."""
    networks = [ipaddress.ip_network(one) for one in allowed]
    return AddressGuard(networks, resolver or resolve_host)
