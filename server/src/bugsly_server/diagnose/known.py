"""Recognises the known leaks of libraries."""

from __future__ import annotations

import re
from dataclasses import replace

from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.dossier import Dossier
from bugsly_server.model.known_leaks import KnownLeak, known_leaks


def recognise(diagnosis: Diagnosis, dossier: Dossier) -> Diagnosis:
    """Return *diagnosis* under the name of the known leak that it is, if it is one."""
    if not diagnosis.is_leak:
        return diagnosis
    texts = [diagnosis.holder, *_inner_lines(diagnosis, dossier)]
    for slug, leak in known_leaks().items():
        if any(re.search(leak.pattern, text) for text in texts) and _concerns(leak, diagnosis):
            return replace(diagnosis, known=slug, cause=leak.cause)
    return diagnosis


def _inner_lines(diagnosis: Diagnosis, dossier: Dossier) -> list[str]:
    return [
        line.inner
        for life in dossier.lives
        if life.worker_id in diagnosis.workers and not diagnosis.holder
        for window in life.windows
        for line in window.lines[:1]
    ]


def _concerns(leak: KnownLeak, diagnosis: Diagnosis) -> bool:
    """Return whether the version in use, where it is known, is older than the one that mends it."""
    name, _, version = diagnosis.library.partition(" ")
    if name.lower().replace("_", "-") != leak.library or not leak.fixed_in:
        return not name or not leak.fixed_in
    return _order(version) < _order(leak.fixed_in)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("b")[0]))
