"""What is said of objects that are alive though nothing leads to them."""

from typing import Any

import pytest
from tests.support.dossiers import HOME, ORDERS, dossier, each, life, source
from tests.support.walks import heap, orphans, per_request

from bugsly.protocol.evidence import Line, Orphans, Trim, Window
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis

GROWS = each(ORDERS, 2_000)
MB = 1_000_000
IN_VAIN = Trim(before=38 * MB, after=38 * MB)
UNTRIED = Trim(before=38 * MB, after=38 * MB, garbage=-1)
OFF = {"gc_enabled": 0}


def said(found: Orphans, **facts: Any) -> Diagnosis:
    """Return what is said of a worker that gains 2 kB per order, two of five requests."""
    texts = facts.pop("sources", ())
    lives = life(memory=GROWS, heaps=(heap(found),), **facts)
    (told,) = diagnose(dossier(lives, sources=texts), [1])
    return told


NEW = orphans(grown=lambda at: 0.4 * (at - 1_450))
CASES: list[tuple[str, Orphans, dict[str, Any], Cause]] = [
    ("a collection left them all", orphans(), {"trims": (IN_VAIN,)}, Cause.NATIVE),
    ("no collection was tried", orphans(), {}, Cause.UNKNOWN),
    ("the heap was too large for one", orphans(), {"trims": (UNTRIED,)}, Cause.UNKNOWN),
    ("they are new, and may wait for one", NEW, {"trims": (IN_VAIN,)}, Cause.UNKNOWN),
    ("they weigh little", orphans(weight=90), {"trims": (IN_VAIN,)}, Cause.UNKNOWN),
    ("they stood still", orphans(grown=lambda _: 700), {"trims": (IN_VAIN,)}, Cause.UNKNOWN),
    ("the collector is off", orphans(), {"facts": OFF}, Cause.CYCLES),
    ("its threshold is 0", orphans(), {"facts": {"gc_threshold": 0}}, Cause.CYCLES),
]


@pytest.mark.parametrize(
    ("found", "facts", "cause"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_the_cause_follows_from_what_a_collection_would_do(
    found: Orphans, facts: dict[str, Any], cause: Cause
) -> None:
    assert said(found, **facts).cause is cause


@pytest.mark.parametrize("facts", [{"trims": (IN_VAIN,)}, {"facts": OFF}])
def test_their_types_and_number_are_told(facts: dict[str, Any]) -> None:
    told = said(orphans(grown=per_request(0.5)), **facts)
    assert told.because[0] == (
        "nothing leads to 950 × fast.Buffer (1.9 MB), which are alive all the same:"
        " 200 more over 400 requests"
    )
    assert told.trace is not None
    assert (told.holder, told.trace.hops, told.trace.types) == ("", (), {"fast.Buffer": 950})


def test_a_walk_that_met_nothing_is_told_too() -> None:
    told = said(orphans(grown=lambda _: 700), trims=(IN_VAIN,))
    assert told.because[-1] == "a walk of the heap met 1,234,567 objects, and none that keeps more"
    assert told.trace is None


INNER = Window(
    method="memray",
    requests=200,
    seconds=8.0,
    grown=2 * MB,
    lines=(Line(site="shop/models.py:9", bytes=2 * MB, count=400),),
)


@pytest.mark.parametrize("windows", [(), (INNER,)], ids=["walked", "walked and traced"])
def test_the_requests_that_make_them_and_the_line_that_does_are_found(
    windows: tuple[Window, ...],
) -> None:
    text = "def orders():\n    first = {}\n    first['it'] = Node(first)\n    return 'ok'\n"
    mix = {ORDERS: 20, HOME: 30}
    told = said(
        orphans("shop.models.Node"),
        facts=OFF,
        windows=windows,
        traffic=lambda _: mix,
        sources=(source(text, views={ORDERS: 1}),),
    )
    assert (told.cause, told.endpoint, told.site) == (Cause.CYCLES, ORDERS, "shop/views.py:3")
    assert told.bytes_per_request == pytest.approx(2_000, rel=0.15)
