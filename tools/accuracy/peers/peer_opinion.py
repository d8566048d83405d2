"""What a peer says of a case."""

from __future__ import annotations

import msgspec


class PeerOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """Its verdict and the line it names; None where it has none, or was not asked."""

    alarmed: bool | None = None
    line: str = ""
    line_right: bool | None = None
    """Whether that line is right."""
