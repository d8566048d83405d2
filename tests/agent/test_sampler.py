from collections.abc import Iterator

import pytest
from tests.support.protocol_values import decode_samples
from tests.support.wait import wait_until

from bugsly import sampler as samplers
from bugsly.guard import Guards
from bugsly.outbox import Outbox
from bugsly.probes import process
from bugsly.probes.census import Census, CensusSchedule
from bugsly.probes.holder_registry import HolderRegistry
from bugsly.probes.traffic import TrafficProbe
from bugsly.protocol.memory import Sample
from bugsly.sampler import PSS_INTERVAL_MICROS, Sampler, SamplerProbes

MINUTE = 60_000_000


class SampledWorker:
    """A sampler whose samples stay in the outbox."""

    def __init__(self, every: float) -> None:
        self.outbox = Outbox()
        self.traffic = TrafficProbe()
        self.wakes = 0
        self.guards = Guards()
        census = Census(list)
        holders = HolderRegistry({"census": census}, self.guards)
        probes = SamplerProbes(self.traffic, holders, CensusSchedule(census, every))
        self.sampler = Sampler(every, probes, self.outbox, self._wake, self.guards)

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def samples(self) -> list[Sample]:
        return decode_samples(self.outbox.peek(1 << 30)[0])


@pytest.fixture
def sampled() -> Iterator[SampledWorker]:
    rarely = SampledWorker(every=3600)
    yield rarely
    rarely.sampler.close(10)


@pytest.fixture
def busy() -> Iterator[SampledWorker]:
    often = SampledWorker(every=0.02)
    yield often
    often.sampler.close(10)


def test_the_first_sample_is_taken_at_once(sampled: SampledWorker) -> None:
    sampled.sampler.start()
    wait_until(lambda: sampled.samples, what="a sample")
    (first,) = sampled.samples
    assert first.number == 1
    assert first.anonymous > 1_000_000
    assert 0 < first.used < first.limit
    assert first.threads >= 2
    assert first.descriptors > 3
    assert first.proportional
    wait_until(lambda: sampled.wakes == 1, what="the sender is woken")


def test_a_last_sample_is_taken_at_the_end(sampled: SampledWorker) -> None:
    sampled.sampler.start()
    wait_until(lambda: sampled.samples, what="a sample")
    sampled.traffic.request_started()
    sampled.traffic.request_finished(("GET", "/"), 200, 5, 7)
    sampled.sampler.close(10)
    first, last = sampled.samples
    assert (first.requests, last.requests) == (0, 1)
    assert [(one.endpoint, one.requests, one.sent) for one in last.traffic] == [("GET /", 1, 7)]


def test_samples_are_numbered_and_never_younger(busy: SampledWorker) -> None:
    busy.sampler.start()
    wait_until(lambda: len(busy.samples) > 5, what="six samples")
    samples = busy.samples
    assert [one.number for one in samples] == list(range(1, len(samples) + 1))
    assert [one.age for one in samples] == sorted(one.age for one in samples)


def test_the_proportional_size_is_read_every_five_minutes(
    busy: SampledWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages = iter(range(0, 10**12, MINUTE))
    monkeypatch.setattr(process, "age", lambda: next(ages))
    busy.sampler.start()
    wait_until(lambda: len(busy.samples) > 12, what="thirteen samples")
    read = [one.age // MINUTE for one in busy.samples[:13] if one.proportional is not None]
    assert read == [0, 5, 10]
    assert PSS_INTERVAL_MICROS == 5 * MINUTE


def test_a_probe_that_fails_costs_one_sample_and_is_counted(
    busy: SampledWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no /proc today")

    monkeypatch.delenv("BUGSLY_STRICT")
    with monkeypatch.context() as broken:
        broken.setattr(process, "read_memory", fail)
        busy.sampler.start()
        wait_until(lambda: busy.guards.failures.get("sampler", 0) > 2, what="three failures")
        assert busy.outbox
        assert busy.outbox.peek(1000) == ([], [])
    wait_until(lambda: busy.samples, what="a sample after them")
    assert busy.samples[0].number > 3


def test_a_limit_that_cannot_be_read_costs_no_sample(
    busy: SampledWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("a cgroup of another kind")

    monkeypatch.delenv("BUGSLY_STRICT")
    monkeypatch.setattr(samplers, "read_headroom", fail)
    busy.sampler.start()
    wait_until(lambda: busy.samples, what="a sample")
    assert (busy.samples[0].limit, busy.samples[0].used) == (0, 0)
    assert busy.samples[0].anonymous > 0
    assert list(busy.guards.failures) == ["sampler.limit"]
