"""Asks a language model for an explanation, at any endpoint with OpenAI's chat protocol."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bugsly_server.egress.address_guard import AddressGuard, Network
from bugsly_server.egress.guarded_http import allowed_addresses, is_web_url, post_json
from bugsly_server.errors import EgressRefused, LlmError
from bugsly_server.explain.llm.answer import LlmAnswer, parse_response, verify_response
from bugsly_server.explain.llm.question import LlmQuestion

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 120.0
"""For question, answer and repair together: a model on a laptop is slow."""
MAX_REPLY_BYTES = 256 * 1024
"""Bytes of a whole reply, of one event, and of the data of all events."""
ENDLESS_REPLY = "model: its answer does not end → try another model"
DECODE_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)
LOOPBACK_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
REPAIR_PROMPT = "That is not the JSON object asked for ({fault}). Answer again: only the object."

OnProgress = Callable[[int], None]
"""Called with the number of characters of the answer received so far."""


@dataclass(frozen=True, slots=True)
class LlmEndpoint:
    """Where the model runs, from the settings."""

    url: str
    """As `http://127.0.0.1:11434/v1`."""
    model: str
    key: str = field(default="", repr=False)

    @property
    def is_here(self) -> bool:
        """Return whether the model runs on this machine: only then is it sent locals."""
        import httpx2

        host = httpx2.URL(self.url).host
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def address_guard(self, allowed_networks: tuple[Network, ...]) -> AddressGuard:
        """Return a guard that allows public addresses, and this machine if the URL names it."""
        return AddressGuard(
            (*allowed_networks, *(LOOPBACK_NETWORKS if self.is_here else ())), subject="questions"
        )


def request_explanation(
    question: LlmQuestion, endpoint: LlmEndpoint, guard: AddressGuard, on_progress: OnProgress
) -> LlmAnswer:
    """Return the model's answer to *question*; if there is none, what the rules say and why.

    It takes up to `TIMEOUT_SECONDS`, so call it on a thread. Nothing that a model or its server
    does makes it raise. Keep an answer without a problem under
    `question.cache_key(endpoint.model)`.
    """
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        request = _request_with_repair(question, endpoint, guard, on_progress)
        return asyncio.run(asyncio.wait_for(request, TIMEOUT_SECONDS))
    except (TimeoutError, httpx2.TimeoutException):
        problem = (
            f"model: no answer within {TIMEOUT_SECONDS:g} s"
            " → check that it is running, or use a smaller one"
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        problem = f"model: no connection ({error}) → check that it is running"
    except (LlmError, EgressRefused) as error:
        problem = str(error)
    return LlmAnswer(explanation=question.rules, problem=problem)


async def _request_with_repair(
    question: LlmQuestion, endpoint: LlmEndpoint, guard: AddressGuard, on_progress: OnProgress
) -> LlmAnswer:
    """Return the answer; ask a second time if the first is not the JSON that was asked for."""
    messages = question.messages
    text = await _chat_completion(messages, endpoint, guard, on_progress)
    try:
        return verify_response(parse_response(text), question)
    except DECODE_ERRORS as error:
        repair = REPAIR_PROMPT.format(fault=error)
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": repair}]
    text = await _chat_completion(messages, endpoint, guard, on_progress)
    try:
        return verify_response(parse_response(text), question)
    except DECODE_ERRORS as error:
        fault = f"model: its answer is not the JSON asked for ({error}) → try another model"
        raise LlmError(fault) from None


async def _chat_completion(
    messages: list[dict[str, str]],
    endpoint: LlmEndpoint,
    guard: AddressGuard,
    on_progress: OnProgress,
) -> str:
    """Return the model's reply to *messages*."""
    import httpx2

    url = httpx2.URL(f"{endpoint.url.rstrip('/')}/chat/completions")
    if not is_web_url(url):
        raise LlmError(f"model: {endpoint.url!r} is not a URL → correct BUGSLY_MODEL_URL")
    addresses = await asyncio.to_thread(allowed_addresses, url, guard)
    body = msgspec.json.encode(
        {"model": endpoint.model, "messages": messages, "stream": True, "temperature": 0}
    )
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    async with post_json(url, addresses, body, headers, TIMEOUT_SECONDS) as response:
        return await _read_text(response, url.host, on_progress)


async def _read_text(response: httpx2.Response, host: str, on_progress: OnProgress) -> str:
    """Return the text of a reply of *host*, streamed or whole; report progress as it comes."""
    if response.status_code != 200:
        raise LlmError(
            f"model: {host} answered {response.status_code}"
            " → check BUGSLY_MODEL_URL, BUGSLY_MODEL_NAME and BUGSLY_MODEL_KEY"
        )
    if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        return await _read_stream(response, on_progress)
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise LlmError(ENDLESS_REPLY)
    return _content_of(body, "message")


async def _read_stream(response: httpx2.Response, on_progress: OnProgress) -> str:
    """Return the text that the server-sent events of *response* add up to."""
    import httpx2

    text, received = "", 0
    try:
        async for event in httpx2.EventSource(response, max_event_size=MAX_REPLY_BYTES):
            received += len(event.data)
            if received > MAX_REPLY_BYTES:
                raise LlmError(ENDLESS_REPLY)
            text += _content_of(event.data, "delta")
            on_progress(len(text))
    except httpx2.SSEError:
        raise LlmError(ENDLESS_REPLY) from None
    return text


def _content_of(encoded: str | bytes, part: str) -> str:
    """Return what one JSON object of the protocol adds to the text; nothing if it is no such."""
    try:
        reply: Any = msgspec.json.decode(encoded)
        content = reply["choices"][0][part]["content"]
    except (*DECODE_ERRORS, LookupError, TypeError):
        return ""
    return content if isinstance(content, str) else ""
