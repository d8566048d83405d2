"""Invalid parts of a report are left out and counted; valid parts are kept."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pipeline_harness import WORKER_AGE, report, token
from tests.support.protocol_values import sample, traffic

from bugsly.protocol.memory import Exit, ExitReason, MemoryReport
from bugsly_server.decode.memory_report import (
    MAX_IN_FLIGHT,
    MAX_MEASUREMENT,
    MAX_SALVAGED_ITEMS,
    MAX_SAMPLES,
    MAX_TRAFFIC,
    UnreadableReport,
    decode_report,
)

GOOD_SAMPLES = (sample(1), sample(2), sample(3))
Damage = Callable[[dict[str, Any]], object]


def damaged(damage: Damage, **facts: Any) -> bytes:
    """Return a report of three samples, one exit and one loss after *damage* was done to it."""
    gone = Exit(worker=token(2), reason=ExitReason.KILLED, signal=9)
    whole = json.loads(report(GOOD_SAMPLES, [gone], {"dropped": 3}, **facts))
    damage(whole)
    return json.dumps(whole).encode()


def decode(payload: bytes) -> tuple[MemoryReport, Counter[str]]:
    skipped: Counter[str] = Counter()
    return decode_report(payload, skipped), skipped


def numbers(found: MemoryReport) -> list[int]:
    return [one.number for one in found.samples]


def test_a_valid_report_is_decoded_completely() -> None:
    found, skipped = decode(damaged(lambda whole: whole))
    assert found.samples == GOOD_SAMPLES
    assert [one.reason for one in found.exits] == [ExitReason.KILLED]
    assert found.lost == {"dropped": 3}
    assert not skipped


@pytest.mark.parametrize("name", ["samples", "exits"])
def test_of_a_list_of_nonsense_only_the_first_are_looked_at(name: str) -> None:
    _, skipped = decode(damaged(lambda whole: whole.update({name: [0] * (MAX_SALVAGED_ITEMS + 7)})))
    assert skipped == {
        f"{name.removesuffix('s')} that is not of its form": MAX_SALVAGED_ITEMS,
        "item beyond the 5,000 of a list": 7,
    }


def test_more_samples_than_a_report_may_have_are_counted() -> None:
    samples = tuple(sample(number, age=1) for number in range(1, MAX_SAMPLES + 4))
    found, skipped = decode(report(samples))
    assert numbers(found) == list(range(1, MAX_SAMPLES + 1))
    assert skipped == {"sample beyond the 5,000 of a report": 3}


def test_more_endpoints_than_a_sample_may_have_are_counted() -> None:
    served = tuple(traffic(f"GET /{number}") for number in range(MAX_TRAFFIC + 4))
    found, skipped = decode(report((sample(1, traffic=served),)))
    assert found.samples[0].traffic == served[:MAX_TRAFFIC]
    assert skipped == {"endpoint beyond the 1,000 of a sample": 4}


SPOILED_SAMPLES: dict[str, Damage] = {
    "a text for a size": lambda sample_json: sample_json.update(anonymous="much"),
    "no size": lambda sample_json: sample_json.pop("anonymous"),
    "a broken size": lambda sample_json: sample_json.update(anonymous=1.5),
    "null": lambda sample_json: sample_json.update(requests=None),
    "not a number": lambda sample_json: sample_json.update(anonymous=float("nan")),
    "infinite": lambda sample_json: sample_json.update(anonymous=float("inf")),
    "traffic that is no list": lambda sample_json: sample_json.update(traffic={"GET /": 1}),
    "traffic that is none": lambda sample_json: sample_json.update(traffic=[{"endpoint": "GET /"}]),
    "an endpoint that is no text": lambda sample_json: sample_json.update(
        traffic=[{"endpoint": 1, "requests": 1}]
    ),
    "half a letter": lambda sample_json: sample_json.update(
        traffic=[{"endpoint": "\ud800", "requests": 1}]
    ),
}


@pytest.mark.parametrize("name", SPOILED_SAMPLES)
def test_a_malformed_sample_is_skipped_and_its_neighbours_are_kept(name: str) -> None:
    found, skipped = decode(damaged(lambda whole: SPOILED_SAMPLES[name](whole["samples"][1])))
    assert numbers(found) == [1, 3]
    assert skipped == {"sample that is not of its form": 1}
    assert len(found.exits) == 1


FIELDS = (
    *("anonymous", "shared", "swapped", "peak", "proportional", "descriptors", "threads"),
    *("requests", "in_flight", "used", "limit", "oom_kills", "number"),
)
SERVED = ("requests", "client_errors", "server_errors", "micros", "sent", "biggest")


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [-1, MAX_MEASUREMENT + 1, 1 << 70])
def test_a_number_out_of_range_spoils_its_sample_alone(name: str, value: int) -> None:
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update({name: value})))
    assert numbers(found) == [1, 3]
    assert skipped == {"sample with a number out of range": 1}


@pytest.mark.parametrize("name", SERVED)
@pytest.mark.parametrize("value", [-1, MAX_MEASUREMENT + 1, 1 << 70])
def test_traffic_out_of_range_spoils_its_sample_alone(name: str, value: int) -> None:
    served = {"endpoint": "GET /", "requests": 1, name: value}
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update(traffic=[served])))
    assert numbers(found) == [1, 3]
    assert skipped == {"sample with a number out of range": 1}


def test_no_more_requests_in_flight_are_kept_than_a_page_can_show() -> None:
    many = [{"endpoint": "GET /" + "x" * 500, "requests": 1, "micros": 5} for _ in range(100)]
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update(under_way=many)))
    assert len(found.samples[1].under_way) == MAX_IN_FLIGHT
    assert {len(one.endpoint) for one in found.samples[1].under_way} == {200}
    many[0]["micros"] = -1
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update(under_way=many)))
    assert skipped == {"sample with a number out of range": 1}


@pytest.mark.parametrize("age", [-1, WORKER_AGE + 1])
def test_a_sample_from_outside_the_lifetime_of_its_worker_is_skipped(age: int) -> None:
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update(age=age)))
    assert numbers(found) == [1, 3]
    assert skipped == {"sample from outside its worker's life": 1}


@pytest.mark.parametrize("age", [0, WORKER_AGE])
def test_the_first_and_the_last_moment_belong_to_a_lifetime(age: int) -> None:
    found, skipped = decode(damaged(lambda whole: whole["samples"][1].update(age=age)))
    assert numbers(found) == [1, 2, 3]
    assert not skipped


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "memory that is not valid JSON of its form"),
    "no JSON": (b"{", "memory that is not valid JSON of its form"),
    "a list": (b"[]", "memory that is not valid JSON of its form"),
    "deep": (b"[" * 100_000, "memory that is not valid JSON of its form"),
    "bytes": (b"\xff\xfe\x00", "memory that is not valid JSON of its form"),
    "no worker": (
        damaged(lambda whole: whole.pop("worker")),
        "memory that is not valid JSON of its form",
    ),
    "a worker without pid": (
        damaged(lambda whole: whole["worker"].pop("pid")),
        "memory that is not valid JSON of its form",
    ),
    "samples that are none": (
        damaged(lambda whole: whole.update(samples=7)),
        "memory that is not valid JSON of its form",
    ),
    "another version": (
        damaged(lambda whole: whole.update(version=2)),
        "memory of a version other than 1",
    ),
    "an id of another length": (
        damaged(lambda whole: whole["worker"].update(id="a" * 31)),
        "memory of a worker whose id is not 32 hexadecimal digits",
    ),
    "an id with a newline": (
        damaged(lambda whole: whole["worker"].update(id="a" * 32 + "\n")),
        "memory of a worker whose id is not 32 hexadecimal digits",
    ),
    "a negative pid": (
        damaged(lambda whole: whole["worker"].update(pid=-1)),
        "memory of a worker whose numbers are out of range",
    ),
    "a life of a century": (
        damaged(lambda whole: whole["worker"].update(age=100 * 365 * 86_400_000_000)),
        "memory of a worker whose numbers are out of range",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_report_without_a_readable_worker_is_skipped_for_one_of_a_few_reasons(
    name: str,
) -> None:
    payload, because = UNREADABLE[name]
    with pytest.raises(UnreadableReport) as problem:
        decode_report(payload, Counter())
    assert str(problem.value) == because


@pytest.mark.parametrize(
    "gone",
    [
        {"worker": "x", "reason": "killed"},
        {"worker": token(3), "reason": "bored"},
        {"worker": token(3), "reason": "killed", "signal": -1},
        {"worker": token(3), "reason": "killed", "code": 1 << 60},
        {"worker": token(3), "reason": "killed", "code": 1 << 70},
        "killed",
    ],
)
def test_a_malformed_exit_is_skipped_and_the_rest_is_kept(gone: object) -> None:
    found, skipped = decode(damaged(lambda whole: whole["exits"].insert(0, gone)))
    assert [one.worker for one in found.exits] == [token(2)]
    assert numbers(found) == [1, 2, 3]
    assert skipped == {"exit that is not of its form": 1}


def test_only_a_hundred_exits_are_decoded() -> None:
    gone = [Exit(worker=token(n), reason=ExitReason.KILLED) for n in range(5_000)]
    found, skipped = decode(report(GOOD_SAMPLES, gone))
    assert len(found.exits) == 100
    assert skipped == {"exit that is not of its form": 4_900}


@pytest.mark.parametrize("lost", [7, {"x": "many"}, {"x": 1 << 70}, {"x": -1}, {"x": 0}])
def test_losses_that_make_no_sense_spoil_nothing_else(lost: object) -> None:
    found, skipped = decode(damaged(lambda whole: whole.update(lost=lost)))
    assert (numbers(found), found.lost) == ([1, 2, 3], {})
    assert not skipped


def test_names_are_cut_to_the_maximum_length() -> None:
    facts: dict[str, Any] = dict.fromkeys(
        ("host", "machine", "release", "environment", "server"), "ü" * 5000
    )
    found, _ = decode(report(GOOD_SAMPLES, (), {"x" * 5_000: 1}, **facts))
    assert {len(getattr(found.worker, name)) for name in facts} == {200}
    assert [len(why) for why in found.lost] == [200]


def test_a_newer_agent_may_send_more_fields() -> None:
    def say_more(whole: dict[str, Any]) -> None:
        whole["colour"] = "blue"
        whole["worker"]["colour"] = whole["samples"][0]["colour"] = "blue"

    found, skipped = decode(damaged(say_more))
    assert numbers(found) == [1, 2, 3]
    assert not skipped


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_payload_does_more_than_be_unreadable(payload: bytes) -> None:
    with pytest.raises(UnreadableReport):
        decode_report(payload, Counter())


ANY_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.sampled_from([*FIELDS, "age", "traffic"]), ANY_JSON)
def test_whatever_a_field_of_a_sample_holds_its_neighbours_are_kept(
    name: str, value: object
) -> None:
    found, _ = decode(damaged(lambda whole: whole["samples"][1].update({name: value})))
    assert {1, 3} <= set(numbers(found))


@given(st.lists(st.integers(0, 9), max_size=5))
def test_traffic_comes_through_unchanged(amounts: list[int]) -> None:
    served = tuple(traffic(f"GET /{n}", requests=amount) for n, amount in enumerate(amounts))
    found, _ = decode(report([sample(1, traffic=served)]))
    assert found.samples[0].traffic == served
