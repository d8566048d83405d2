"""Compares a worker with the others that run the same code."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly_server.detect.trend import median

APART = 3.5
"""Iglewicz and Hoaglin (1993) recommend this cut for the modified z-score."""
ENOUGH_PEERS = 3
MAD_TO_SIGMA = 0.6745
SLOPE_NOISE = 256.0
"""Bytes per request that two sound workers differ by, whatever the others say."""
LEVEL_NOISE = 1_000_000.0


def robust_z(value: float, peers: Sequence[float], noise: float) -> float:
    """Return how far *value* lies from the median of *peers*, in robust standard deviations.

    *noise* is the smallest spread that is believed: peers that agree to the byte would make
    everything else look extraordinary.
    """
    ordered = sorted(peers)
    centre = median(ordered)
    spread = median(sorted(abs(peer - centre) for peer in ordered))
    return MAD_TO_SIGMA * (value - centre) / max(spread, noise * MAD_TO_SIGMA)


def stands_apart(
    slope: float, level: float, peer_slopes: Sequence[float], peer_levels: Sequence[float]
) -> bool:
    """Return whether a worker grows, and has grown, unlike its peers.

    Slope alone is not enough: a young worker that fills a cache is steeper than its elders.
    """
    if len(peer_slopes) < ENOUGH_PEERS or len(peer_levels) < ENOUGH_PEERS:
        return False
    return (
        robust_z(slope, peer_slopes, SLOPE_NOISE) > APART
        and robust_z(level, peer_levels, LEVEL_NOISE) > APART
    )
