"""What reports with evidence leave behind for diagnosis to read."""

from typing import Any

import pytest
from tests.support.clock import START
from tests.support.pipeline_harness import WORKER_AGE, PipelineHarness, report, token
from tests.support.protocol_values import MB, holder, sample, traffic

from bugsly.protocol.evidence import Evidence, HolderCount, ModuleSource, ProbeRequest, ProbeResult
from bugsly.protocol.memory import Exit, ExitReason, Sample
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.model.leak_evidence import EndpointResponses

LOG = holder("shop.views.log", entry_bytes=800)
SEEN = holder("shop.models.Order.seen", kind="dict", bound=100)


def log_sample(number: int, **changes: Any) -> Sample:
    """Return a sample whose log has as many entries as requests were served."""
    fields: dict[str, Any] = {
        "requests": number * 10,
        "anonymous": (50 + number) * MB,
        "in_use": 40 * MB,
        "held": 45 * MB,
        "levels": (HolderCount(holder="shop.views.log", count=number * 10),),
        "traffic": (traffic("GET /log", requests=9, client_errors=1, server_errors=2),),
    }
    return sample(number, **(fields | changes))


def worker_report(*samples: Sample, worker: int = 1, **facts: Any) -> bytes:
    return report(samples, id=token(worker), pid=4000 + worker, **facts)


def test_a_history_shows_its_worker_step_by_step(desk: PipelineHarness) -> None:
    evidence = Evidence(holders=(LOG,), facts={"gc_enabled": 1})
    desk.digest(
        worker_report(
            log_sample(1),
            log_sample(2, blocks=5),
            evidence=evidence,
            release="1.0",
            python="3.12.1",
        )
    )
    (life,) = desk.leak_evidence().histories
    first, second = life.buckets
    assert (life.pid, life.release, life.python, life.facts) == (
        4001,
        "1.0",
        "3.12.1",
        {"gc_enabled": 1},
    )
    assert first.at == START - WORKER_AGE + 10 * SECOND
    assert (
        second.requests,
        second.anonymous,
        second.in_use,
        second.allocator_bytes,
        second.blocks,
    ) == (
        20,
        52 * MB,
        40 * MB,
        45 * MB,
        5,
    )
    assert (second.served, second.failed) == ({"GET /log": 9}, {"GET /log": 3})
    assert [one.holder_counts for one in life.buckets] == [
        {"shop.views.log": 10},
        {"shop.views.log": 20},
    ]


def test_the_latest_description_of_a_holder_is_the_one_that_is_known(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1), evidence=Evidence(holders=(LOG, SEEN))))
    later = holder("shop.views.log", entry_bytes=900, details={"hits": 3})
    desk.digest(worker_report(log_sample(2), worker=2, evidence=Evidence(holders=(later,))))
    assert desk.leak_evidence().holders == {one.name: one for one in (later, SEEN)}


def test_a_holder_that_is_counted_before_it_is_described_loses_nothing(
    desk: PipelineHarness,
) -> None:
    desk.digest(worker_report(log_sample(1)))
    assert [one.holder_counts for one in desk.leak_evidence().histories[0].buckets] == [{}]
    desk.digest(worker_report(log_sample(2), evidence=Evidence(holders=(LOG,))))
    assert [one.holder_counts for one in desk.leak_evidence().histories[0].buckets] == [
        {"shop.views.log": 10},
        {"shop.views.log": 20},
    ]


def test_reports_digested_again_add_nothing_to_the_evidence(desk: PipelineHarness) -> None:
    entries = [
        desk.entry(worker_report(log_sample(n), evidence=Evidence(holders=(LOG,))))
        for n in range(1, 6)
    ]
    desk.pipeline.digest(entries)
    before = desk.leak_evidence()
    desk.pipeline.digest(entries)
    desk.start().digest(entries[:3])
    assert desk.leak_evidence() == before


def test_what_was_written_of_steps_before_the_rest_failed_is_not_added_twice(
    desk: PipelineHarness,
) -> None:
    entry = desk.entry(
        worker_report(log_sample(1), log_sample(2), evidence=Evidence(holders=(LOG,)))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bugsly_server.store.meta.workers.update_from_reports", _failing)
        with pytest.raises(OSError, match="power"):
            desk.pipeline.digest([entry])
    desk.start().digest([entry])
    assert [one.served for one in desk.leak_evidence().histories[0].buckets] == [
        {"GET /log": 9}
    ] * 2


def _failing(*_: object) -> None:
    raise OSError("the power went out")


def test_the_evidence_goes_on_after_a_restart(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1), evidence=Evidence(holders=(LOG,))))
    desk.start()
    desk.digest(worker_report(log_sample(2)))
    assert [
        one.holder_counts["shop.views.log"] for one in desk.leak_evidence().histories[0].buckets
    ] == [10, 20]


