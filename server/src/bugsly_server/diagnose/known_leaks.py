"""Recognises the known leaks of libraries."""

from __future__ import annotations

import re
from dataclasses import replace

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.known_leaks import KnownLeak, known_leaks
from bugsly_server.model.leak_evidence import LeakEvidence


def recognise_known_leak(diagnosis: Diagnosis, evidence: LeakEvidence) -> Diagnosis:
    """Return *diagnosis* under the name of the known leak that it is, if it is one."""
    if not diagnosis.is_leak:
        return diagnosis
    texts = [diagnosis.holder, *_library_lines(diagnosis, evidence)]
    for slug, leak in known_leaks().items():
        if any(re.search(leak.pattern, text) for text in texts) and _affects(leak, diagnosis):
            return replace(diagnosis, known=slug, cause=leak.cause)
    return diagnosis


def _library_lines(diagnosis: Diagnosis, evidence: LeakEvidence) -> list[str]:
    return [
        line.inner
        for history in evidence.histories
        if history.worker_id in diagnosis.workers and not diagnosis.holder
        for window in history.allocation_windows
        for line in window.lines[:1]
    ]


def _affects(leak: KnownLeak, diagnosis: Diagnosis) -> bool:
    """Return whether the version in use is older than the one that fixes *leak*.

    A version that is not known may be any, so it is affected.
    """
    name, _, version = diagnosis.library.partition(" ")
    if canonicalize_name(name) != leak.library or not leak.fixed_in:
        return not name or not leak.fixed_in
    return not version or _is_older(version, Version(leak.fixed_in))


def _is_older(version: str, fixed_in: Version) -> bool:
    """Return whether *version* precedes *fixed_in*, in the order of PEP 440.

    A pre-release counts as the release it leads to, since it may hold the fix. A version that
    PEP 440 does not know (a patched build) is not older: nobody can say what is in it.
    """
    try:
        installed = Version(version)
    except InvalidVersion:
        return False
    if installed.is_prerelease:
        installed = Version(installed.base_version)
    return installed < fixed_in
