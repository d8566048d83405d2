"""Delivers alerts to their channels, until each is sent or given up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from sqlalchemy.exc import OperationalError

from bugsly_server.alert import channels as channel_kinds
from bugsly_server.alert.error_message import compose_alert
from bugsly_server.clock import HOUR, MINUTE, SECOND, Clock, Micros
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError
from bugsly_server.explanation_service import explain_issue
from bugsly_server.store.meta import channels, issue_changes, projects
from bugsly_server.store.meta.channels import Delivery, DeliveryState
from bugsly_server.store.meta.database import Database

RETRY_PAUSES: tuple[Micros, ...] = (30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR)
"""Between one attempt and the next; when the last fails too, the alert is given up."""
RETRY_JITTER = 0.2
"""Share of a pause that is added at random, so that failed alerts are not retried together."""
MAX_CONCURRENT_DELIVERIES = 8
POLL_SECONDS = 1.0
"""Until a new delivery is noticed."""
DISK_PAUSE_SECONDS = 5.0
MAX_PROBLEM_LENGTH = 500


class AlertSender:
    """A `BackgroundTask` that sends due alerts, to several channels at once, one to each.

    A round takes as long as the slowest channel, 20 s at most. Each change is sent once to each
    channel; only a crash between sending an alert and storing that makes it go out again after the
    restart, since an alert has to arrive at least once. *server_url* returns where people reach
    this server, *jitter* a number from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        guard: AddressGuard,
        server_url: Callable[[], str],
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._guard = guard
        self._server_url = server_url
        self._clock = clock
        self._jitter = jitter
        self._unstored_attempts: list[Delivery] = []

    def run_once(self) -> float:
        """Send what is due and store the outcomes; return the pause until more may be due."""
        self._store_attempts()
        now = self._clock()
        with self._database.reading() as connection:
            due = channels.list_due(connection, now, MAX_CONCURRENT_DELIVERIES)
            next_due = channels.next_due_at(connection)
        if due:
            self._send_concurrently(due)
            return 0.0
        return POLL_SECONDS if next_due is None else min(POLL_SECONDS, (next_due - now) / SECOND)

    def recover(self, error: Exception) -> float:
        """Wait; the outcome of each attempt is stored, or will be before the next is sent."""
        return DISK_PAUSE_SECONDS if isinstance(error, OperationalError) else POLL_SECONDS

    def _send_concurrently(self, due: Sequence[Delivery]) -> None:
        with ThreadPoolExecutor(len(due), "alert delivery") as pool:
            futures = {pool.submit(self._attempt, one): one for one in due}
            for future in as_completed(futures):
                if future.exception() is not None:
                    bug = ChannelError("bugsly: it could not send this → see the server's log")
                    self._unstored_attempts.append(self._retried_or_given_up(futures[future], bug))
                self._store_attempts()
        for future in futures:
            future.result()

    def _attempt(self, delivery: Delivery) -> None:
        """Make one attempt, and note its outcome."""
        try:
            self._send(delivery)
        except ChannelError as error:
            self._unstored_attempts.append(self._retried_or_given_up(delivery, error))
        else:
            self._unstored_attempts.append(self._sent(delivery))

    def _send(self, delivery: Delivery) -> None:
        """Make one attempt; raise `ChannelError` where it fails."""
        with self._database.reading() as connection:
            channel = channels.get(connection, delivery.channel_id)
            issue, change = issue_changes.get_with_issue(connection, delivery.change_id)
            project = projects.get(connection, issue.project_id)
            explanation = explain_issue(connection, issue)
        if channel is None:
            raise ChannelError("channel: it was removed", permanent=True)
        page = f"{self._server_url()}/p/{project.slug}/issues/{issue.id}"
        alert = compose_alert(project.name, issue, change, page, explanation)
        channel_kinds.channel_kind(channel.kind).send(channel.url, alert, self._guard)

    def _sent(self, delivery: Delivery) -> Delivery:
        return replace(
            delivery,
            state=DeliveryState.SENT,
            attempts=delivery.attempts + 1,
            problem="",
            sent_at=self._clock(),
        )

    def _retried_or_given_up(self, delivery: Delivery, error: ChannelError) -> Delivery:
        """Return *delivery* with the time of its next attempt, or as given up."""
        failures = delivery.attempts + 1
        problem = str(error)[:MAX_PROBLEM_LENGTH]
        if error.permanent or failures > len(RETRY_PAUSES):
            state = DeliveryState.FAILED
            return replace(delivery, state=state, attempts=failures, problem=problem)
        pause = RETRY_PAUSES[failures - 1] * (1 + RETRY_JITTER * self._jitter())
        due_at = self._clock() + round(pause)
        return replace(delivery, attempts=failures, problem=problem, due_at=due_at)

    def _store_attempts(self) -> None:
        """Store the outcomes of attempts; nothing else is sent until they are stored."""
        attempts = tuple(self._unstored_attempts)
        if attempts:
            with self._database.writing() as connection:
                for delivery in attempts:
                    channels.save_attempt(connection, delivery)
            del self._unstored_attempts[: len(attempts)]
