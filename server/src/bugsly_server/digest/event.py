"""Reads the payload of an `event` item into a `model.event.Event`, whatever is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from bugsly_server.clock import DAY, MINUTE, Micros
from bugsly_server.digest.loose import line, mapping, moment, number, read_object, text, values
from bugsly_server.digest.outline import read_outline
from bugsly_server.digest.stack import thrown
from bugsly_server.model.event import Asked, Crumb, Event

NOTE = "_bugsly"
"""Key of what ingest adds to an event: `sent_at`, `removed` and `cut`."""
NAME = 200
"""Characters of a release, a tag, a logger and the like."""
MESSAGE = 8_192
VALUE = 1_024
MOST_CRUMBS = 100
MOST_ENTRIES = 100
"""Of tags, headers and each context."""
MOST_CONTEXTS = 30
EARLIEST: Micros = 30 * DAY
"""Before its arrival: an event that claims to be older is dated by its arrival."""
SKEW: Micros = MINUTE
"""A difference between the client's clock and ours below this is the time of the journey."""
LEVELS = frozenset({"fatal", "error", "warning", "info", "debug"})
ID = frozenset("0123456789abcdef")


class Note(NamedTuple):
    """What is not in an event any more."""

    removed: tuple[tuple[str, str], ...]
    """Where it stood, and why it went."""
    cut: dict[str, int]
    """What was beyond the bounds."""


def decode_event(payload: bytes, received_at: Micros, skipped: Counter[str]) -> Event | None:
    """Return the event in *payload*, bounded; what is wrong inside is left out and counted.

    None where it is no JSON object, or has no id.
    """
    loose = read_object(payload)
    if loose is None or not sound_id(loose.get("event_id")):
        skipped["event that is not valid JSON of its form"] += 1
        return None
    return _event(loose, received_at, skipped)


def decode_outline(payload: bytes, received_at: Micros, skipped: Counter[str]) -> Event | None:
    """Return the same, most often without what grouping and counting do without, the bulk of it.

    It lacks locals, the source around lines, breadcrumbs, tags, contexts but our own, and of the
    request all but its method. Of an event of unusual form it lacks nothing.
    """
    loose = read_outline(payload)
    if loose is None or not sound_id(loose.get("event_id")):
        return decode_event(payload, received_at, skipped)
    return _event(loose, received_at, skipped)


def _event(loose: Mapping[str, Any], received_at: Micros, skipped: Counter[str]) -> Event:
    own = mapping(mapping(loose.get("contexts")).get("bugsly"))
    level = text(loose.get("level"), NAME)
    return Event(
        id=sound_id(loose.get("event_id")),
        at=_happened_at(loose, received_at, skipped),
        platform=line(loose.get("platform"), 40) or "other",
        level=level if level in LEVELS else "error",
        message=_message(loose),
        logger=line(loose.get("logger"), NAME),
        exceptions=thrown(loose, skipped),
        endpoint=_endpoint(loose),
        release=line(loose.get("release"), NAME),
        environment=line(loose.get("environment"), NAME),
        server_name=line(loose.get("server_name"), NAME),
        user=_user(mapping(loose.get("user"))),
        sdk=_sdk(mapping(loose.get("sdk"))),
        tags=_texts(loose.get("tags"), NAME),
        contexts=_contexts(loose),
        crumbs=_crumbs(loose, received_at, skipped),
        asked=_asked(loose.get("request")),
        fingerprint=_fingerprint(loose.get("fingerprint")),
        worker=sound_id(own.get("worker")),
        memory=number(own.get("memory"), 1 << 50),
    )


def note_of(payload: bytes) -> Note:
    """Return what ingest noted about an event: what was taken out of it, and what was cut."""
    loose = mapping(mapping(read_object(payload)).get(NOTE))
    removed = loose.get("removed")
    pairs = [one for one in removed if isinstance(one, list)] if isinstance(removed, list) else []
    return Note(
        removed=tuple((line(one[0], NAME), line(one[-1], NAME)) for one in pairs if one),
        cut={line(why, NAME): number(n, 1 << 50) for why, n in mapping(loose.get("cut")).items()},
    )


