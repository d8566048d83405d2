"""Where a worker stands among its siblings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


def new_id() -> str:
    """Return the id of a worker, 32 hexadecimal digits never given twice."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One worker, as its master or the process itself sees it; the fields are the wire's."""

    id: str = field(default_factory=new_id)
    server: str = ""
    parent: int = 0
    number: int = 0
    generation: int = 0
