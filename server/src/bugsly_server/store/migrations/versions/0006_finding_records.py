"""Findings are stored as records of version 2, with a diagnosis that is composed of parts.

The code below is frozen: it reads version 1 as servers up to schema 0005 wrote it.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BATCH_SIZE = 200
"""Rows in memory at once; a finding may have a hundred workers and a diff in it."""
FINDING_COLUMNS = {"issue": ("finding", "told"), "change": ("finding",)}
JsonObject = Mapping[str, Any]


def upgrade() -> None:
    """Rewrite the findings of version 1; leave those alone that have a version already."""
    connection = op.get_bind()
    for table_name, columns in FINDING_COLUMNS.items():
        table = sa.table(table_name, sa.column("id"), *map(sa.column, columns))
        last_id = 0
        while rows := _next_batch(connection, table, last_id):
            for row in rows:
                changed = _upgraded_columns(row._mapping, columns)
                if changed:
                    connection.execute(sa.update(table).where(table.c.id == row.id).values(changed))
            last_id = rows[-1].id


def finding_from_version_1(finding: JsonObject) -> dict[str, Any]:
    """Return *finding*, of version 1, in version 2."""
    kept = ("fingerprint", "title", "scope", "suspects", "slope", "axis", "peers", "peer_slope")
    recycled = finding.get("recycled")
    return {
        "version": 2,
        **{name: finding[name] for name in (*kept, "forecast", "release")},
        "reason": finding["because"],
        "environment": finding.get("environment", ""),
        "diagnosis": _diagnosis(finding.get("diagnosis")),
        "explanation": _explanation(finding.get("explanation")),
        "since": finding.get("since", 0),
        "recycling": None if recycled is None else {"what": "", **recycled},
    }


def _next_batch(connection: sa.Connection, table: sa.TableClause, last_id: int) -> Any:
    query = sa.select(table).where(table.c.id > last_id).order_by(table.c.id).limit(BATCH_SIZE)
    return connection.execute(query).all()


def _upgraded_columns(row: Mapping[Any, Any], columns: tuple[str, ...]) -> dict[str, str]:
    upgraded = {}
    for column in columns:
        finding = json.loads(row[column]) if row[column] else None
        if finding is not None and "version" not in finding:
            record = finding_from_version_1(finding)
            upgraded[column] = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return upgraded


def _diagnosis(diagnosis: JsonObject | None) -> dict[str, Any] | None:
    if diagnosis is None:
        return None
    kept = ("cause", "is_leak", "bytes_per_request", "part", "bytes", "confidence")
    shared = {"together": [], "failing": False, "working": False}
    return {
        **{name: diagnosis[name] for name in kept},
        "reasons": diagnosis["because"],
        "falsifiers": diagnosis["unless"],
        "worker_ids": diagnosis["workers"],
        "heap_path": diagnosis.get("trace"),
        "holder": _holder(diagnosis) if diagnosis["holder"] else None,
        "site": diagnosis["site"] or None,
        "file": diagnosis["file"] or None,
        "unread_module": diagnosis.get("unread") or None,
        "endpoint": diagnosis["endpoint"] or None,
        "shares": [shared | share for share in diagnosis["shares"]],
        "known_leak": diagnosis.get("known") or None,
    }


def _holder(diagnosis: JsonObject) -> dict[str, Any]:
    return {
        "name": diagnosis["holder"],
        "kind": diagnosis.get("kind") or None,
        "library": diagnosis.get("library") or None,
        "entries": diagnosis.get("entries", 0),
        "entries_per_request": diagnosis["entries_per_request"],
        "bound_bytes": diagnosis["bound_bytes"],
        "symptom": diagnosis.get("symptom") or None,
        "removes_entries": diagnosis.get("leaves", False),
        "has_unique_keys": diagnosis.get("keyed", False),
    }


def _explanation(explanation: JsonObject | None) -> dict[str, Any] | None:
    if explanation is None:
        return None
    return {
        **{name: explanation[name] for name in ("title", "what", "cost")},
        "fix": {
            "change": explanation["fix"],
            "diff": explanation.get("diff") or None,
            "link": explanation.get("link") or None,
        },
        "source_excerpt": explanation.get("culprit", []),
    }
