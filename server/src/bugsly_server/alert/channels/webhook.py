"""Posts the alert as JSON to an address of your own; docs/alerts.md describes it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING

from bugsly_server.alert.leak_message import Alert
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.egress.guarded_http import allowed_addresses, is_web_url, post_json
from bugsly_server.errors import ChannelError, EgressRefused

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 15.0
"""For a whole attempt, so that a response that drips in byte by byte ends too."""
RETRIABLE_STATUSES = {404, 408, 409, 425, 429}
"""Of 4xx; a proxy answers 404 while the server behind it restarts."""


def send(url: str, alert: Alert, guard: AddressGuard) -> None:
    """Post *alert* without following redirects; of the response only the status is read."""
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # at INFO it logs whole URLs
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
    """Raise `ChannelError` where *url* is not a URL of the web, or its address is refused."""
    _resolve_target(url, guard)


def masked(url: str) -> str:
    """Return scheme, host and port: the path and parameters of a webhook hold its secrets."""
    scheme, _, rest = url.partition("://")
    authority, *path = re.split(r"[/?#]", rest, maxsplit=1)
    return f"{scheme}://{authority.rpartition('@')[2]}{'/…' if any(path) else ''}"


def _resolve_target(url: str, guard: AddressGuard) -> tuple[httpx2.URL, list[str]]:
    """Return *url*, parsed, and the addresses it may be posted to."""
    import httpx2

    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise _invalid_url(str(error)) from None
    if not is_web_url(target):
        raise _invalid_url("it does not begin with https:// and a host")
    try:
        return target, allowed_addresses(target, guard)
    except EgressRefused as refusal:
        raise ChannelError(str(refusal), permanent=refusal.permanent) from None


async def _post(target: httpx2.URL, addresses: list[str], alert: Alert) -> int:
    """Return the status of the response to *alert*."""
    body = json.dumps(alert.payload).encode()
    async with post_json(target, addresses, body, {}, TIMEOUT_SECONDS) as response:
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
