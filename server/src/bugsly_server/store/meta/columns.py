"""The columns that many tables have."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Text


def moment_column(name: str, *, nullable: bool = False) -> Column[int]:
    """Return one of microseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)


def amount_column(name: str) -> Column[int]:
    """Return one of a number that is 0 unless it is told."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def text_column(name: str) -> Column[str]:
    """Return one of text that is empty unless it is told."""
    return Column(name, Text, nullable=False, server_default="")


def project_reference() -> Column[int]:
    """Return a reference to the project that a row belongs to."""
    return Column("project_id", ForeignKey("project.id"), nullable=False)


def worker_reference() -> Column[int]:
    """Return a reference to the worker that a row goes with."""
    return Column("worker_id", ForeignKey("worker.id", ondelete="CASCADE"), nullable=False)
