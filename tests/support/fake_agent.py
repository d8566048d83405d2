"""An agent that only counts: no thread, no socket, nothing at exit."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

from tests.support.caught import Catching

from bugsly.probes.pool import PoolProbe
from bugsly.probes.survivors import Survivors
from bugsly.probes.traffic import TrafficProbe
from bugsly.recycle.way import NoWay

if TYPE_CHECKING:
    from bugsly.agent import Agent
    from bugsly.integrations.wsgi import Wsgi
    from bugsly.recycle.way import Way


class FakeAgent:
    def __init__(self, *, running: bool = True) -> None:
        self.running = running
        self.leaving = ""
        self.way: Way = NoWay()
        self.catching = Catching()
        self.errors = self.catching.errors
        self.guards = self.catching.guards
        self.options = SimpleNamespace(errors=True, recycle_at=None)
        self.request_guard = self.guards("request")
        self.traffic = TrafficProbe()
        self.survivors = Survivors()
        self.pool = PoolProbe()
        self.served: WeakSet[Wsgi] = WeakSet()
        self.starts = 0

    def start(self) -> None:
        self.running = True
        self.starts += 1

    @property
    def agent(self) -> "Agent":
        """Return itself, under the name of what it stands in for."""
        return cast("Agent", self)
