"""The bounds of what is taken in; those of Sentry, in its docs on envelopes, are wider."""

MAX_BODY = 20 * 1024 * 1024
"""Bytes on the wire."""
MAX_DECOMPRESSED = 40 * 1024 * 1024
MAX_MEMORY_ITEM = 4 * 1024 * 1024
"""Room for the text of a few sources; without any, a report is of some kilobytes."""
MAX_EVENT_ITEM = 12 * 1024 * 1024
"""Of an event; what is kept of it is bounded part by part."""
MAX_METRICS_ITEM = 1024 * 1024
"""Of a thousand metrics."""
MAX_SMALL_ITEM = 256 * 1024
"""Of a report of what an SDK dropped, and of sessions."""
LARGE_BODY = 64 * 1024
MAX_AT_ONCE = 1024 * 1024
"""A body beyond the one, or unpacking to more than the other, is unpacked on a thread, so that it
holds up nobody else."""
LARGE_AT_ONCE = 1
MAX_HELD = 64 * 1024 * 1024
"""Bytes of bodies, packed and unpacked, that all requests together may hold in memory."""
READ_SECONDS = 30.0
"""For the whole body to arrive."""
DRAIN_SECONDS = 2.0
"""For the rest of a body that is refused, because a client that still sends reads no answer."""
MAX_SPOOLED = 500_000
"""Entries that may wait to be digested before clients are asked to pause."""
PAUSE = 10
"""Seconds of that pause."""
