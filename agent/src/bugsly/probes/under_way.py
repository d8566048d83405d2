"""Which requests are being answered now, and since when: what a worker did that is killed."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol
from weakref import ref

from bugsly.protocol.memory import UnderWay

if TYPE_CHECKING:
    from weakref import ReferenceType

MOST = 10
"""Endpoints that are told, those first that took longest."""
LONGEST_LABEL = 200


class Request(Protocol):
    """One request in progress."""

    begun: int
    """By `perf_counter_ns`."""

    @property
    def endpoint(self) -> str:
        """Return method and rule."""


class RequestsUnderWay:
    """The requests that have begun and not ended.

    They are held weakly: one that its server drops in the middle is forgotten. There is no lock,
    for a signal handler asks too, and each step is one of the interpreter's own.
    """

    __slots__ = ("_kept", "_requests")

    def __init__(self) -> None:
        self._requests: dict[int, ReferenceType[Request]] = {}
        self._kept: tuple[UnderWay, ...] = ()

    def began(self, request: Request) -> None:
        """Note that *request* came in."""
        self._requests[id(request)] = ref(request)

    def ended(self, request: Request) -> None:
        """Note that it was answered."""
        self._requests.pop(id(request), None)

    def keep(self) -> None:
        """Go on telling what is under way now, for it is about to be broken off."""
        self._kept = self.told()

    def told(self) -> tuple[UnderWay, ...]:
        """Return the endpoints that are being answered, with the age of the oldest request."""
        if self._kept:
            return self._kept
        at, found = perf_counter_ns(), dict[str, list[int]]()
        for key, reference in list(self._requests.items()):
            request = reference()
            if request is None:
                self._requests.pop(key, None)
            else:
                found.setdefault(request.endpoint, []).append(at - request.begun)
        longest = sorted(found.items(), key=lambda one: max(one[1]), reverse=True)
        return tuple(
            UnderWay(
                endpoint=endpoint[:LONGEST_LABEL],
                requests=len(ages),
                micros=max(0, *ages) // 1000,
            )
            for endpoint, ages in longest[:MOST]
        )
