"""The agent as each integration sees it: what that integration needs, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from weakref import WeakSet

    from _typeshed.wsgi import WSGIApplication

    from bugsly.guard import Guard, Guards
    from bugsly.probes.connection_pool import PoolProbe
    from bugsly.probes.errors import ErrorReporter
    from bugsly.probes.surviving_requests import SurvivingRequests
    from bugsly.probes.traffic import TrafficProbe
    from bugsly.protocol.memory import Exit, ExitReason
    from bugsly.recycle.worker_controller import WorkerController
    from bugsly.worker_identity import WorkerIdentity


class ReportingAgent(Protocol):
    """The agent of a hook that catches errors."""

    error_reporter: ErrorReporter
    """Of this process: read it at every error, for a fork replaces it."""


class GuardedReportingAgent(ReportingAgent, Protocol):
    """The agent of a hook that catches errors, and does more than report them."""

    guards: Guards


class ServedApplication(Protocol):
    """A layer around an application that this process serves."""

    application: WSGIApplication


class WsgiAgent(ReportingAgent, Protocol):
    """The agent of the WSGI middleware. A fork replaces its probes: read them at every request."""

    running: bool
    recycle_reason: str
    """Why this worker is being recycled; empty while it is not."""
    request_guard: Guard
    traffic: TrafficProbe
    survivors: SurvivingRequests
    wsgi_apps: WeakSet[ServedApplication]
    """Every middleware of this process, so that probes find the applications."""

    def start(self) -> None:
        """Start to sample and to send, once per process."""


class FlaskAgent(WsgiAgent, Protocol):
    """The agent that Flask applications are wrapped for."""

    guards: Guards
    reports_errors: bool


class GunicornAgent(WsgiAgent, Protocol):
    """The agent that Gunicorn's hooks start and stop."""

    guards: Guards
    identity: WorkerIdentity
    worker_controller: WorkerController
    recycles_workers: bool

    def disable_in_master(self) -> None:
        """Report nothing from this process; its forks may start."""

    def put_facts(self, facts: Mapping[str, int]) -> None:
        """Report *facts* of this process with the next samples."""

    def report_exit(self, worker_exit: Exit) -> None:
        """Report the end of a sibling that could not report it."""

    def stop(self, reason: ExitReason, code: int = 0) -> None:
        """Report that this worker ends, and why."""


class SqlalchemyAgent(Protocol):
    """The agent of the listener to connection pools."""

    running: bool
    guards: Guards
    pool: PoolProbe
    """Of this process: read it at every event, for a fork replaces it."""
