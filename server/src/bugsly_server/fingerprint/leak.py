"""Computes the fingerprint of a leak: what its cause is recognised by."""

from __future__ import annotations

import re

from bugsly_server.model.diagnosis import Cause, Diagnosis

VERSION = 1


def leak_fingerprint(diagnosis: Diagnosis, environment: str) -> str:
    """Return what identifies a cause: the holder of the memory, or the file that makes it.

    The fingerprint is a promise. Version 1: it is equal for every worker, thread, host and release
    of one environment, and does not change when lines move. Without a holder the file of the
    source location counts, and without that the endpoint. A collector that is off is one cause,
    whatever it leaves uncollected.
    """
    return f"{VERSION}/{diagnosis.cause}/{_subject(diagnosis)}/{environment}"


def without_thread_number(path: str) -> str:
    """Return the path of a holder that each thread has one of, without the number of the thread."""
    return re.sub(r"<thread \d+>", "<thread>", path)


def _subject(diagnosis: Diagnosis) -> str:
    if diagnosis.holder is not None:
        return without_thread_number(diagnosis.holder.name)
    if diagnosis.cause is Cause.CYCLES:
        return ""
    path = (diagnosis.location.site or "").rpartition(":")[0]
    return path or diagnosis.attribution.endpoint or ""
