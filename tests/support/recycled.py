"""Builders of what is told of the safety net."""

from typing import Any

from tests.support.clock import START

from bugsly.protocol.net import Net, NetState
from bugsly_server.clock import HOUR
from bugsly_server.model.max_requests import MaxRequests, Present
from bugsly_server.model.recycled import Recycled

MB = 1_000_000


def recycled(**changes: Any) -> Recycled:
    fields: dict[str, Any] = {
        "at": START,
        "times": 14,
        "full_at": START - HOUR,
        "what": "shop.views.request_log",
    }
    return Recycled(**(fields | changes))


def net(**changes: Any) -> Net:
    fields: dict[str, Any] = {"at": 400 * MB, "state": NetState.WATCHING}
    return Net(**(fields | changes))


def limits(**changes: Any) -> MaxRequests:
    fields: dict[str, Any] = {
        "workers": 4,
        "limit": 4_000 * MB,
        "room": 875 * MB,
        "start": 100 * MB,
        "most": 77_400,
        "requests": 64_000,
        "jitter": 12_000,
        "restarts": 25.0,
        "set_to": 0,
        "present": Present.UNSET,
        "set_restarts": 0.0,
    }
    return MaxRequests(**(fields | changes))
