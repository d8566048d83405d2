"""Computes the fingerprint of growth without a known cause."""

from __future__ import annotations

VERSION = 1


def growth_fingerprint(environment: str) -> str:
    """Return what identifies the growth of an environment while its cause is not known.

    The fingerprint is a promise. Version 1: it is equal for every worker, host and release of one
    environment, so that a recycled worker that goes on growing belongs to the same issue.
    """
    return f"{VERSION}/growing/{environment}"
