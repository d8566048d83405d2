"""Posts the alert as JSON to an address of your own; docs/alerts.md describes it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING

from bugsly_server import __version__
from bugsly_server.alert.leak_message import Alert
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 15.0
"""For a whole attempt, so that an answer that drips in byte by byte ends too."""
CONNECT_SECONDS = 4.0
DEFAULT_PORTS = {"http": 80, "https": 443}
RETRIABLE_STATUSES = {404, 408, 409, 425, 429}
"""Of 4xx; proxies say 404 while what is behind them restarts."""


def send(url: str, alert: Alert, guard: AddressGuard) -> None:
    """Post *alert*, following no redirect; what is answered beyond the status is not read."""
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # at INFO it logs addresses whole
    target, addresses = _resolve_target(url, guard)
    try:
        status = asyncio.run(asyncio.wait_for(_post(target, addresses, alert), TIMEOUT_SECONDS))
    except (TimeoutError, httpx2.TimeoutException):
        raise ChannelError(
            f"{target.host}: no answer within {TIMEOUT_SECONDS:g} s → see whether it is up"
        ) from None
    except httpx2.HTTPError as error:
        raise ChannelError(
            f"{target.host}: no connection ({error}) → see whether it is up"
        ) from None
    _check_status(target.host, status)


def check(url: str, guard: AddressGuard) -> None:
    """Raise `ChannelError` where *url* is no address on the web, or one that is guarded."""
    _resolve_target(url, guard)


def masked(url: str) -> str:
    """Return scheme, host and port: paths and parameters of webhooks hold their secrets."""
    scheme, _, rest = url.partition("://")
    authority, *path = re.split(r"[/?#]", rest, maxsplit=1)
    return f"{scheme}://{authority.rpartition('@')[2]}{'/…' if any(path) else ''}"


def _resolve_target(url: str, guard: AddressGuard) -> tuple[httpx2.URL, list[str]]:
    """Return *url*, read once and for all, and the addresses its host may be reached at."""
    import httpx2

    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise _invalid_url(str(error)) from None
    if target.scheme not in DEFAULT_PORTS or not target.host:
        raise _invalid_url("it does not begin with https:// and a host")
    return target, guard.allowed_addresses(target.host, target.port or DEFAULT_PORTS[target.scheme])


async def _post(target: httpx2.URL, addresses: list[str], alert: Alert) -> int:
    """Post to the first of *addresses* that takes a connection; return the status."""
    import httpx2

    timeout = httpx2.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    verify = httpx2.create_ssl_context()
    async with httpx2.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
        for address in addresses[:-1]:
            try:
                return await _post_to(client, target, address, alert)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await _post_to(client, target, addresses[-1], alert)


async def _post_to(
    client: httpx2.AsyncClient, target: httpx2.URL, address: str, alert: Alert
) -> int:
    """Connect to *address*, and speak to it as to *target*, in its certificate too."""
    posting = client.stream(
        "POST",
        target.copy_with(host=address),
        content=json.dumps(alert.payload),
        headers={
            "Host": target.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": f"bugsly-server/{__version__}",
        },
        extensions={"sni_hostname": target.raw_host.decode("ascii")},
    )
    async with posting as response:
        return response.status_code


def _check_status(host: str, status: int) -> None:
    if status < 300:
        return
    if status < 400:
        message = f"{host}: it answered {status}, a redirect → enter the address it leads to"
        raise ChannelError(message, permanent=True)
    permanent = status < 500 and status not in RETRIABLE_STATUSES
    raise ChannelError(
        f"{host}: it answered {status} → see there what it objects to", permanent=permanent
    )


def _invalid_url(fact: str) -> ChannelError:
    message = f"webhook: {fact} → write it as https://example.com/path"
    return ChannelError(message, permanent=True)
