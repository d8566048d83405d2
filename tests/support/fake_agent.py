"""An agent that only counts: no thread, no socket, nothing at exit."""

from typing import TYPE_CHECKING
from weakref import WeakSet

from tests.support.captured_errors import ErrorCapture

from bugsly.probes.connection_pool import PoolProbe
from bugsly.probes.surviving_requests import SurvivingRequests
from bugsly.probes.traffic import TrafficProbe
from bugsly.recycle.worker_controller import UnsupportedController

if TYPE_CHECKING:
    from bugsly.integrations.ports import ServedApplication
    from bugsly.recycle.worker_controller import WorkerController


class FakeAgent:
    def __init__(self, *, running: bool = True) -> None:
        self.running = running
        self.recycle_reason = ""
        self.worker_controller: WorkerController = UnsupportedController()
        self.error_capture = ErrorCapture()
        self.error_reporter = self.error_capture.errors
        self.guards = self.error_capture.guards
        self.reports_errors = True
        self.recycles_workers = False
        self.request_guard = self.guards("request")
        self.traffic = TrafficProbe()
        self.survivors = SurvivingRequests()
        self.pool = PoolProbe()
        self.wsgi_apps: WeakSet[ServedApplication] = WeakSet()
        self.starts = 0

    def start(self) -> None:
        self.running = True
        self.starts += 1
