"""Limits the numbers in paths to those that the database can look up."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor

MAX_DIGITS = 18
"""Of a number below 2**63, the largest of SQLite; no id comes near it."""


class PathNumberConvertor(IntegerConvertor):
    """Matches the numbers that an id may have; a path with any other one is unknown."""

    regex = f"[0-9]{{1,{MAX_DIGITS}}}"


def register() -> None:
    """Let `{name:int}` in a route match only such numbers."""
    register_url_convertor("int", PathNumberConvertor())
