"""What was not kept, counted by project, day and reason."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import DAY, Micros
from bugsly_server.store.meta.tables import counter


def add(connection: Connection, amounts: Mapping[tuple[int, str], int], now: Micros) -> None:
    """Add *amounts*, by project and reason, to today's."""
    for (project_id, name), amount in amounts.items():
        values = {"project_id": project_id, "day": now // DAY, "name": name, "amount": amount}
        added = upsert(counter).values(values)
        connection.execute(
            added.on_conflict_do_update(
                index_elements=["project_id", "day", "name"],
                set_={"amount": counter.c.amount + amount},
            )
        )


def totals_since(connection: Connection, project_id: int, moment: Micros) -> dict[str, int]:
    """Return what was counted for a project since the day of *moment*, most frequent first."""
    total = func.sum(counter.c.amount)
    query = (
        select(counter.c.name, total.label("total"))
        .where(counter.c.project_id == project_id, counter.c.day >= moment // DAY)
        .group_by(counter.c.name)
        .order_by(total.desc())
    )
    return {row.name: int(row.total) for row in connection.execute(query)}


def delete_before(connection: Connection, before: Micros) -> None:
    """Delete the days before *before*."""
    connection.execute(delete(counter).where(counter.c.day < before // DAY))
