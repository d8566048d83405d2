"""All that is counted beside containers, in the form that `Holders` puts together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bugsly.probes.descriptors import count_descriptors, count_files
from bugsly.probes.grown import GrowthProbe
from bugsly.probes.leftovers import Leftovers
from bugsly.probes.outside import Children, count_shared_files
from bugsly.probes.registries import (
    count_callbacks,
    count_handlers,
    count_labels,
    count_receivers,
)
from bugsly.probes.subclasses import count_subclasses
from bugsly.probes.threads import count_threads

if TYPE_CHECKING:
    from bugsly.guard import Guards
    from bugsly.probes.grown import Register
    from bugsly.probes.holders import HolderProbe

REGISTERS: dict[str, Register] = {
    "threads": count_threads,
    "handlers": count_handlers,
    "receivers": count_receivers,
    "labels": count_labels,
    "callbacks": count_callbacks,
    "subclasses": count_subclasses,
    "shared files": count_shared_files,
}


def count_probes(guards: Guards) -> dict[str, HolderProbe]:
    """Return a probe for each register, which begins to compare with its first look."""
    leftovers = Leftovers(count_files, guards("probe.leftovers"))
    registers = REGISTERS | {
        "descriptors": partial(count_descriptors, leftovers),
        "children": Children().count,
    }
    return {name: GrowthProbe(register) for name, register in registers.items()}
