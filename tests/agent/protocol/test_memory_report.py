import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.protocol_values import sample, traffic, worker

from bugsly.protocol.memory import (
    VERSION,
    EndpointInFlight,
    Exit,
    ExitReason,
    MemoryReport,
    Sample,
    SampledTraffic,
    encode_report,
    encode_sample,
)
from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState

COUNTS = st.integers(0, 1 << 50)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
TRAFFICS = st.builds(
    SampledTraffic,
    endpoint=TEXTS,
    requests=COUNTS,
    client_errors=COUNTS,
    server_errors=COUNTS,
    micros=COUNTS,
    sent=COUNTS,
    biggest=COUNTS,
)
UNDER_WAY = st.builds(EndpointInFlight, endpoint=TEXTS, requests=COUNTS, micros=COUNTS)
SAMPLES = st.builds(
    Sample,
    number=st.integers(1, 1 << 50),
    age=COUNTS,
    anonymous=COUNTS,
    shared=COUNTS,
    swapped=COUNTS,
    peak=COUNTS,
    proportional=st.none() | st.integers(1, 1 << 50),
    descriptors=COUNTS,
    threads=COUNTS,
    requests=COUNTS,
    in_flight=COUNTS,
    under_way=st.lists(UNDER_WAY, max_size=2).map(tuple),
    used=COUNTS,
    limit=COUNTS,
    oom_kills=COUNTS,
    traffic=st.lists(TRAFFICS, max_size=3).map(tuple),
)
EXITS = st.builds(
    Exit,
    worker=TEXTS,
    reason=st.sampled_from(ExitReason),
    signal=COUNTS,
    code=COUNTS,
    because=TEXTS,
)


NETS = st.builds(
    RecyclerReport,
    at=COUNTS,
    state=st.sampled_from(RecyclerState),
    because=TEXTS,
    hindrance=st.none() | st.sampled_from(Hindrance),
    recycled=COUNTS,
    recycled_today=COUNTS,
)


@given(
    st.lists(SAMPLES, max_size=3),
    st.lists(EXITS, max_size=3),
    st.dictionaries(TEXTS, COUNTS),
    st.none() | NETS,
)
def test_a_report_reads_back(
    samples: list[Sample], exits: list[Exit], lost: dict[str, int], net: RecyclerReport | None
) -> None:
    payload = encode_report(worker(), map(encode_sample, samples), exits, lost, net=net)
    assert msgspec.json.decode(payload, type=MemoryReport) == MemoryReport(
        version=VERSION,
        worker=worker(),
        samples=tuple(samples),
        exits=tuple(exits),
        lost=lost,
        net=net,
    )


@pytest.mark.parametrize(
    ("given_sample", "fields"),
    [
        (sample(), {"number": 1, "age": 10_000_000, "anonymous": 50_000_000}),
        (sample(age=0, anonymous=0), {"number": 1, "age": 0, "anonymous": 0}),
        (
            sample(requests=3, traffic=(traffic(requests=3),)),
            {"number": 1, "age": 10_000_000, "anonymous": 50_000_000, "requests": 3}
            | {
                "traffic": [
                    {"endpoint": "GET /", "requests": 3, "client_errors": 0, "server_errors": 0}
                    | {"micros": 0, "sent": 0, "biggest": 0, "whole": 0, "streamed": 0}
                ]
            },
        ),
    ],
)
def test_a_sample_leaves_out_what_stands_at_its_default(
    given_sample: Sample, fields: dict[str, Any]
) -> None:
    assert json.loads(encode_sample(given_sample)) == fields
