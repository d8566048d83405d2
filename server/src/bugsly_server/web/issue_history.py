"""Loads what the history of any issue shows: its changes, and who was alerted of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bugsly_server.store.meta import channels, leak_issues
from bugsly_server.store.meta.channels import Delivery
from bugsly_server.store.meta.leak_issues import RecordedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueHistory:
    """What happened to an issue."""

    changes: Sequence[RecordedChange]
    """Newest first."""
    deliveries: Mapping[int, Sequence[Delivery]]
    """Of the alerts, by id of the change."""
    channel_names: Mapping[int, str]
    """By id, of all channels of the project."""

    @property
    def context(self) -> dict[str, object]:
        """Return what `issue_history.html` needs."""
        return {
            "history": self.changes,
            "deliveries": self.deliveries,
            "channel_names": self.channel_names,
        }


def load_history(connection: Connection, project_id: int, issue_id: int) -> IssueHistory:
    """Return the history of an issue."""
    changes = leak_issues.history(connection, issue_id)
    return IssueHistory(
        changes=changes,
        deliveries={one.id: channels.of_change(connection, one.id) for one in changes},
        channel_names={one.id: one.name for one in channels.list_all(connection, project_id)},
    )
