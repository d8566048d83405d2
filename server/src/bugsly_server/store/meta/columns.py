"""Columns that many tables have."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Text


def moment_column(name: str, *, nullable: bool = False) -> Column[int]:
    """Return a column of microseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)


def amount_column(name: str) -> Column[int]:
    """Return a column of numbers, 0 by default."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def text_column(name: str) -> Column[str]:
    """Return a column of text, empty by default."""
    return Column(name, Text, nullable=False, server_default="")


def project_reference() -> Column[int]:
    """Return a reference to the project that a row belongs to."""
    return Column("project_id", ForeignKey("project.id"), nullable=False)


def worker_reference() -> Column[int]:
    """Return a reference to the worker that a row belongs to."""
    return Column("worker_id", ForeignKey("worker.id", ondelete="CASCADE"), nullable=False)
