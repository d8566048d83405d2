"""Makes the probes of everything that is counted besides containers, for the holder registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bugsly.probes.collected_files import CollectedFiles
from bugsly.probes.descriptors import count_open_descriptors, count_open_files
from bugsly.probes.library_registries import (
    count_callbacks,
    count_handlers,
    count_labels,
    count_receivers,
)
from bugsly.probes.outside_worker import ChildProcesses, count_shared_files
from bugsly.probes.rising_counts import RisingCountProbe
from bugsly.probes.subclasses import count_subclasses
from bugsly.probes.threads import count_threads

if TYPE_CHECKING:
    from bugsly.guard import Guards
    from bugsly.probes.holder_registry import HolderProbe
    from bugsly.probes.rising_counts import CountReader

COUNT_READERS: dict[str, CountReader] = {
    "threads": count_threads,
    "handlers": count_handlers,
    "receivers": count_receivers,
    "labels": count_labels,
    "callbacks": count_callbacks,
    "subclasses": count_subclasses,
    "shared files": count_shared_files,
}


def rising_count_probes(guards: Guards) -> dict[str, HolderProbe]:
    """Return a probe for each reader by name; each compares counts with those it read first."""
    collected_files = CollectedFiles(count_open_files, guards("probe.leftovers"))
    readers = COUNT_READERS | {
        "descriptors": partial(count_open_descriptors, collected_files),
        "children": ChildProcesses().count_by_name,
    }
    return {name: RisingCountProbe(reader) for name, reader in readers.items()}
