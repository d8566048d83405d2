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
from starlette.routing import Route

from bugsly_server import pipeline
from bugsly_server.adviser import Endpoint
from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.background import Background
from bugsly_server.counsel import Counsel
from bugsly_server.courier import Courier
from bugsly_server.digester import Digester
from bugsly_server.errors import Misconfigured, Unavailable
from bugsly_server.ingest.auth import Keys
from bugsly_server.ingest.endpoint import EnvelopeEndpoint, Gate
from bugsly_server.ingest.quota import Quota
from bugsly_server.ingest.scrubbers import Scrubbers
from bugsly_server.mailbox import Mailbox
from bugsly_server.pipeline import Announce, Pipeline
from bugsly_server.store.meta import errors, projects
from bugsly_server.store.meta.database import Database
from bugsly_server.store.spool import SqliteSpool
from bugsly_server.store.telemetry import SqliteEvents, SqliteTelemetry
from bugsly_server.web.login import Tries
from bugsly_server.web.pulse import Pulse
from bugsly_server.web.routes import failed, missing, routes
from bugsly_server.web.security import Shield
from bugsly_server.web.site import Site
from bugsly_server.web.words import environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bugsly_server.clock import Clock
    from bugsly_server.settings import Settings

T = TypeVar("T")
CLOSE_SECONDS = 25.0
"""Longer than an alert on its way takes: stored as sent, it is not sent again after a restart."""


class Store:
    """The files in the data folder, open and migrated."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.data_dir
        with _writable(folder):
            self.database = Database(folder / "meta.db")
            self.database.migrate()
        self.telemetry = SqliteTelemetry(folder / "telemetry", settings.keep_days)
        self.events = SqliteEvents(folder / "telemetry", settings.keep_days)

    def close(self) -> None:
        """Let go of the files."""
        self.telemetry.close()
        self.events.close()
        self.database.close()


class Server:
    """Everything that runs while the server does."""

    def __init__(self, settings: Settings, clock: Clock, announce: Announce) -> None:
        self.settings = settings
        self.address = settings.public_url
        """Where people reach it; known at the latest when it listens."""
        with ExitStack() as opened, _writable(settings.data_dir):
            opened.enter_context(_lock(settings))
            self.store = opened.enter_context(closing(Store(settings)))
            self.spool = opened.enter_context(closing(SqliteSpool(settings.data_dir / "spool.db")))
            self._opened = opened.pop_all()
        self.pulse = Pulse()
        mailbox = Mailbox()
        self.envelopes = EnvelopeEndpoint(self._gate(), self.spool, mailbox, clock)
        self.pipeline = Pipeline(self._digested(), mailbox, clock, announce)
        digester = Digester(
            self.spool,
            self.pipeline,
            self.envelopes.skipped,
            self.pulse.publish,
            clock,
            settings.keep_days,
        )
        guard = AddressGuard(settings.allow_networks)
        courier = Courier(self.store.database, guard, lambda: self.address, clock)
        self._threads = (Background("digester", digester), Background("courier", courier))
        self.counsel = self._counsel(clock)
        self.asgi = Shield(self._starlette(clock))

    def close(self) -> None:
        """Stop the threads, the digester with its batch done, and let go of the files."""
        for thread in self._threads:
            thread.close(CLOSE_SECONDS)
        self._opened.close()

    def _starlette(self, clock: Clock) -> Starlette:
        app = Starlette(
            routes=[
                Route("/api/{project_id}/envelope/", self.envelopes),
                Route("/api/{project_id}/store/", self.envelopes),
                *routes(),
            ],
            exception_handlers={404: missing, 500: failed},
            lifespan=self._lifespan,
        )
        app.state.site = Site(
            settings=self.settings,
            database=self.store.database,
            telemetry=self.store.telemetry,
            events=self.store.events,
            clock=clock,
            pulse=self.pulse,
            templates=environment(),
            counsel=self.counsel,
        )
        app.state.tries = Tries()
        return app

    def _lifespan(self, _app: Starlette) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            self.pulse.open()
            for thread in self._threads:
                thread.start()
            yield
            self.close()

        return lifespan()

    def _counsel(self, clock: Clock) -> Counsel | None:
        settings = self.settings
        if not (settings.model_url and settings.model_name):
            return None
        endpoint = Endpoint(settings.model_url, settings.model_name, settings.model_key)
        return Counsel(endpoint, settings.allow_networks, self.store.database, clock)

    def _gate(self) -> Gate:
        settings = self.settings
        return Gate(
            keys=Keys(lambda: self._read(projects.keys)),
            quota=Quota(
                settings.events_per_minute,
                settings.events_per_day,
                lambda *asked: self._read(lambda read: errors.sent_since(read, *asked)),
            ),
            scrubbers=Scrubbers(lambda: self._read(projects.secrets)),
        )

    def _digested(self) -> pipeline.Store:
        return pipeline.Store(
            database=self.store.database,
            telemetry=self.store.telemetry,
            events=self.store.events,
            most_errors=self.settings.most_errors,
        )

    def _read(self, read: Callable[[Connection], T]) -> T:
        """Return what ingest wants to know; raise `Unavailable` where it cannot be read."""
        try:
            with self.store.database.reading() as connection:
                return read(connection)
        except DBAPIError as error:
            raise Unavailable(
                f"server: its database cannot be read ({error.orig}) → send it again later"
            ) from None


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make *folder*, and say in one sentence what keeps the block from writing to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        reason = error.strerror if isinstance(error, OSError) else getattr(error, "orig", error)
        raise Misconfigured(
            f"BUGSLY_DATA_DIR: {folder} cannot be written to ({reason})"
            " → make room, or choose another with --data-dir"
        ) from None


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    """Hold the lock on the data folder, which one server at a time may hold."""
    with (settings.data_dir / "server.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise Misconfigured(
                f"BUGSLY_DATA_DIR: a server with pid {pid} uses {settings.data_dir} already"
                " → stop it, or choose another with --data-dir"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
