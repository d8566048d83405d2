"""Limits on what is taken in; Sentry's own, in its docs on envelopes, are higher."""

MAX_BODY_BYTES = 20 * 1024 * 1024
"""Bytes on the wire."""
MAX_UNPACKED_BYTES = 40 * 1024 * 1024
MAX_MEMORY_ITEM_BYTES = 4 * 1024 * 1024
"""Room for the text of a few sources; without any, a report has a few kilobytes."""
MAX_EVENT_ITEM_BYTES = 12 * 1024 * 1024
"""What is kept of an event is limited part by part."""
MAX_METRICS_ITEM_BYTES = 1024 * 1024
"""Room for a thousand metrics."""
MAX_SMALL_ITEM_BYTES = 256 * 1024
"""For client reports and sessions."""
MAX_INLINE_BODY_BYTES = 64 * 1024
MAX_INLINE_UNPACKED_BYTES = 1024 * 1024
"""A body larger than the one, or that unpacks to more than the other, is unpacked on a thread, so
that it does not hold up other requests."""
MAX_CONCURRENT_LARGE_BODIES = 1
ENVELOPE_CPU_SECONDS = 5.0
"""For reading the items of one envelope; three events of the largest size take some three."""
MAX_FAST_PAYLOAD_BYTES = 64 * 1024
FAST_CPU_SECONDS = 0.25
"""For an item up to that size; a slower one is read where large ones are."""
SLOW_PROJECT_SECONDS = 60.0
"""For which the items of a project that sent a slow one are read where large ones are."""
MAX_WAITING_FAST_ITEMS = 500
MAX_WAITING_SLOW_ITEMS = 8
"""Beyond which clients are asked to pause."""
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
"""Of the bodies of all requests together, packed and unpacked, in memory."""
READ_SECONDS = 30.0
"""For the whole body to arrive."""
DRAIN_SECONDS = 2.0
"""For the rest of a body that is refused: a client that is still sending reads no response."""
MAX_SPOOLED_ENTRIES = 500_000
"""Entries that may wait to be digested before clients are asked to pause."""
PAUSE_SECONDS = 10
"""How long clients are asked to pause then."""
