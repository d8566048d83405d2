"""Tells Schemathesis what an envelope is; `tools.fuzz.api_conformance` lets it load this."""

from __future__ import annotations

import json
from typing import Any

import schemathesis

from tools.fuzz.targets.envelope import INPUTS

ENVELOPE = "application/x-sentry-envelope"

schemathesis.openapi.media_type(ENVELOPE, INPUTS)


@schemathesis.serializer(ENVELOPE)
def serialize_envelope(_context: Any, value: Any) -> bytes:
    """Return an envelope as it is, and anything else as JSON, which is none."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
