"""What the agent sends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.captured_errors import ORIGIN, ErrorCapture, event
from tests.support.final_snapshots import final_snapshot
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.protocol_values import holder, levels, sample, traffic, worker
from tests.support.recycling_values import safety_net
from tests.support.sender_harness import SenderHarness

from bugsly.probes.errors.error_reporter import CapturedMessage
from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.event import (
    CapturedBreadcrumb,
    CapturedEvent,
    CapturedException,
    CapturedFrame,
    CapturedRequest,
    encode_event,
)
from bugsly.protocol.evidence import (
    AllocationSite,
    AllocationWindow,
    Evidence,
    ModuleSource,
    ProbeResult,
    TrimResult,
)
from bugsly.protocol.memory import EndpointInFlight, Exit, ExitReason, encode_report, encode_sample
from bugsly.protocol.safety_net import Hindrance, RecyclerState


def documents(_folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield reports, events and the header that they travel under."""
    header = SenderHarness("http://key@127.0.0.1/1").sender._header
    head, item, *_ = build_envelope(header, [("memory", b"{}")]).splitlines()
    yield "agent, envelope", json.loads(head)
    yield "agent, item of an envelope", json.loads(item)
    yield "agent, memory", json.loads(encode_report(worker(), [encode_sample(sample())], (), {}))
    yield "agent, memory", json.loads(_report())
    yield "agent, event", json.loads(encode_event(event(), ORIGIN))
    yield "agent, event", json.loads(encode_event(_event(), ORIGIN))
    error_capture = ErrorCapture()
    yield "agent, event as it is caught", error_capture.capture(lambda: int("x"))
    said = CapturedMessage(location="shop/views.py:31 in checkout")
    yield "agent, contexts of a storm", error_capture.errors._contexts({}, said, 40)


def _report() -> bytes:
    """Return a report in which nothing stands at its default."""
    busy = EndpointInFlight(endpoint="GET /report", requests=1, micros=28_000_000)
    amounts = ("shared", "swapped", "peak", "proportional", "descriptors", "threads", "requests")
    more = ("in_flight", "used", "limit", "oom_kills", "in_use", "held", "blocks")
    full_sample = sample(
        **dict.fromkeys((*amounts, *more), 1),
        under_way=(busy,),
        traffic=(traffic(),),
        levels=levels(shop__log=1),
    )
    hindered = safety_net(state=RecyclerState.WAITING, hindrance=Hindrance.FRESH, because="no room")
    ended = Exit(worker="a" * 32, reason=ExitReason.RECYCLED, because="it passed 400 MB")
    samples = [encode_sample(full_sample)]
    return encode_report(worker(), samples, (ended,), {"dropped": 1}, _evidence(), hindered)


def _evidence() -> Evidence:
    line = AllocationSite(site="shop/views.py:12", bytes=1, count=1, inner="json/decoder.py:3")
    window = AllocationWindow(method="memray", requests=9, seconds=1.5, grown=1, lines=(line,))
    source_read = ModuleSource(
        file="/app/views.py", module="shop.views", text="log = []", views={"GET /": 1}
    )
    answers = (
        ProbeResult(ask=1, problem="no room"),
        ProbeResult(ask=2, sources=(source_read,)),
        ProbeResult(ask=3, window=window),
        ProbeResult(ask=4, trim=TrimResult(before=2, after=1)),
        ProbeResult(ask=5, heap=heap_snapshot(heap_holder(), unreachable_objects())),
    )
    holders = (holder(), holder(bound=9, details={"hits": 1}))
    return Evidence(
        holders=holders, answers=answers, facts={"gc_enabled": 1}, parting=final_snapshot()
    )


def _event() -> CapturedEvent:
    """Return an event in which nothing is empty."""
    frame = CapturedFrame(
        module="shop.views",
        function="checkout",
        path="/app/shop/views.py",
        line=31,
        locals={"total": "3"},
        file="shop/views.py",
        before=("def checkout():",),
        code="    total += line.price",
        after=("    return total",),
    )
    first = CapturedException(
        type="KeyError", module="builtins", value="'currency'", frames=(frame,)
    )
    rest = CapturedException(
        type="Group", module="b", value="1", number=1, parent=0, source="__cause__", group=True
    )
    message_facts = {
        "message": "no currency",
        "template": "no %s",
        "logger": "shop",
        "endpoint": "GET /",
    }
    request_context = CapturedRequest(
        method="GET", url="http://shop/", query="a=1", headers={"Host": "s"}, body="{}"
    )
    crumb = CapturedBreadcrumb(
        at=1.0, category="sql", level="info", message="SELECT 1", details={"rows": "1"}
    )
    return event(
        **message_facts,
        user="7",
        thrown=(first, rest),
        crumbs=(crumb,),
        asked=request_context,
        contexts={"app": {}},
    )
