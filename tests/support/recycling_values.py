"""Builders of what is told of the safety net."""

from typing import Any

from tests.support.clock import START

from bugsly.protocol.safety_net import RecyclerReport, RecyclerState
from bugsly_server.clock import HOUR
from bugsly_server.model.max_requests import MaxRequestsProposal, SettingVerdict
from bugsly_server.model.recycling import RecyclingSummary

MB = 1_000_000


def recycled(**changes: Any) -> RecyclingSummary:
    fields: dict[str, Any] = {
        "at": START,
        "times": 14,
        "full_at": START - HOUR,
        "what": "shop.views.request_log",
    }
    return RecyclingSummary(**(fields | changes))


def safety_net(**changes: Any) -> RecyclerReport:
    fields: dict[str, Any] = {"at": 400 * MB, "state": RecyclerState.WATCHING}
    return RecyclerReport(**(fields | changes))


def max_requests_values(**changes: Any) -> MaxRequestsProposal:
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
        "present": SettingVerdict.UNSET,
        "set_restarts": 0.0,
    }
    return MaxRequestsProposal(**(fields | changes))
