"""How much of each kind a project may have, so that one that floods leaves room for the others."""

from __future__ import annotations

from dataclasses import dataclass

RELEASES_REASON = "release beyond those a project may have, not listed"
ENVIRONMENTS_REASON = "item of an environment beyond those a project may have, counted as others"
WORKERS_REASON = "report of a worker beyond those a project may have"
TAGS_REASON = "tag beyond those a project may have, not counted"
OTHER_ENVIRONMENTS = "(others)"
"""The environment that stands for all beyond the limit."""
STARTS_PER_WORKER = 50
"""Workers that may start in a day, for each that may be alive: some are recycled often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLimits:
    """The limits of every project of a server."""

    errors: int = 10_000
    leaks: int = 500
    releases: int = 5_000
    environments: int = 50
    workers: int = 2_000
    """Alive at once."""
    tags: int = 500_000
    """Releases, environments and users of all errors together."""
