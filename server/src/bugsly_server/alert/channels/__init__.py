"""Where alerts go: one kind of channel per file, each with `send`, `check` and `masked`."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Protocol, cast

from bugsly_server.alert.leak_message import Alert, compose_test_alert
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError


class ChannelKind(Protocol):
    """What each module here provides."""

    def send(self, url: str, alert: Alert, guard: AddressGuard) -> None:
        """Return once *url* has accepted *alert*; raise `ChannelError` where it does not."""

    def check(self, url: str, guard: AddressGuard) -> None:
        """Raise `ChannelError` where *url* cannot be the address of a channel."""

    def masked(self, url: str) -> str:
        """Return *url* as it may be shown: without its secrets."""


CHANNEL_KINDS = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def channel_kind(name: str) -> ChannelKind:
    """Return the kind of channel called *name*."""
    if name not in CHANNEL_KINDS:
        raise ChannelError(
            f"channel: {name!r} is not a kind of channel → choose from {', '.join(CHANNEL_KINDS)}",
            permanent=True,
        )
    return cast("ChannelKind", import_module(f"{__name__}.{name}"))


def send_test(name: str, url: str, guard: AddressGuard, page_url: str) -> None:
    """Send a test that leads to *page_url*; it takes up to 20 s. Raises `ChannelError`."""
    channel_kind(name).send(url, compose_test_alert(page_url), guard)
