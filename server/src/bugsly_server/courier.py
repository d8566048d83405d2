"""Carries alerts to their channels, until each has arrived or is given up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from sqlalchemy.exc import OperationalError

from bugsly_server.alert import channels as kinds
from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.alert.error import tell
from bugsly_server.clock import HOUR, MINUTE, SECOND, Clock, Micros
from bugsly_server.errors import ChannelError
from bugsly_server.explained import explanation_of
from bugsly_server.store.meta import changes, channels, projects
from bugsly_server.store.meta.channels import Delivery, DeliveryState
from bugsly_server.store.meta.database import Database

PAUSES: tuple[Micros, ...] = (30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR)
"""Between one attempt and the next; the alert is given up when the last has failed too."""
JITTER = 0.2
"""Share of a pause that is added at random, so that what failed together does not come together."""
ABREAST = 8
NOTICE = 1.0
"""Seconds within which a new delivery is seen."""
DISK_PAUSE = 5.0
LONGEST = 500


class Courier:
    """A `background.Step` that sends what is due, to several channels at once, one alert to each.

    A step takes as long as the slowest of them, 20 s at most. Each change goes to each channel
    once. Only a crash between sending an alert and storing that it was sent lets it be sent again
    after the restart: at least once is what an alert needs. *address* tells where people reach
    this server, *jitter* returns a number from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        guard: AddressGuard,
        address: Callable[[], str],
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._guard = guard
        self._address = address
        self._clock = clock
        self._jitter = jitter
        self._unstored: list[Delivery] = []

    def step(self) -> float:
        """Send what is due and store how it went; return the pause until something may be due."""
        self._store()
        now = self._clock()
        with self._database.reading() as connection:
            due = channels.due(connection, now, ABREAST)
            next_due = channels.next_due(connection)
        if due:
            self._send_abreast(due)
            return 0.0
        return NOTICE if next_due is None else min(NOTICE, (next_due - now) / SECOND)

    def failed(self, error: Exception) -> float:
        """Wait; how each alert fared is stored already, or will be before the next is sent."""
        return DISK_PAUSE if isinstance(error, OperationalError) else NOTICE

    def _send_abreast(self, due: Sequence[Delivery]) -> None:
        with ThreadPoolExecutor(len(due), "courier") as pool:
            sending = {pool.submit(self._carry, one): one for one in due}
            for carried in as_completed(sending):
                if carried.exception() is not None:
                    bug = ChannelError("bugsly: it could not send this → see the server's log")
                    self._unstored.append(self._postponed(sending[carried], bug))
                self._store()
        for carried in sending:
            carried.result()

    def _carry(self, delivery: Delivery) -> None:
        """Make one attempt, and note how it went."""
        try:
            self._send(delivery)
        except ChannelError as error:
            self._unstored.append(self._postponed(delivery, error))
        else:
            self._unstored.append(self._sent(delivery))

    def _send(self, delivery: Delivery) -> None:
        """Make one attempt; raise `ChannelError` where it does not succeed."""
        with self._database.reading() as connection:
            channel = channels.get(connection, delivery.channel_id)
            issue, change = changes.of(connection, delivery.change_id)
            project = projects.get(connection, issue.project_id)
            why = explanation_of(connection, issue)
        if channel is None:
            raise ChannelError("channel: it was removed", permanent=True)
        page = f"{self._address()}/p/{project.slug}/issues/{issue.id}"
        alert = tell(project.name, issue, change, page, why)
        kinds.kind(channel.kind).send(channel.url, alert, self._guard)

    def _sent(self, delivery: Delivery) -> Delivery:
        return replace(
            delivery,
            state=DeliveryState.SENT,
            attempts=delivery.attempts + 1,
            problem="",
            sent_at=self._clock(),
        )

    def _postponed(self, delivery: Delivery, error: ChannelError) -> Delivery:
        """Return *delivery* with its next attempt, or given up where there is to be none."""
        failures = delivery.attempts + 1
        problem = str(error)[:LONGEST]
        if error.permanent or failures > len(PAUSES):
            state = DeliveryState.FAILED
            return replace(delivery, state=state, attempts=failures, problem=problem)
        pause = PAUSES[failures - 1] * (1 + JITTER * self._jitter())
        due_at = self._clock() + round(pause)
        return replace(delivery, attempts=failures, problem=problem, due_at=due_at)

    def _store(self) -> None:
        """Store how attempts went; what cannot be is kept, and holds up all that is to be sent."""
        settled = tuple(self._unstored)
        if settled:
            with self._database.writing() as connection:
                for one in settled:
                    channels.settle(connection, one)
            del self._unstored[: len(settled)]
