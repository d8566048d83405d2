"""What a batch of reports leaves in meta and in telemetry."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.clock import START
from tests.support.pipeline_harness import PipelineHarness, pipeline_harness, report, token
from tests.support.protocol_values import MB, sample, traffic

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.store.meta import releases, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import StoredSample
from bugsly_server.store.telemetry import SqliteTelemetry

SERVED = (traffic("GET /", requests=5), traffic("GET /items", requests=7))


def three_samples(worker_number: int) -> bytes:
    """Return a report of three samples that carry the worker's number as their size."""
    size = worker_number * MB
    taken = [sample(n, anonymous=size, requests=n * 10, traffic=SERVED) for n in (1, 2, 3)]
    return report(taken, id=token(worker_number), pid=worker_number)


def everything_stored(desk: PipelineHarness, project: int | None = None) -> object:
    """Return all that is known of a project: its workers, their samples, their traffic."""
    known = desk.workers(project)
    ids = [one.id for one in known.values()]
    points = desk.telemetry.points(ids, START - DAY, START + DAY, 99_999)
    return known, points, desk.telemetry.traffic(ids, START - HOUR, START + SECOND)


def test_workers_samples_and_traffic_are_kept(desk: PipelineHarness) -> None:
    desk.digest(three_samples(1), three_samples(2))
    assert sorted(desk.workers()) == [token(1), token(2)]
    assert [one.last for one in desk.points(2)] == [2 * MB] * 3
    assert desk.worker(2).requests == 30
    ids = [one.id for one in desk.workers().values()]
    served = desk.telemetry.traffic(ids, START - HOUR, START + SECOND)
    with desk.database.reading() as connection:
        names = workers.endpoint_names(connection, desk.shop)
    assert {names[key]: one.requests for key, one in served.items()} == {
        "GET /": 30,
        "GET /items": 42,
    }


def test_digesting_again_adds_nothing(desk: PipelineHarness) -> None:
    entries = [desk.entry(three_samples(n)) for n in range(1, 6)]
    desk.pipeline.digest(entries)
    before = everything_stored(desk)
    desk.pipeline.digest(entries)
    desk.start().digest(entries[:3])
    assert everything_stored(desk) == before


def test_a_reused_pid_is_another_worker(desk: PipelineHarness) -> None:
    desk.digest(report([sample(1)], pid=7, id=token(1)), report([sample(1)], pid=7, id=token(2)))
    assert [one.pid for one in desk.workers().values()] == [7, 7]


def test_two_hosts_of_one_name_are_kept_apart(desk: PipelineHarness) -> None:
    desk.digest(
        report([sample(1)], host="web", machine="a", id=token(1)),
        report([sample(1)], host="web", machine="b", id=token(2)),
    )
    assert [one.machine for one in desk.workers().values()] == ["a", "b"]


def test_projects_in_one_batch_are_stored_separately(desk: PipelineHarness) -> None:
    other = desk.project("billing")
    batch = [(desk.shop, 1), (other, 1), (desk.shop, 2), (other, 3)]
    touched = desk.pipeline.digest([desk.entry(three_samples(n), project) for project, n in batch])
    assert touched == {desk.shop, other}
    assert sorted(desk.workers()) == [token(1), token(2)]
    assert sorted(desk.workers(other)) == [token(1), token(3)]
    assert [one.last for one in desk.points(3, other)] == [3 * MB] * 3


def test_bad_samples_and_reports_are_counted_and_their_neighbours_kept(
    desk: PipelineHarness,
) -> None:
    spoiled = three_samples(1).replace(b'"number":2,', b'"number":"2",')
    desk.digest(spoiled, b"nonsense", three_samples(2))
    assert (len(desk.points(1)), len(desk.points(2))) == (2, 3)
    assert desk.skipped() == {
        "sample that is not of its form": 1,
        "memory that is not valid JSON of its form": 1,
    }


def test_a_batch_without_readable_reports_is_digested(desk: PipelineHarness) -> None:
    assert desk.pipeline.digest([desk.entry(b"nonsense")]) == set()
    assert desk.skipped() == {"memory that is not valid JSON of its form": 1}


def test_a_sample_older_than_the_finest_tier_is_counted(desk: PipelineHarness) -> None:
    old, young = sample(1, age=0), sample(2, age=DAY + HOUR)
    desk.digest(report([old, young], age=DAY + HOUR + SECOND))
    assert len(desk.points()) == 1
    assert desk.skipped() == {"sample older than samples are kept": 1}


def test_the_same_endpoint_twice_in_a_sample_is_added_up(desk: PipelineHarness) -> None:
    twice = (traffic(requests=5, biggest=9), traffic(requests=2, biggest=70))
    desk.digest(report([sample(1, traffic=twice)]))
    served = desk.telemetry.traffic([desk.worker().id], START - HOUR, START + SECOND)
    assert [(one.requests, one.biggest) for one in served.values()] == [(7, 70)]


def test_endpoints_beyond_a_thousand_are_counted_and_the_rest_of_the_sample_is_kept(
    desk: PipelineHarness,
) -> None:
    many = tuple(traffic(f"GET /{n:04}") for n in range(1_020))
    desk.digest(report([sample(1, traffic=many)]))
    desk.digest(report([sample(2, age=2 * SECOND, traffic=(traffic("GET /new"),))]))
    assert len(desk.points()) == 2
    served = desk.telemetry.traffic([desk.worker().id], START - HOUR, START + SECOND)
    assert len(served) == 1_000
    assert desk.skipped() == {
        "endpoint beyond the 1,000 of a sample": 20,
        "traffic of an endpoint beyond the 1,000 of a project": 1,
    }


