"""A server's database with a project in it, whose alerts wait to be carried out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.clock import START
from tests.support.issues import change
from tests.support.resolver import guard

from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.clock import Clock
from bugsly_server.courier import Courier
from bugsly_server.model.issue import Change, Issue
from bugsly_server.pipeline import record_change
from bugsly_server.store.meta import channels, projects
from bugsly_server.store.meta.channels import Delivery
from bugsly_server.store.meta.database import Database

PUBLIC = "https://bugs.example.com"


class Alerts:
    """One project, *shop*, and what is to be sent for it."""

    def __init__(self, folder: Path, kind: Callable[[Path], Database] = Database) -> None:
        self.database = kind(folder / "meta.db")
        self.database.migrate()
        with self.database.writing() as connection:
            self.project_id = projects.ensure(connection, "shop", START).id

    def channel(self, url: str, kind: str = "webhook") -> int:
        with self.database.writing() as connection:
            return channels.add(connection, self.project_id, kind, "on call", url, START)

    def record(self, step: Change | None = None, known: Issue | None = None) -> Issue:
        with self.database.writing() as connection:
            return record_change(connection, self.project_id, known, step or change())

    def deliveries(self, change_id: int = 1) -> list[Delivery]:
        with self.database.reading() as connection:
            return channels.of_change(connection, change_id)

    def delivery(self, change_id: int = 1) -> Delivery:
        [only] = self.deliveries(change_id)
        return only

    def courier(self, clock: Clock, jitter: float = 0.0, **changes: Any) -> Courier:
        fields: dict[str, Any] = {
            "database": self.database,
            "guard": _here(),
            "address": lambda: PUBLIC,
            "clock": clock,
            "jitter": lambda: jitter,
        }
        return Courier(**(fields | changes))


def _here() -> AddressGuard:
    return guard("127.0.0.0/8")


def exhaust(courier: Courier) -> None:
    """Let *courier* do all that is due."""
    while courier.step() == 0.0:
        pass
