"""What the agent sends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.caught import ORIGIN, Catching, event
from tests.support.partings import held
from tests.support.post import Post
from tests.support.recycled import net
from tests.support.values import holder, levels, sample, traffic, worker
from tests.support.walks import heap, orphans, retainer

from bugsly.probes.errors.errors import Said
from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.event import Asked, Crumb, Event, Frame, Thrown, encode_event
from bugsly.protocol.evidence import Answer, Evidence, Line, Source, Trim, Window
from bugsly.protocol.memory import Exit, ExitReason, UnderWay, encode_report, encode_sample
from bugsly.protocol.net import Hindrance, NetState


def documents(_folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield reports, events and the header that they travel under."""
    header = Post("http://key@127.0.0.1/1").sender._header
    head, item, *_ = build_envelope(header, [("memory", b"{}")]).splitlines()
    yield "agent, envelope", json.loads(head)
    yield "agent, item of an envelope", json.loads(item)
    yield "agent, memory", json.loads(encode_report(worker(), [encode_sample(sample())], (), {}))
    yield "agent, memory", json.loads(_report())
    yield "agent, event", json.loads(encode_event(event(), ORIGIN))
    yield "agent, event", json.loads(encode_event(_event(), ORIGIN))
    catching = Catching()
    yield "agent, event as it is caught", catching.catch(lambda: int("x"))
    said = Said(where="shop/views.py:31 in checkout")
    yield "agent, contexts of a storm", catching.errors._contexts({}, said, 40)


def _report() -> bytes:
    """Return a report in which nothing stands at its default."""
    busy = UnderWay(endpoint="GET /report", requests=1, micros=28_000_000)
    amounts = ("shared", "swapped", "peak", "proportional", "descriptors", "threads", "requests")
    more = ("in_flight", "used", "limit", "oom_kills", "in_use", "held", "blocks")
    taken = sample(
        **dict.fromkeys((*amounts, *more), 1),
        under_way=(busy,),
        traffic=(traffic(),),
        levels=levels(shop__log=1),
    )
    hindered = net(state=NetState.WAITING, hindrance=Hindrance.FRESH, because="no room")
    ended = Exit(worker="a" * 32, reason=ExitReason.RECYCLED, because="it passed 400 MB")
    samples = [encode_sample(taken)]
    return encode_report(worker(), samples, (ended,), {"dropped": 1}, _evidence(), hindered)


def _evidence() -> Evidence:
    line = Line(site="shop/views.py:12", bytes=1, count=1, inner="json/decoder.py:3")
    window = Window(method="memray", requests=9, seconds=1.5, grown=1, lines=(line,))
    read = Source(file="/app/views.py", module="shop.views", text="log = []", views={"GET /": 1})
    answers = (
        Answer(ask=1, problem="no room"),
        Answer(ask=2, sources=(read,)),
        Answer(ask=3, window=window),
        Answer(ask=4, trim=Trim(before=2, after=1)),
        Answer(ask=5, heap=heap(retainer(), orphans())),
    )
    holders = (holder(), holder(bound=9, details={"hits": 1}))
    return Evidence(holders=holders, answers=answers, facts={"gc_enabled": 1}, parting=held())


def _event() -> Event:
    """Return an event in which nothing is empty."""
    frame = Frame(
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
    first = Thrown(type="KeyError", module="builtins", value="'currency'", frames=(frame,))
    rest = Thrown(
        type="Group", module="b", value="1", number=1, parent=0, source="__cause__", group=True
    )
    said = {"message": "no currency", "template": "no %s", "logger": "shop", "endpoint": "GET /"}
    asked = Asked(method="GET", url="http://shop/", query="a=1", headers={"Host": "s"}, body="{}")
    crumb = Crumb(at=1.0, category="sql", level="info", message="SELECT 1", details={"rows": "1"})
    return event(
        **said, user="7", thrown=(first, rest), crumbs=(crumb,), asked=asked, contexts={"app": {}}
    )
