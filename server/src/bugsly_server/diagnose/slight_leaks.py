"""Stops calling a leak what a library keeps of each request, where that is too little to report."""

from __future__ import annotations

from dataclasses import replace

from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.model.diagnosis import Diagnosis

MAX_SLIGHT_BYTES_PER_REQUEST = 200.0
"""What a library may keep of each request without a report: a gigabyte takes five million
requests."""
STANDARD_LIBRARY_PREFIX = "python "
"""Starts the name of the standard library, which keeps what the application tells it to keep."""


def downgrade_trifle(diagnosis: Diagnosis, memory: MemoryGrowth) -> Diagnosis:
    """Return *diagnosis*, as no leak where it is slight, a library's, and not a known leak.

    Where memory grows fast, nothing is a trifle.
    """
    is_slight = 0 < diagnosis.growth.bytes_per_request < MAX_SLIGHT_BYTES_PER_REQUEST
    is_third_party = diagnosis.library is not None and not diagnosis.library.startswith(
        STANDARD_LIBRARY_PREFIX
    )
    if memory.is_fast or diagnosis.known_leak or not (is_slight and is_third_party):
        return diagnosis
    return replace(diagnosis, is_leak=False)
