"""Invalid parts of evidence are left out and counted; valid parts are kept."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.pipeline_harness import report, token
from tests.support.protocol_values import MB, holder, sample, traffic

from bugsly.protocol.evidence import (
    AllocationSite,
    AllocationWindow,
    Evidence,
    Holder,
    HolderCount,
    ModuleSource,
    ProbeResult,
    TrimResult,
)
from bugsly.protocol.memory import MemoryReport
from bugsly_server.decode.evidence import MAX_SOURCE_LENGTH
from bugsly_server.decode.memory_report import decode_report

LINE = AllocationSite(site="shop/views.py:12", bytes=5 * MB, count=900, inner="werkzeug/local.py:3")
WINDOW = AllocationWindow(method="memray", requests=300, seconds=4.5, grown=-5, lines=(LINE,))
ANSWERS = (
    ProbeResult(
        ask=1,
        sources=(ModuleSource(file="/app/shop/views.py", module="shop.views", text="x = []"),),
    ),
    ProbeResult(ask=2, window=WINDOW),
    ProbeResult(ask=3, trim=TrimResult(before=90 * MB, after=60 * MB)),
    ProbeResult(ask=4, problem="window: too little memory is free → ask again later"),
    ProbeResult(ask=5, heap=heap_snapshot(heap_holder(), unreachable_objects())),
)
WHOLE = Evidence(
    holders=(holder("a", bound=9, details={"hits": 3}), holder("b", kind="dict")),
    answers=ANSWERS,
    facts={"gc_enabled": 1, "gc_frozen": 0},
)
LEVELS = (HolderCount(holder="a", count=5), HolderCount(holder="b", count=7))
Damage = Callable[[dict[str, Any]], object]


def damaged(damage: Damage) -> bytes:
    samples = (sample(1, levels=LEVELS), sample(2, levels=LEVELS))
    whole = json.loads(report(samples, evidence=WHOLE, id=token(1)))
    damage(whole)
    return json.dumps(whole).encode()


def decode(payload: bytes) -> tuple[MemoryReport, Counter[str]]:
    skipped: Counter[str] = Counter()
    return decode_report(payload, skipped), skipped


def evidence(damage: Damage) -> tuple[Evidence, dict[str, int]]:
    """Return the evidence as decoded after *damage* was done to it."""
    found, skipped = decode(damaged(lambda whole: damage(whole["evidence"])))
    assert [one.levels for one in found.samples] == [LEVELS, LEVELS]
    assert found.evidence is not None
    return found.evidence, dict(skipped)


def test_valid_evidence_is_decoded_completely() -> None:
    assert evidence(lambda _: None) == (WHOLE, {})


HOLDERS: dict[str, dict[str, Any]] = {
    "no name": {"name": ""},
    "a number for a name": {"name": 7},
    "a name beyond measure": {"name": "x" * 301},
    "no kind": {"kind": None},
    "a negative weight": {"entry_bytes": -1},
    "a weight beyond measure": {"entry_bytes": 1 << 60},
    "a number beyond any integer": {"removed": 10**400},
    "a weight that is none": {"entry_bytes": float("nan")},
    "a broken count": {"removed": 1.5},
    "a negative bound": {"bound": -1},
    "details that are none": {"details": [1]},
    "half a letter": {"entry": "\ud800"},
}


@pytest.mark.parametrize("name", HOLDERS)
def test_a_malformed_holder_is_skipped_and_its_neighbour_is_kept(name: str) -> None:
    left, skipped = evidence(
        lambda evidence_json: evidence_json["holders"][0].update(HOLDERS[name])
    )
    assert left.holders == WHOLE.holders[1:]
    assert (left.answers, left.facts) == (WHOLE.answers, WHOLE.facts)
    assert skipped == {"holder that is not of its form": 1}


def test_ten_thousand_holders_are_cut_to_a_hundred() -> None:
    many = [{"name": f"h{n}", "kind": "list"} for n in range(10_000)]
    left, skipped = evidence(lambda evidence_json: evidence_json.update(holders=many))
    assert [one.name for one in left.holders] == [f"h{n}" for n in range(100)]
    assert skipped == {"holder beyond the 100 that are kept": 9_900}


def test_of_a_holder_described_twice_the_later_description_counts() -> None:
    left, skipped = evidence(lambda evidence_json: evidence_json["holders"][1].update(name="a"))
    assert left.holders == (holder("a", kind="dict"),)
    assert not skipped


def test_texts_of_a_holder_are_cut_to_the_maximum_length() -> None:
    names = ("kind", "entry", "site", "endpoint", "file", "library")
    left, _ = evidence(
        lambda evidence_json: evidence_json["holders"][0].update(dict.fromkeys(names, "ü" * 9_999))
    )
    assert max(len(getattr(left.holders[0], name)) for name in names) == 500


@pytest.mark.parametrize(
    ("facts", "kept", "skipped"),
    [
        ({"a": 1, "b": "much", "c": None}, {"a": 1}, 2),
        ({"a": 1, "b": float("nan")}, {"a": 1}, 1),
        ({"a": 1, "b": True, "c": 1.5}, {"a": 1}, 2),
        ({"a": 1, "b": 1 << 60, "": 3}, {"a": 1}, 2),
        ({f"f{n}": n for n in range(60)}, {f"f{n}": n for n in range(40)}, 20),
        ([1, 2], {}, 0),
    ],
)
def test_invalid_facts_are_left_out(facts: object, kept: object, skipped: int) -> None:
    left, why = evidence(lambda evidence_json: evidence_json.update(facts=facts))
    assert (left.facts, left.holders) == (kept, WHOLE.holders)
    assert why.get("fact that is not of its form", 0) == skipped


BROKEN_RESULTS: dict[str, dict[str, Any]] = {
    "an ask that is none": {"ask": -5},
    "an ask beyond measure": {"ask": 1 << 60},
    "an ask that is a text": {"ask": "1"},
    "nothing": {"window": None},
    "a time that is none": {"window": {**json.loads("{}"), "method": "x", "requests": 1}},
    "a time that never ends": {"window": {"seconds": 1e300}},
    "a time before it began": {"window": {"seconds": -1.0}},
    "requests beyond measure": {"window": {"requests": 1 << 60}},
    "growth beyond measure": {"window": {"grown": -(1 << 60)}},
}


@pytest.mark.parametrize("name", BROKEN_RESULTS)
def test_a_malformed_probe_result_is_skipped_and_its_neighbours_are_kept(name: str) -> None:
    def damage(evidence_json: dict[str, Any]) -> None:
        answer, change = evidence_json["answers"][1], dict(BROKEN_RESULTS[name])
        window = change.pop("window", answer["window"])
        if window and "method" not in window:
            window = {**answer["window"], **window}
        answer.update(change, window=window)

    left, skipped = evidence(damage)
    assert left.answers == (ANSWERS[0], *ANSWERS[2:])
    assert skipped == {"answer that is not of its form": 1}


def test_a_malformed_heap_is_no_result() -> None:
    left, skipped = evidence(
        lambda evidence_json: evidence_json["answers"][4]["heap"].update(pause=-1.0)
    )
    assert left.answers == ANSWERS[:4]
    assert skipped == {"answer that is not of its form": 1}


def test_a_source_that_is_too_long_is_left_out_of_its_result() -> None:
    sources = [
        {"file": "long.py", "module": "", "text": "x" * (MAX_SOURCE_LENGTH + 1)},
        {"file": "", "module": "", "text": "x"},
        {"file": "good.py", "module": "good", "text": "y" * MAX_SOURCE_LENGTH},
    ]
    left, skipped = evidence(
        lambda evidence_json: evidence_json["answers"][0].update(sources=sources)
    )
    assert [one.file for one in left.answers[0].sources] == ["good.py"]
    assert skipped == {"source that is not of its form": 2}


def test_lines_of_a_window_beyond_a_hundred_are_left_out() -> None:
    lines = [{"site": "x", "bytes": n, "count": -(n == 3)} for n in range(500)]
    left, _ = evidence(
        lambda evidence_json: evidence_json["answers"][1]["window"].update(lines=lines)
    )
    assert left.answers[1].window is not None
    assert [one.bytes for one in left.answers[1].window.lines] == [n for n in range(100) if n != 3]


@pytest.mark.parametrize(
    ("levels", "kept", "skipped"),
    [
        ([{"holder": "a", "count": 5}, {"holder": "", "count": 1}], {"a": 5}, 1),
        ([{"holder": "a", "count": 5}, {"holder": "b", "count": -1}], {"a": 5}, 1),
        ([{"holder": "a", "count": 5}, {"holder": "b", "count": 1 << 60}], {"a": 5}, 1),
        ([{"holder": "a", "count": 5}, {"holder": "x" * 999, "count": 1}], {"a": 5}, 1),
        ([{"holder": "a", "count": 5}, {"holder": "a", "count": 6}], {"a": 6}, 1),
        ([{"holder": f"h{n}", "count": n} for n in range(50)], {f"h{n}": n for n in range(40)}, 10),
        ([{"holder": "a", "count": float("nan")}], {}, 1),
        ([{"holder": "a", "count": 10**400}], {}, 1),
        ("a", {}, 1),
        (None, {}, 1),
    ],
)
def test_invalid_levels_are_left_out_and_their_sample_is_kept(
    levels: object, kept: dict[str, int], skipped: int
) -> None:
    found, why = decode(damaged(lambda whole: whole["samples"][0].update(levels=levels)))
    assert {one.holder: one.count for one in found.samples[0].levels} == kept
    assert found.samples[1] == sample(2, levels=LEVELS)
    assert why == {"level that is not of its form": skipped}


@pytest.mark.parametrize("given", [7, "much", [], None, {"holders": 7, "answers": "x"}])
def test_evidence_of_another_type_spoils_no_sample(given: object) -> None:
    found, _ = decode(damaged(lambda whole: whole.update(evidence=given)))
    assert [one.number for one in found.samples] == [1, 2]
    assert found.evidence is None or found.evidence == Evidence()


@pytest.mark.parametrize("name", ["in_use", "held", "blocks"])
def test_a_sample_whose_allocator_is_out_of_range_is_skipped(name: str) -> None:
    found, skipped = decode(damaged(lambda whole: whole["samples"][0].update({name: -1})))
    assert [one.number for one in found.samples] == [2]
    assert skipped == {"sample with a number out of range": 1}


@pytest.mark.parametrize("name", ["whole", "streamed"])
def test_traffic_whose_bodies_are_out_of_range_is_skipped(name: str) -> None:
    served = {"endpoint": "GET /", "requests": 1, name: 1 << 60}
    found, _ = decode(damaged(lambda whole: whole["samples"][0].update(traffic=[served])))
    assert [one.number for one in found.samples] == [2]
    good = report([sample(1, traffic=(traffic("GET /", whole=3, streamed=2),))])
    assert decode(good)[0].samples[0].traffic == (traffic("GET /", whole=3, streamed=2),)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["holders", "answers", "facts", "name", "kind", "ask", "window"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_the_evidence_is_the_samples_are_decoded(given: Any) -> None:
    found, _ = decode(damaged(lambda whole: whole.update(evidence=given)))
    assert [one.number for one in found.samples] == [1, 2]
    assert found.evidence is None or all(isinstance(one, Holder) for one in found.evidence.holders)