def test_a_release_is_first_seen_when_its_first_worker_started(desk: PipelineHarness) -> None:
    desk.digest(
        report([sample(1, age=1)], age=2 * MINUTE, id=token(1), release="1.0"),
        report([sample(1, age=1)], age=5 * MINUTE, id=token(2), release="1.0"),
        report([sample(1, age=1)], age=1 * MINUTE, id=token(3), release="2.0"),
    )
    desk.digest(report([sample(1)], id=token(4)))
    with desk.database.reading() as connection:
        assert sorted(releases.list_newest(connection, desk.shop, 9)) == [
            ("1.0", START - 5 * MINUTE),
            ("2.0", START - MINUTE),
        ]


def test_an_exit_is_reported_by_the_worker_or_by_a_sibling(desk: PipelineHarness) -> None:
    gone = Exit(worker=token(1), reason=ExitReason.MAX_REQUESTS)
    killed = Exit(worker=token(2), reason=ExitReason.KILLED, signal=9)
    desk.digest(three_samples(1), three_samples(2), three_samples(3))
    desk.digest(report(exits=[gone], id=token(1)), report(exits=[killed], id=token(3)))
    assert [desk.worker(n).exit_reason for n in (1, 2, 3)] == ["max_requests", "killed", None]
    assert desk.worker(2).exit_signal == 9
    assert desk.worker(1).ended_at == desk.worker(1).seen_at


def test_an_exit_in_the_first_report_of_a_worker_is_recorded(desk: PipelineHarness) -> None:
    gone = Exit(worker=token(1), reason=ExitReason.FINISHED)
    desk.digest(report([sample(1)], [gone], id=token(1)))
    assert desk.worker(1).exit_reason is ExitReason.FINISHED


def test_the_exit_of_an_unknown_worker_is_counted(desk: PipelineHarness) -> None:
    killed = Exit(worker=token(9), reason=ExitReason.KILLED)
    desk.digest(report([sample(1)], [killed]))
    assert desk.skipped() == {"exit of a worker never heard of": 1}


def test_a_late_sample_does_not_undo_what_a_master_saw(desk: PipelineHarness) -> None:
    desk.digest(three_samples(1))
    killed = Exit(worker=token(1), reason=ExitReason.KILLED, signal=9)
    desk.digest(report([sample(1)], [killed], id=token(2)))
    desk.digest(report([sample(4, requests=40)], id=token(1)))
    assert desk.worker(1).exit_reason is ExitReason.KILLED
    assert len(desk.points(1)) == 4


class PowerCut(BaseException):
    """The process ends without any cleanup."""


class CutTelemetry(SqliteTelemetry):
    """Telemetry that loses power after it has written, or before."""

    cut = ""

    def write(self, samples: Sequence[StoredSample]) -> None:
        if self.cut != "before":
            super().write(samples)
        if self.cut:
            raise PowerCut


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("first", [[1, 2], [2, 1]])
def test_a_crash_while_samples_are_written_loses_and_confuses_nothing(
    tmp_path: Path, first: list[int], moment: str
) -> None:
    with pipeline_harness(tmp_path) as cut:
        cut.telemetry = CutTelemetry(tmp_path / "telemetry", 90)
        cut.telemetry.cut = moment
        other = cut.project("billing")
        before = [cut.entry(three_samples(n), other) for n in first]
        with pytest.raises(PowerCut):
            cut.start().digest(before)
        cut.telemetry.cut = ""
        newer = [cut.entry(three_samples(3)), *before, cut.entry(three_samples(4), other)]
        for entry in newer:
            cut.start().digest([entry])
        for number in (*first, 4):
            assert [point.last for point in cut.points(number, other)] == [number * MB] * 3
        assert [point.last for point in cut.points(3)] == [3 * MB] * 3
        ids = [one.id for one in cut.workers(other).values()]
        served = cut.telemetry.traffic(ids, START - HOUR, START + SECOND)
        assert sorted(one.requests for one in served.values()) == [3 * 15, 3 * 21]


def test_a_failed_transaction_leaves_no_wrong_endpoint_ids_in_memory(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(workers, "update_from_reports", fail)
        with pytest.raises(PowerCut):
            desk.digest(three_samples(1))
    desk.digest(three_samples(1))
    served = desk.telemetry.traffic([desk.worker(1).id], START - HOUR, START + SECOND)
    with desk.database.reading() as connection:
        assert served.keys() == workers.endpoint_names(connection, desk.shop).keys()


def test_a_worker_that_two_reports_introduce_is_stored_once(desk: PipelineHarness) -> None:
    first = report([sample(1, requests=1)], id=token(1))
    second = report([sample(2, age=20 * SECOND, requests=2)], id=token(1))
    desk.digest(first, second)
    assert (len(desk.workers()), desk.worker(1).samples, len(desk.points(1))) == (1, 2, 2)


def test_reading_while_a_batch_is_recorded_waits_for_nothing(
    desk: PipelineHarness, tmp_path: Path
) -> None:
    desk.digest(three_samples(1))
    reader = Database(tmp_path / "meta.db")
    with desk.database.writing() as writing, reader.reading() as reading:
        workers.update_from_reports(writing, desk.workers().values())
        assert len(workers.list_living(reading, desk.shop)) == 1
    reader.close()
