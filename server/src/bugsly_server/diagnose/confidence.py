"""Bounds of the confidence in a diagnosis, 0 to 1."""

from __future__ import annotations

GUESS_CONFIDENCE = 0.4
"""The confidence in a holder that may have a bound."""
REMOVAL_DOUBT = 0.15
"""What is taken off a confidence where the source also removes entries."""
