"""What a server has on its disk of an event, and whether a case can be seen in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.secret_corpus.cases import SecretCase
from tests.support.secret_corpus.values import telling_parts
from tests.support.site_harness import site_harness

from bugsly.protocol.envelope import build_envelope
from bugsly.redact import REDACTED

OTHER_KEYS = frozenset(
    {"event_id", "timestamp", "trace_id", "span_id", "sent_at", "abs_path", "sdk", "modules"}
)
"""Keys of what is not of the case, where four digits may be seen by chance."""

MARKERS = (REDACTED, "[Filtered]")
"""What stands in the place of a secret."""


def stored_events(folder: Path, sent: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the events as a server in *folder* spooled them: what its disk has first of all."""
    with site_harness(folder) as site:
        address = f"/api/{site.project.id}/envelope/?sentry_key={site.key}"
        for start in range(0, len(sent), 50):
            items = [("event", payload) for payload in sent[start : start + 50]]
            site.client.post(address, content=build_envelope({}, items)).raise_for_status()
        return [json.loads(entry.payload) for entry in site.server.spool.lease(100_000)]


def shown_values(case: SecretCase, event: object) -> list[str]:
    """Return the planted values of which a telling part is in *event*."""
    texts = list(_texts(event))
    return [
        value
        for value in case.values
        if any(part in text for part in telling_parts(value) for text in texts)
    ]


def was_redacted(case: SecretCase, event: object) -> bool:
    """Return whether something of *case* was removed from *event*."""
    markers = [marker for marker in MARKERS if marker not in case.text]
    return any(marker in text for text in _texts(event) for marker in markers)


def _texts(value: object) -> Iterator[str]:
    """Yield all texts and numbers in *value*, and keys, without what is not of the case."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in OTHER_KEYS:
                yield key
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif value is not None:
        yield str(value)
