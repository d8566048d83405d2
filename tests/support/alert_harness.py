"""A server's database with a project in it, whose alerts wait to be carried out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.clock import START
from tests.support.fake_resolver import guard_allowing
from tests.support.issues import change

from bugsly_server.alert_delivery import AlertSender
from bugsly_server.clock import Clock
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import Issue, IssueChange
from bugsly_server.store.meta import channels, projects
from bugsly_server.store.meta.channels import Delivery
from bugsly_server.store.meta.database import Database

PUBLIC_URL = "https://bugs.example.com"


class AlertHarness:
    """One project, *shop*, and what is to be sent for it."""

    def __init__(self, folder: Path, kind: Callable[[Path], Database] = Database) -> None:
        self.database = kind(folder / "meta.db")
        self.database.migrate()
        with self.database.writing() as connection:
            self.project_id = projects.ensure(connection, "shop", START).id

    def channel(self, url: str, kind: str = "webhook") -> int:
        with self.database.writing() as connection:
            return channels.add(connection, self.project_id, kind, "on call", url, START)

    def record(
        self, recorded: IssueChange | None = None, known_issue: Issue | None = None
    ) -> Issue:
        with self.database.writing() as connection:
            return record_leak_change(
                connection, self.project_id, known_issue, recorded or change()
            )

    def deliveries(self, change_id: int = 1) -> list[Delivery]:
        with self.database.reading() as connection:
            return channels.of_change(connection, change_id)

    def delivery(self, change_id: int = 1) -> Delivery:
        [only] = self.deliveries(change_id)
        return only

    def alert_delivery(self, clock: Clock, jitter: float = 0.0, **changes: Any) -> AlertSender:
        fields: dict[str, Any] = {
            "database": self.database,
            "guard": _loopback_guard(),
            "server_url": lambda: PUBLIC_URL,
            "clock": clock,
            "jitter": lambda: jitter,
        }
        return AlertSender(**(fields | changes))


def _loopback_guard() -> AddressGuard:
    return guard_allowing("127.0.0.0/8")


def deliver_all_due(alert_delivery: AlertSender) -> None:
    """Let *alert_delivery* do all that is due."""
    while alert_delivery.run_once() == 0.0:
        pass
