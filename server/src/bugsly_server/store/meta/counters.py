"""What was kept and what was not, counted by project and day."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import DAY, Micros
from bugsly_server.store.meta.tables import counter, intake


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


def add_bytes(connection: Connection, amounts: Mapping[int, int], now: Micros) -> None:
    """Add *amounts* of bytes that were kept, by project, to today's."""
    for project_id, amount in amounts.items():
        added = upsert(intake).values(project_id=project_id, day=now // DAY, bytes=amount)
        connection.execute(
            added.on_conflict_do_update(
                index_elements=["project_id", "day"], set_={"bytes": intake.c.bytes + amount}
            )
        )


def bytes_since(connection: Connection, project_id: int, moment: Micros) -> int:
    """Return the bytes that were kept of a project since the day of *moment*."""
    total = func.coalesce(func.sum(intake.c.bytes), 0)
    query = select(total).where(intake.c.project_id == project_id, intake.c.day >= moment // DAY)
    return int(connection.execute(query).scalar_one())


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
    for table in (counter, intake):
        connection.execute(delete(table).where(table.c.day < before // DAY))
