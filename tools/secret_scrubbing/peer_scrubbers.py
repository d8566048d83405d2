"""Runs one peer over the corpus, in the environment of the peers.

Reads carriers and texts as JSON; writes what is left of each, and whether it changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.secret_corpus.sdk_events import sdk_event, sending_sdk

Case = tuple[str, str]
"""Carrier and text."""
Left = tuple[Any, bool]
"""What is left of a case, and whether something was taken out."""
RELAY_CONFIG = {
    "scrubData": True,
    "scrubDefaults": True,
    "scrubIpAddresses": False,
    "sensitiveFields": [],
    "excludeFields": [],
}
"""Sentry's settings of a new project, without the removal of addresses of users."""


def main() -> int:
    """Run the peer that the command line names."""
    left = PEERS[sys.argv[1]](json.load(sys.stdin))
    json.dump(list(left), sys.stdout)
    return 0


def event_scrubber(cases: Sequence[Case]) -> Iterator[Left]:
    """Use sentry-sdk as it comes."""
    return _sdk_events(cases)


def recursive_event_scrubber(cases: Sequence[Case]) -> Iterator[Left]:
    """Use sentry-sdk's scrubber with its option to look into nested values."""
    from sentry_sdk.scrubber import EventScrubber

    return _sdk_events(cases, event_scrubber=EventScrubber(recursive=True))


def relay(cases: Sequence[Case]) -> Iterator[Left]:
    """Use the rules of Sentry's server on what an SDK without a scrubber sends."""
    from sentry_sdk.scrubber import EventScrubber

    plain = EventScrubber(denylist=[], pii_denylist=[])
    return _stripped(event for event, _ in _sdk_events(cases, event_scrubber=plain))


def sdk_and_relay(cases: Sequence[Case]) -> Iterator[Left]:
    """Use both, as Sentry's users have them."""
    for (event, changed), (left, stripped) in _both(cases):
        yield left, changed or stripped or event is None


def detect_secrets(cases: Sequence[Case]) -> Iterator[Left]:
    """Use all detectors of detect-secrets, with its default filters, on a file of each text."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    with default_settings(), TemporaryDirectory() as folder:
        file = Path(folder) / "case.txt"
        for _, text in cases:
            file.write_text(text, encoding="utf-8")
            left = text
            for found in scan_file(str(file)):
                left = left.replace(found.secret_value or "\0", "[redacted]")
            yield left, left != text


def _both(cases: Sequence[Case]) -> Iterator[tuple[Left, Left]]:
    sent = list(_sdk_events(cases))
    return zip(sent, _stripped(event for event, _ in sent), strict=True)


def _sdk_events(cases: Sequence[Case], **options: Any) -> Iterator[Left]:
    with sending_sdk(**options) as sent:
        for carrier, text in cases:
            event = sdk_event(sent, carrier, text)
            shown = json.dumps({key: part for key, part in event.items() if key != "_meta"})
            yield event, shown.count("[Filtered]") > text.count("[Filtered]")


def _stripped(events: Iterator[Any]) -> Iterator[Left]:
    from sentry_relay.processing import convert_datascrubbing_config, pii_strip_event

    config = convert_datascrubbing_config(RELAY_CONFIG)
    for event in events:
        event.pop("_meta", None)
        left = pii_strip_event(config, event)
        yield left, bool(left.pop("_meta", None))


PEERS: dict[str, Callable[[Sequence[Case]], Iterator[Left]]] = {
    function.__name__: function
    for function in (event_scrubber, recursive_event_scrubber, relay, sdk_and_relay, detect_secrets)
}

if __name__ == "__main__":
    sys.exit(main())
