"""Decodes the payload of an `event` item into an `ErrorEvent`, whatever is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from bugsly_server.clock import DAY, MINUTE, Micros
from bugsly_server.decode.event_summary import read_event_summary
from bugsly_server.decode.lenient_json import (
    line,
    mapping,
    mappings,
    moment,
    number,
    read_object,
    text,
)
from bugsly_server.decode.stack import decode_exceptions
from bugsly_server.model.event import Breadcrumb, ErrorEvent, EventRequest

NOTE_KEY = "_bugsly"
"""Key of what ingest adds to an event: `sent_at`, `removed` and `cut`."""
MAX_NAME_LENGTH = 200
"""Characters of a release, a tag, a logger and the like."""
MAX_MESSAGE_LENGTH = 8_192
MAX_VALUE_LENGTH = 1_024
MAX_BREADCRUMBS = 100
MAX_ENTRIES = 100
"""In tags, in headers and in each context."""
MAX_CONTEXTS = 30
MAX_EVENT_AGE: Micros = 30 * DAY
"""Before its arrival: an event that claims to be older is dated by its arrival."""
MIN_CLOCK_SKEW: Micros = MINUTE
"""A smaller difference between the client's clock and ours is the time in transit."""
LEVELS = frozenset({"fatal", "error", "warning", "info", "debug"})
HEX_DIGITS = frozenset("0123456789abcdef")


class ScrubbingNote(NamedTuple):
    """What was taken out of an event."""

    removed: tuple[tuple[str, str], ...]
    """Where each value stood, and why it was removed."""
    cut: dict[str, int]
    """What was cut because it was beyond the bounds, by reason."""


def decode_event(payload: bytes, received_at: Micros, skipped: Counter[str]) -> ErrorEvent | None:
    """Return the event in *payload*, bounded; what is wrong inside is left out and counted.

    None where it is not a JSON object, or has no id.
    """
    raw = read_object(payload)
    if raw is None or not normalize_id(raw.get("event_id")):
        skipped["event that is not valid JSON of its form"] += 1
        return None
    return _event(raw, received_at, skipped)


def decode_event_summary(
    payload: bytes, received_at: Micros, skipped: Counter[str]
) -> ErrorEvent | None:
    """Return the event without the bulk that grouping and counting do not need, where possible.

    It lacks locals, the source around lines, breadcrumbs, tags, contexts but our own, and of the
    request all but its method. An event of unusual form lacks nothing.
    """
    raw = read_event_summary(payload)
    if raw is None or not normalize_id(raw.get("event_id")):
        return decode_event(payload, received_at, skipped)
    return _event(raw, received_at, skipped)


def _event(raw: Mapping[str, Any], received_at: Micros, skipped: Counter[str]) -> ErrorEvent:
    bugsly_context = mapping(mapping(raw.get("contexts")).get("bugsly"))
    level = text(raw.get("level"), MAX_NAME_LENGTH)
    return ErrorEvent(
        id=normalize_id(raw.get("event_id")),
        at=_happened_at(raw, received_at, skipped),
        platform=line(raw.get("platform"), 40) or "other",
        level=level if level in LEVELS else "error",
        message=_message(raw),
        logger=line(raw.get("logger"), MAX_NAME_LENGTH),
        exceptions=decode_exceptions(raw, skipped),
        endpoint=_endpoint(raw),
        release=line(raw.get("release"), MAX_NAME_LENGTH),
        environment=line(raw.get("environment"), MAX_NAME_LENGTH),
        server_name=line(raw.get("server_name"), MAX_NAME_LENGTH),
        user=_user(mapping(raw.get("user"))),
        sdk=_sdk(mapping(raw.get("sdk"))),
        tags=_texts(raw.get("tags"), MAX_NAME_LENGTH),
        contexts=_contexts(raw),
        crumbs=_breadcrumbs(raw, received_at, skipped),
        asked=_request(raw.get("request")),
        fingerprint=_fingerprint(raw.get("fingerprint")),
        worker=normalize_id(bugsly_context.get("worker")),
        memory=number(bugsly_context.get("memory"), 1 << 50),
    )


def scrubbing_note(payload: bytes) -> ScrubbingNote:
    """Return what ingest noted about an event: what was taken out of it, and what was cut."""
    raw = mapping(mapping(read_object(payload)).get(NOTE_KEY))
    removed = raw.get("removed")
    pairs = [one for one in removed if isinstance(one, list)] if isinstance(removed, list) else []
    return ScrubbingNote(
        removed=tuple(
            (line(one[0], MAX_NAME_LENGTH), line(one[-1], MAX_NAME_LENGTH)) for one in pairs if one
        ),
        cut={
            line(why, MAX_NAME_LENGTH): number(n, 1 << 50)
            for why, n in mapping(raw.get("cut")).items()
        },
    )


