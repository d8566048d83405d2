"""The bounds of what is taken in; those of Sentry, in its docs on envelopes, are wider."""

MAX_BODY_BYTES = 20 * 1024 * 1024
"""Bytes on the wire."""
MAX_UNPACKED_BYTES = 40 * 1024 * 1024
MAX_MEMORY_ITEM_BYTES = 4 * 1024 * 1024
"""Room for the text of a few sources; without any, a report is of some kilobytes."""
MAX_EVENT_ITEM_BYTES = 12 * 1024 * 1024
"""Of an event; what is kept of it is bounded part by part."""
MAX_METRICS_ITEM_BYTES = 1024 * 1024
"""Of a thousand metrics."""
MAX_SMALL_ITEM_BYTES = 256 * 1024
"""Of a report of what an SDK dropped, and of sessions."""
MAX_INLINE_BODY_BYTES = 64 * 1024
MAX_INLINE_UNPACKED_BYTES = 1024 * 1024
"""A body beyond the one, or unpacking to more than the other, is unpacked on a thread, so that it
holds up nobody else."""
MAX_CONCURRENT_LARGE_BODIES = 1
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
"""Bytes of bodies, packed and unpacked, that all requests together may hold in memory."""
READ_SECONDS = 30.0
"""For the whole body to arrive."""
DRAIN_SECONDS = 2.0
"""For the rest of a body that is refused, because a client that still sends reads no answer."""
MAX_SPOOLED_ENTRIES = 500_000
"""Entries that may wait to be digested before clients are asked to pause."""
PAUSE_SECONDS = 10
"""Seconds of that pause."""
