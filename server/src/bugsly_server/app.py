"""Puts the server together: the only place that constructs its parts."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
)
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from bugsly_server import pipeline
from bugsly_server.alert_delivery import AlertSender
from bugsly_server.background_thread import BackgroundThread
from bugsly_server.digester import Digester
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.erasure import Eraser
from bugsly_server.errors import Misconfigured, Unavailable, UnreadableRecord
from bugsly_server.health import MEGABYTE, DiskRoom, Health
from bugsly_server.ingest.envelope_endpoint import EnvelopeEndpoint, IngestPolicy
from bugsly_server.ingest.project_keys import ProjectKeys
from bugsly_server.ingest.project_secret_names import ProjectSecretNames
from bugsly_server.ingest.quota import Quota, QuotaLimits
from bugsly_server.key_use_recorder import KeyUseRecorder
from bugsly_server.llm_client import LlmEndpoint
from bugsly_server.llm_jobs import LlmJobs
from bugsly_server.outage_monitor import BackupCheck, OutageMonitor
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.pipeline import Announce, Pipeline
from bugsly_server.store.damaged_files import is_damage
from bugsly_server.store.meta import counters, error_issues, project_keys, projects
from bugsly_server.store.meta.database import Database
from bugsly_server.store.private_files import FOLDER_MODE, make_private, private_opener
from bugsly_server.store.spool import SqliteSpool
from bugsly_server.store.telemetry import SqliteEventStore, SqliteTelemetry
from bugsly_server.web.known_hosts import HostCheck, known_names
from bugsly_server.web.live_updates import LiveUpdates
from bugsly_server.web.login import LoginGuard
from bugsly_server.web.page_context import ServerContext
from bugsly_server.web.routes import (
    client_gone,
    not_found,
    routes,
    server_error,
    store_failed,
    unreadable_record,
)
from bugsly_server.web.security import SecurityMiddleware, hsts_header
from bugsly_server.web.sessions import Sessions
from bugsly_server.web.template_filters import template_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bugsly_server.clock import Clock
    from bugsly_server.settings import ServerSettings

T = TypeVar("T")
CLOSE_SECONDS = 25.0
"""Longer than a delivery takes: an alert that is stored as sent is not sent again."""


class DataFolder:
    """The files in the data folder, open and migrated."""

    def __init__(self, settings: ServerSettings) -> None:
        folder = settings.data_dir
        with _writable(folder):
            make_private(folder)
            self.database = Database(folder / "meta.db")
            self.database.migrate()
        self.telemetry = SqliteTelemetry(folder / "telemetry", settings.keep_days)
        self.events = SqliteEventStore(folder / "telemetry", settings.keep_days)

    def close(self) -> None:
        """Close the files."""
        self.telemetry.close()
        self.events.close()
        self.database.close()


class Server:
    """All parts of a server, from its files to its threads."""

    def __init__(self, settings: ServerSettings, clock: Clock, announce: Announce) -> None:
        self.settings = settings
        self.url = settings.public_url
        """Where people reach it; known at the latest once it listens."""
        with ExitStack() as opened, _writable(settings.data_dir):
            opened.enter_context(locked(settings))
            self.store = opened.enter_context(closing(DataFolder(settings)))
            self.spool = opened.enter_context(closing(SqliteSpool(settings.data_dir / "spool.db")))
            self._opened = opened.pop_all()
        self.live_updates = LiveUpdates()
        self._room = DiskRoom(settings.data_dir, settings.keep_free_mb * MEGABYTE, clock)
        pending_requests = PendingProbeRequests()
        self.quota = self._make_quota()
        keys = ProjectKeys(lambda: self._read_or_unavailable(project_keys.by_public), clock)
        self.envelopes = EnvelopeEndpoint(
            self._ingest_policy(keys), self.spool, pending_requests, clock
        )
        self.pipeline = Pipeline(self._pipeline_stores(), pending_requests, clock, announce)
        digester = Digester(
            self.spool,
            self.pipeline,
            (self.envelopes.skipped, self.envelopes.kept_bytes),
            self.live_updates.publish,
            clock,
            settings.keep_days,
        )
        self.eraser = Eraser(self.store.database, self.store.events, self.spool, digester.turns)
        guard = AddressGuard(settings.allow_networks)
        alert_sender = AlertSender(self.store.database, guard, lambda: self.url, clock)
        self._threads = (
            BackgroundThread("digester", digester),
            BackgroundThread("alert delivery", alert_sender),
            BackgroundThread("outages", self._outage_monitor(clock, announce)),
            BackgroundThread("key use", KeyUseRecorder(self.store.database, keys.used_at)),
        )
        self.health = Health(self.store.database, self.spool, self._room, self._threads, clock)
        self.llm_jobs = self._make_llm_jobs(clock)
        self.asgi = SecurityMiddleware(
            HostCheck(self._starlette(clock), known_names(settings)), hsts_header(settings)
        )

    def close(self) -> None:
        """Stop the threads, the digester once its batch is done, and close the files."""
        for thread in self._threads:
            thread.close(CLOSE_SECONDS)
        self.envelopes.close()
        self._opened.close()

    def _starlette(self, clock: Clock) -> Starlette:
        app = Starlette(
            routes=[
                Route("/api/{project_id}/envelope/", self.envelopes),
                Route("/api/{project_id}/store/", self.envelopes),
                *routes(),
            ],
            exception_handlers={
                404: not_found,
                ClientDisconnect: client_gone,
                UnreadableRecord: unreadable_record,
                **dict.fromkeys((DBAPIError, sqlite3.Error, Unavailable), store_failed),
                500: server_error,
            },
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False  # it would redirect to what the Host header says
        app.state.server_context = ServerContext(
            settings=self.settings,
            database=self.store.database,
            telemetry=self.store.telemetry,
            events=self.store.events,
            clock=clock,
            live_updates=self.live_updates,
            templates=template_environment(),
            health=self.health,
            sessions=Sessions(self.store.database),
            llm_jobs=self.llm_jobs,
            eraser=self.eraser,
            quota=self.quota,
        )
        app.state.login_guard = LoginGuard()
        return app

    def _lifespan(self, _app: Starlette) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            self.live_updates.bind_loop()
            for thread in self._threads:
                thread.start()
            yield
            self.close()

        return lifespan()

    def _outage_monitor(self, clock: Clock, announce: Announce) -> OutageMonitor:
        path, hours = self.settings.backup_file, self.settings.backup_hours
        backup = None if path is None else BackupCheck(path=path, hours=hours)
        return OutageMonitor(self.store.database, self.spool, backup, clock, announce)

    def _make_llm_jobs(self, clock: Clock) -> LlmJobs | None:
        settings = self.settings
        if not (settings.model_url and settings.model_name):
            return None
        endpoint = LlmEndpoint(settings.model_url, settings.model_name, settings.model_key)
        return LlmJobs(endpoint, settings.allow_networks, self.store.database, clock)

    def _ingest_policy(self, keys: ProjectKeys) -> IngestPolicy:
        return IngestPolicy(
            keys=keys,
            quota=self.quota,
            secret_names=ProjectSecretNames(
                lambda: self._read_or_unavailable(projects.secret_names_by_project)
            ),
            is_disk_short=self._room.is_short,
        )

    def _make_quota(self) -> Quota:
        settings = self.settings
        limits = QuotaLimits(
            settings.events_per_minute,
            settings.events_per_day,
            settings.bytes_per_day,
            settings.reports_per_minute,
        )
        return Quota(
            limits,
            lambda *arguments: self._read_or_unavailable(
                lambda connection: error_issues.events_since(connection, *arguments)
            ),
            lambda *arguments: self._read_or_unavailable(
                lambda connection: counters.bytes_since(connection, *arguments)
            ),
        )

    def _pipeline_stores(self) -> pipeline.PipelineStores:
        return pipeline.PipelineStores(
            database=self.store.database,
            telemetry=self.store.telemetry,
            events=self.store.events,
            limits=self.settings.project_limits,
            keep_bytes=self.settings.keep_bytes,
        )

    def _read_or_unavailable(self, read: Callable[[Connection], T]) -> T:
        """Return what *read* reads for ingest; raise `Unavailable` where the database fails."""
        try:
            with self.store.database.reading() as connection:
                return read(connection)
        except DBAPIError as error:
            raise Unavailable(
                f"server: its database cannot be read ({error.orig}) → send it again later"
            ) from None


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make *folder* for the block; raise `Misconfigured` where it cannot be written to."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        reason = error.strerror if isinstance(error, OSError) else getattr(error, "orig", error)
        if isinstance(reason, Exception) and is_damage(reason):
            raise Misconfigured(
                f"BUGSLY_DATA_DIR: {folder / 'meta.db'} is damaged ({reason})"
                " → restore it from a backup, or choose another folder with --data-dir;"
                " see docs/storage.md"
            ) from None
        raise Misconfigured(
            f"BUGSLY_DATA_DIR: {folder} cannot be written to ({reason})"
            " → make room, or choose another with --data-dir"
        ) from None


@contextmanager
def locked(
    settings: ServerSettings, otherwise: str = "choose another with --data-dir"
) -> Iterator[None]:
    """Hold the lock on the data folder for the block; only one process may hold it.

    *otherwise* is what a person can do but stop the server that holds it.
    """
    with open(settings.data_dir / "server.lock", "a+", opener=private_opener) as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.seek(0)
            pid = lock_file.read().strip() or "unknown"
            raise Misconfigured(
                f"BUGSLY_DATA_DIR: a server with pid {pid} uses {settings.data_dir} already"
                f" → stop it, or {otherwise}"
            ) from None
        lock_file.truncate(0)
        lock_file.write(f"{os.getpid()}\n")
        lock_file.flush()
        yield