def sound_id(loose: object) -> str:
    """Return an id as 32 hexadecimal digits; empty where *loose* is none."""
    plain = loose.replace("-", "").lower() if isinstance(loose, str) else ""
    return plain if len(plain) == 32 and ID.issuperset(plain) else ""


def _happened_at(loose: Mapping[str, Any], received_at: Micros, skipped: Counter[str]) -> Micros:
    """Return when it happened by our clock: what the client's is wrong by is taken off."""
    told = moment(loose.get("timestamp"))
    if told is None:
        return received_at
    sent = number(mapping(loose.get(NOTE)).get("sent_at"), received_at + DAY * 36_500)
    if sent and abs(received_at - sent) > SKEW:
        skipped["event of a client whose clock is wrong, put right"] += 1
        told += received_at - sent
    return told if received_at - EARLIEST < told <= received_at else received_at


def _message(loose: Mapping[str, Any]) -> str:
    for name in ("logentry", "message"):
        told = loose.get(name)
        if isinstance(told, dict):
            told = told.get("formatted") or told.get("message")
        if told:
            return text(told, MESSAGE)
    return ""


def _endpoint(loose: Mapping[str, Any]) -> str:
    """Return the transaction, with the method in front where it is a path."""
    told = line(loose.get("transaction"), NAME)
    if not told.startswith("/"):
        return told
    method = line(mapping(loose.get("request")).get("method"), 10)
    return f"{method} {told}" if method else told


def _user(loose: Mapping[str, Any]) -> str:
    for name in ("id", "username", "email", "ip_address"):
        told = line(loose.get(name), NAME)
        if told:
            return told
    return ""


def _sdk(loose: Mapping[str, Any]) -> str:
    return f"{line(loose.get('name'), 60)} {line(loose.get('version'), 40)}".strip()


def _texts(loose: object, longest: int, most: int = MOST_ENTRIES) -> dict[str, str]:
    found = list(mapping(loose).items())[:most]
    return {line(key, NAME): text(value, longest) for key, value in found}


def _contexts(loose: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the contexts; `extra` and `modules` are two more of them."""
    more = {name: loose[name] for name in ("extra", "modules") if loose.get(name)}
    found = list({**mapping(loose.get("contexts")), **more}.items())[:MOST_CONTEXTS]
    return {line(key, NAME): _texts(value, VALUE) for key, value in found if mapping(value)}


def _crumbs(
    loose: Mapping[str, Any], received_at: Micros, skipped: Counter[str]
) -> tuple[Crumb, ...]:
    told = values(loose.get("breadcrumbs") or [])
    if len(told) > MOST_CRUMBS:
        skipped["breadcrumb beyond the last 100 of an event"] += len(told) - MOST_CRUMBS
    return tuple(
        Crumb(
            at=moment(one.get("timestamp")) or received_at,
            category=line(one.get("category") or one.get("type"), NAME),
            level=line(one.get("level"), 20),
            message=text(one.get("message"), VALUE),
            details=_texts(one.get("data"), VALUE, 20),
        )
        for one in told[-MOST_CRUMBS:]
    )


def _asked(loose: object) -> Asked | None:
    if not isinstance(loose, dict):
        return None
    query = loose.get("query_string")
    if isinstance(query, dict | list):
        query = "&".join(f"{key}={text(value, VALUE)}" for key, value in mapping(query).items())
    return Asked(
        method=line(loose.get("method"), 20),
        url=line(loose.get("url"), 2_000),
        query=line(query, 2_000),
        headers=_texts(loose.get("headers"), VALUE),
        body=text(loose.get("data"), MESSAGE),
    )


def _fingerprint(loose: object) -> tuple[str, ...]:
    if not isinstance(loose, list):
        return ()
    return tuple(line(one, NAME) for one in loose[:20])
