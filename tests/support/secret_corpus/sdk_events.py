"""Lets sentry-sdk meet a case of the corpus, and returns the event that it would send.

Needs nothing but sentry-sdk, so that it runs in an environment of its own too.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

Event = dict[str, Any]


class SentEvents(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep the event of an envelope, as JSON makes it."""
        event = envelope.get_event()
        if event is not None:
            self.events.append(json.loads(json.dumps(event)))


@contextmanager
def sending_sdk(**options: Any) -> Iterator[SentEvents]:
    """Initialize sentry-sdk with *options*; give what it sends within the block."""
    sent = SentEvents()
    sentry_sdk.init(
        "http://key@127.0.0.1/1",
        transport=sent,
        default_integrations=False,
        auto_enabling_integrations=False,
        max_value_length=8_000,
        **options,
    )
    try:
        yield sent
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)


def sdk_event(sent: SentEvents, carrier: str, text: str) -> Event:
    """Return the event that the SDK sends of *text* in *carrier*."""
    with sentry_sdk.new_scope() as scope:
        if carrier in {"log", "command"}:
            sentry_sdk.capture_message(text)
        elif carrier in {"exception", "sql"}:
            _capture(text, {"seven": 7})
        elif carrier == "locals":
            _capture("seven", _assignment(text))
        elif carrier == "breadcrumb":
            scope.add_breadcrumb(category="shop", message=text, data={"line": text})
            sentry_sdk.capture_message("seven")
        elif carrier == "context":
            for name, value in json.loads(text).items():
                scope.set_extra(name, value)
            sentry_sdk.capture_message("seven")
        else:
            scope.add_event_processor(lambda event, _hint: _with_request(event, carrier, text))
            sentry_sdk.capture_message("seven")
    return sent.events.pop()


def _with_request(event: Any, carrier: str, text: str) -> Any:
    """Return *event* with the request that integrations of frameworks add."""
    part = {"query": "query_string", "headers": "headers"}.get(carrier, "data")
    value = text if carrier == "query" else json.loads(text)
    event["request"] = {"method": "POST", "url": "https://shop.test/orders/7", part: value}
    return event


def _capture(text: str, values: dict[str, Any]) -> None:
    """Capture an error that says *text*, raised in a frame with *values* as its variables."""
    try:
        exec(f"raise ValueError({text!r})", {}, values)
    except ValueError as error:
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        sentry_sdk.capture_exception(error.with_traceback(inner))


def _assignment(text: str) -> dict[str, Any]:
    name, _, literal = text.partition(" = ")
    return {name: ast.literal_eval(literal)}
