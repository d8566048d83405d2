"""Posts to a URL that a person entered, only to the addresses that the guard allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bugsly_server import __version__
from bugsly_server.egress.address_guard import AddressGuard

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 4.0
DEFAULT_PORTS = {"http": 80, "https": 443}


def is_web_url(url: httpx2.URL) -> bool:
    """Return whether *url* can be posted to: it has a scheme of the web and a host."""
    return url.scheme in DEFAULT_PORTS and bool(url.host)


def allowed_addresses(url: httpx2.URL, guard: AddressGuard) -> list[str]:
    """Return the addresses that *url*, a web URL, may be posted to, at least one.

    It looks the host up, which takes time. Raises `EgressRefused`.
    """
    return guard.allowed_addresses(url.host, url.port or DEFAULT_PORTS[url.scheme])


@asynccontextmanager
async def post_json(
    url: httpx2.URL,
    addresses: Sequence[str],
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float,
) -> AsyncIterator[httpx2.Response]:
    """Post *body*, encoded JSON, to the first of *addresses* that can be connected to.

    Gives the response, whose body is not read yet.

    It connects to the address itself, since a second lookup of the host may answer otherwise, and
    names the host in the request and in TLS. It follows no redirect and uses no proxy. Raises
    `httpx2.HTTPError`.
    """
    import httpx2

    timeout = httpx2.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
    verify = httpx2.create_ssl_context()
    async with httpx2.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
        requests = [
            client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={
                    "Host": url.netloc.decode("ascii"),
                    "Content-Type": "application/json",
                    "User-Agent": f"bugsly-server/{__version__}",
                    **headers,
                },
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            for address in addresses
        ]
        response = await _first_response(client, requests)
        try:
            yield response
        finally:
            await response.aclose()


async def _first_response(
    client: httpx2.AsyncClient, requests: Sequence[httpx2.Request]
) -> httpx2.Response:
    """Return the response to the first of *requests* that a connection is made for."""
    import httpx2

    for request in requests[:-1]:
        try:
            return await client.send(request, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return await client.send(requests[-1], stream=True)