def test_workers_of_another_environment_or_project_are_of_other_evidence(
    desk: PipelineHarness,
) -> None:
    other = desk.project("billing")
    desk.digest(worker_report(log_sample(1), environment="production"))
    desk.digest(worker_report(log_sample(1), worker=2, environment="staging"))
    desk.digest(worker_report(log_sample(1), worker=3, environment="production"), project=other)
    assert [one.pid for one in desk.leak_evidence("production").histories] == [4001]
    assert [one.pid for one in desk.leak_evidence("production", other).histories] == [4003]
    assert desk.leak_evidence("nowhere").histories == ()


def test_workers_that_ended_lately_follow_the_living_ones(desk: PipelineHarness) -> None:
    ended = Exit(worker=token(1), reason=ExitReason.MAX_REQUESTS)
    desk.digest(worker_report(log_sample(1)), worker_report(log_sample(1), worker=2))
    desk.digest(report((), [ended], id=token(1), pid=4001))
    assert [one.pid for one in desk.leak_evidence().histories] == [4002, 4001]


def test_bodies_are_counted_by_endpoint(desk: PipelineHarness) -> None:
    whole = traffic("GET /report", requests=3, biggest=9 * MB, whole=8 * MB)
    streamed = traffic("GET /report", requests=2, biggest=10 * MB, streamed=2)
    desk.digest(worker_report(log_sample(1, traffic=(whole,)), log_sample(2, traffic=(streamed,))))
    assert desk.leak_evidence().responses == {
        "GET /report": EndpointResponses(
            responses=5, streamed=2, max_bytes=10 * MB, max_whole_bytes=8 * MB
        )
    }


def test_a_worker_has_two_hundred_holders_and_the_others_are_counted(desk: PipelineHarness) -> None:
    names = [f"shop.views.log_{n}" for n in range(220)]
    desk.digest(
        *[
            worker_report(
                log_sample(
                    n, levels=[HolderCount(holder=name, count=1) for name in names[n : n + 20]]
                )
            )
            for n in range(1, 202, 20)
        ]
    )
    described = [Evidence(holders=tuple(map(holder, names[n : n + 90]))) for n in (1, 91, 181)]
    desk.digest(
        *[worker_report(log_sample(300 + n), evidence=one) for n, one in enumerate(described)]
    )
    assert len(desk.leak_evidence().holders) == 200
    assert desk.skipped()["holder beyond the 200 of a worker"] >= 19


def test_holders_of_a_worker_not_heard_of_for_two_days_are_forgotten(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1), evidence=Evidence(holders=(LOG,))))
    desk.clock.advance(2 * DAY + HOUR)
    desk.pipeline.apply_retention(90 * DAY, desk.clock())
    desk.digest(
        worker_report(log_sample(2, age=3 * DAY), age=3 * DAY, evidence=Evidence(holders=(SEEN,)))
    )
    assert list(desk.leak_evidence().holders) == [SEEN.name]
    assert [one.requests for one in desk.leak_evidence().histories[0].buckets] == [20]


def test_an_answer_to_what_was_not_asked_is_counted_and_leaves_no_source(
    desk: PipelineHarness,
) -> None:
    read = ModuleSource(file="views.py", module="views", text="x = 1")
    desk.digest(
        worker_report(
            log_sample(1), evidence=Evidence(answers=(ProbeResult(ask=9, sources=(read,)),))
        )
    )
    assert desk.leak_evidence().sources == {}
    assert desk.skipped() == {"answer to what was not asked, or no longer": 1}


def test_an_ask_is_sent_once_and_expires_if_it_is_not_answered(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1)))
    trim = ProbeRequest(id=0, probe="trim")
    assert desk.pipeline.request_probe(desk.worker(), trim, desk.clock())
    desk.tend()
    (sent,) = desk.pending_probe_requests.take(desk.shop, token(1), None)
    for _ in range(2):
        desk.tend()
        assert desk.pending_probe_requests.take(desk.shop, token(1), None) == []
    assert not desk.pipeline.request_probe(desk.worker(), trim, desk.clock())
    desk.clock.advance(5 * MINUTE)
    desk.tend()
    assert desk.pipeline.request_probe(desk.worker(), trim, desk.clock())
    (again,) = desk.pending_probe_requests.take(desk.shop, token(1), None)
    assert again.request.id > sent.request.id


def test_an_ask_that_expired_unsent_is_not_sent_any_more(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1)))
    assert desk.pipeline.request_probe(
        desk.worker(), ProbeRequest(id=0, probe="trim"), desk.clock()
    )
    desk.clock.advance(5 * MINUTE)
    desk.tend()
    assert desk.pending_probe_requests.take(desk.shop, token(1), None) == []


def test_an_ask_taken_before_it_is_stored_as_sent_is_not_taken_again(desk: PipelineHarness) -> None:
    desk.digest(worker_report(log_sample(1)))
    assert desk.pipeline.request_probe(
        desk.worker(), ProbeRequest(id=0, probe="trim"), desk.clock()
    )
    (sent,) = desk.pending_probe_requests.take(desk.shop, token(1), None)
    desk.pending_probe_requests.replace_all([sent])
    assert desk.pending_probe_requests.take(desk.shop, token(1), None) == []
