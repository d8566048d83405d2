"""Makes holders of what every sample counts: open descriptors, and threads."""

from __future__ import annotations

from dataclasses import replace

from bugsly.protocol.evidence import Holder
from bugsly_server.model.dossier import Dossier, Step

GAUGES = {
    "descriptors": Holder(name="open descriptors", kind="descriptor", entry="descriptor"),
    "threads": Holder(name="running threads", kind="thread", entry="thread"),
}
"""By the field of a step. Both may grow without a probe that could say more."""

GAUGED = frozenset(one.name for one in GAUGES.values())


def with_gauges(dossier: Dossier) -> Dossier:
    """Return *dossier* with the gauges among its holders."""
    lives = tuple(
        replace(life, steps=tuple(_with_levels(step) for step in life.steps))
        for life in dossier.lives
    )
    holders = {**dossier.holders, **{one.name: one for one in GAUGES.values()}}
    return replace(dossier, lives=lives, holders=holders)


def _with_levels(step: Step) -> Step:
    counted = {one.name: getattr(step, field) for field, one in GAUGES.items()}
    return step._replace(levels={**step.levels, **counted})
