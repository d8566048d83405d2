"""Compares a worker with the others that run the same code."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly_server.detect.trend_statistics import median
from bugsly_server.detect.worker_growth import MIN_GROWTH_BYTES
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.worker import Worker

MIN_OUTLIER_Z = 3.5
"""Iglewicz and Hoaglin (1993) recommend this cut for the modified z-score."""
MIN_PEERS = 3
MAD_TO_SIGMA = 0.6745
SLOPE_NOISE = {GrowthAxis.REQUESTS: 50.0, GrowthAxis.TIME: 1_000_000.0}
"""Bytes per request, or per hour, that two sound workers differ by, whatever the others say."""
SLOPE_NOISE_SHARE = 0.75
"""And by three quarters of what they grow by: of three peers two may agree by chance. Among
workers that all grow, one that is apart grows nearly four times as fast."""
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


def is_outlier(worker: Worker, peers: Sequence[Worker]) -> bool:
    """Return whether *worker* grows, and has grown, unlike its *peers*, whose growth is known.

    Slope alone is not enough: a young worker that fills a cache is steeper than its elders.
    """
    if worker.growth is None or len(peers) < MIN_PEERS:
        return False
    slopes = [peer.growth.slope for peer in peers if peer.growth is not None]
    levels = [float(peer.anonymous) for peer in peers]
    usual = SLOPE_NOISE_SHARE * median(sorted(slopes))
    noise = max(SLOPE_NOISE[worker.growth.axis], usual)
    return (
        robust_z(worker.growth.slope, slopes, noise) > MIN_OUTLIER_Z
        and robust_z(worker.anonymous, levels, LEVEL_NOISE) > MIN_OUTLIER_Z
    )


def has_levelled_peer(worker: Worker, peers: Sequence[Worker]) -> bool:
    """Return whether a peer that served as much holds about as much, and does not grow."""
    return any(
        peer.judgement.verdict is not GrowthVerdict.GROWING
        and peer.requests >= worker.requests
        and peer.anonymous >= worker.anonymous - MIN_GROWTH_BYTES
        for peer in peers
    )
