"""How sessions of an application ended: the figures of a release's health."""

from __future__ import annotations

from typing import NamedTuple


class SessionCounts(NamedTuple):
    """Sessions, and how many of them met an error or crashed."""

    sessions: int
    errored: int
    crashed: int
