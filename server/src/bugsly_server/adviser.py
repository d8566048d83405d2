"""Asks a language model to explain, at any endpoint that speaks OpenAI's chat protocol."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bugsly_server import __version__
from bugsly_server.alert.address_guard import AddressGuard, Network
from bugsly_server.errors import ChannelError, ModelError
from bugsly_server.explain.assisted.answer import Advice, judge, read
from bugsly_server.explain.assisted.question import Question

if TYPE_CHECKING:
    import httpx2

SECONDS = 120.0
"""For question, answer and repair together: models at a desk are slow."""
CONNECT_SECONDS = 4.0
MOST = 256 * 1024
"""Bytes of a reply that are read."""
PORTS = {"http": 80, "https": 443}
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
REPAIR = "That is not the JSON object asked for ({fault}). Answer again: only the object."

Progress = Callable[[int], None]
"""Is told how many characters of the answer have come."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is, as the settings name it."""

    url: str
    """As `http://127.0.0.1:11434/v1`."""
    model: str
    key: str = field(default="", repr=False)

    @property
    def is_here(self) -> bool:
        """Return whether it is on this machine: only then are locals shown to it."""
        import httpx2

        host = httpx2.URL(self.url).host
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def guard(self, allowed: tuple[Network, ...]) -> AddressGuard:
        """Return what lets it be reached: this machine where it is named, else what is public."""
        return AddressGuard((*allowed, *(LOOPBACK if self.is_here else ())), what="questions")


def advise(
    question: Question, endpoint: Endpoint, guard: AddressGuard, progress: Progress
) -> Advice:
    """Return what the model answers to *question*, or what the rules say and why.

    It takes up to `SECONDS`, so call it on a thread, and raises nothing for what a model or its
    server may do. Keep advice without a problem under `question.key(endpoint.model)`.
    """
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        asking = _ask(question, endpoint, guard, progress)
        return asyncio.run(asyncio.wait_for(asking, SECONDS))
    except (TimeoutError, httpx2.TimeoutException):
        problem = f"model: no answer within {SECONDS:g} s → see whether it is up, or take a smaller"
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        problem = f"model: no connection ({error}) → see whether it is up"
    except (ModelError, ChannelError) as error:
        problem = str(error)
    return Advice(explanation=question.rules, problem=problem)


async def _ask(
    question: Question, endpoint: Endpoint, guard: AddressGuard, progress: Progress
) -> Advice:
    """Ask, and once more where the answer is not what was asked for."""
    messages = question.messages
    text = await _complete(messages, endpoint, guard, progress)
    try:
        return judge(read(text), question)
    except UNREADABLE as error:
        repair = REPAIR.format(fault=error)
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": repair}]
    text = await _complete(messages, endpoint, guard, progress)
    try:
        return judge(read(text), question)
    except UNREADABLE as error:
        fault = f"model: its answer is no such JSON ({error}) → try another model"
        raise ModelError(fault) from None


async def _complete(
    messages: list[dict[str, str]], endpoint: Endpoint, guard: AddressGuard, progress: Progress
) -> str:
    """Return the text that the model puts after *messages*."""
    import httpx2

    target = httpx2.URL(f"{endpoint.url.rstrip('/')}/chat/completions")
    if target.scheme not in PORTS or not target.host:
        raise ModelError(f"model: {endpoint.url!r} is no address → correct BUGSLY_MODEL_URL")
    addresses = await asyncio.to_thread(
        guard.addresses, target.host, target.port or PORTS[target.scheme]
    )
    body = {"model": endpoint.model, "messages": messages, "stream": True, "temperature": 0}
    headers = {
        "Host": target.netloc.decode("ascii"),
        "User-Agent": f"bugsly-server/{__version__}",
        **({"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}),
    }
    timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
    verify = httpx2.create_ssl_context()
    async with httpx2.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
        for number, address in enumerate(addresses, start=1):
            asking = client.stream(
                "POST",
                target.copy_with(host=address),
                json=body,
                headers=headers,
                extensions={"sni_hostname": target.raw_host.decode("ascii")},
            )
            try:
                async with asking as response:
                    return await _text(response, target.host, progress)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if number == len(addresses):
                    raise
    raise AssertionError("the guard gives at least one address")


async def _text(response: httpx2.Response, host: str, progress: Progress) -> str:
    """Return the text of a reply of *host*, streamed or whole; tell *progress* as it comes."""
    if response.status_code != 200:
        raise ModelError(
            f"model: {host} answered {response.status_code}"
            " → check BUGSLY_MODEL_URL, BUGSLY_MODEL_NAME and BUGSLY_MODEL_KEY"
        )
    text, whole, unread = "", b"", b""
    streamed = "event-stream" in response.headers.get("content-type", "")
    async for chunk in response.aiter_bytes():
        whole += chunk
        if len(whole) > MOST:
            raise ModelError("model: its answer does not end → try another model")
        if streamed:
            *lines, unread = (unread + chunk).split(b"\n")
            text += "".join(_said(line.removeprefix(b"data:"), "delta") for line in lines)
            progress(len(text))
    return text if streamed else _said(whole, "message")


def _said(encoded: bytes, part: str) -> str:
    """Return what one JSON object of the protocol adds to the text; nothing for any other line."""
    try:
        reply: Any = msgspec.json.decode(encoded)
        said = reply["choices"][0][part]["content"]
    except (*UNREADABLE, LookupError, TypeError):
        return ""
    return said if isinstance(said, str) else ""