def normalize_id(raw: object) -> str:
    """Return an id as 32 hexadecimal digits; empty where *raw* is not an id."""
    plain = raw.replace("-", "").lower() if isinstance(raw, str) else ""
    return plain if len(plain) == 32 and HEX_DIGITS.issuperset(plain) else ""


def _happened_at(raw: Mapping[str, Any], received_at: Micros, skipped: Counter[str]) -> Micros:
    """Return when it happened by our clock, corrected for the error of the client's."""
    claimed = moment(raw.get("timestamp"))
    if claimed is None:
        return received_at
    sent = number(mapping(raw.get(NOTE_KEY)).get("sent_at"), received_at + DAY * 36_500)
    if sent and abs(received_at - sent) > MIN_CLOCK_SKEW:
        skipped["event of a client whose clock is wrong, put right"] += 1
        claimed += received_at - sent
    return claimed if received_at - MAX_EVENT_AGE < claimed <= received_at else received_at


def _message(raw: Mapping[str, Any]) -> str:
    for name in ("logentry", "message"):
        message = raw.get(name)
        if isinstance(message, dict):
            message = message.get("formatted") or message.get("message")
        if message:
            return text(message, MAX_MESSAGE_LENGTH)
    return ""


def _endpoint(raw: Mapping[str, Any]) -> str:
    """Return the transaction, with the method in front where it is a path."""
    transaction = line(raw.get("transaction"), MAX_NAME_LENGTH)
    if not transaction.startswith("/"):
        return transaction
    method = line(mapping(raw.get("request")).get("method"), 10)
    return f"{method} {transaction}" if method else transaction


def _user(raw: Mapping[str, Any]) -> str:
    for name in ("id", "username", "email", "ip_address"):
        identifier = line(raw.get(name), MAX_NAME_LENGTH)
        if identifier:
            return identifier
    return ""


def _sdk(raw: Mapping[str, Any]) -> str:
    return f"{line(raw.get('name'), 60)} {line(raw.get('version'), 40)}".strip()


def _texts(raw: object, max_length: int, max_entries: int = MAX_ENTRIES) -> dict[str, str]:
    entries = list(mapping(raw).items())[:max_entries]
    return {line(key, MAX_NAME_LENGTH): text(value, max_length) for key, value in entries}


def _contexts(raw: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the contexts; `extra` and `modules` are two more of them."""
    extra = {name: raw[name] for name in ("extra", "modules") if raw.get(name)}
    contexts = list({**mapping(raw.get("contexts")), **extra}.items())[:MAX_CONTEXTS]
    return {
        line(key, MAX_NAME_LENGTH): _texts(value, MAX_VALUE_LENGTH)
        for key, value in contexts
        if mapping(value)
    }


def _breadcrumbs(
    raw: Mapping[str, Any], received_at: Micros, skipped: Counter[str]
) -> tuple[Breadcrumb, ...]:
    crumbs = mappings(raw.get("breadcrumbs") or [])
    if len(crumbs) > MAX_BREADCRUMBS:
        skipped["breadcrumb beyond the last 100 of an event"] += len(crumbs) - MAX_BREADCRUMBS
    return tuple(
        Breadcrumb(
            at=moment(one.get("timestamp")) or received_at,
            category=line(one.get("category") or one.get("type"), MAX_NAME_LENGTH),
            level=line(one.get("level"), 20),
            message=text(one.get("message"), MAX_VALUE_LENGTH),
            details=_texts(one.get("data"), MAX_VALUE_LENGTH, 20),
        )
        for one in crumbs[-MAX_BREADCRUMBS:]
    )


def _request(raw: object) -> EventRequest | None:
    if not isinstance(raw, dict):
        return None
    query = raw.get("query_string")
    if isinstance(query, dict | list):
        query = "&".join(
            f"{key}={text(value, MAX_VALUE_LENGTH)}" for key, value in mapping(query).items()
        )
    return EventRequest(
        method=line(raw.get("method"), 20),
        url=line(raw.get("url"), 2_000),
        query=line(query, 2_000),
        headers=_texts(raw.get("headers"), MAX_VALUE_LENGTH),
        body=text(raw.get("data"), MAX_MESSAGE_LENGTH),
    )


def _fingerprint(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        return ()
    return tuple(line(one, MAX_NAME_LENGTH) for one in raw[:20])
