"""Workers that report to a desk while time passes."""

from typing import Any

from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import MB, sample

from bugsly_server.clock import SECOND, Micros

SAMPLE_INTERVAL = 10 * SECOND


class SimulatedWorker:
    """A worker that reports a sample every ten seconds, as it lives."""

    def __init__(
        self, desk: PipelineHarness, number: int, bytes_per_request: float = 0.0, **facts: Any
    ) -> None:
        self.desk = desk
        self.number = number
        self.bytes_per_request = bytes_per_request
        self.samples = 0
        self._started_at = desk.clock() - SECOND
        self._facts = {"id": token(number), "pid": number, "every": SAMPLE_INTERVAL, **facts}

    def payload(self, **changes: Any) -> bytes:
        self.samples += 1
        requests = self.samples * 200
        size = round(100 * MB + self.bytes_per_request * requests)
        age = self.desk.clock() - self._started_at
        fields = {
            "age": age,
            "anonymous": size,
            "requests": requests,
            "in_flight": self.samples % 3,
        }
        return report([sample(self.samples, **(fields | changes))], age=age, **self._facts)


def advance_time(desk: PipelineHarness, duration: Micros, *fleet: SimulatedWorker) -> None:
    """Let *duration* pass, the workers of *fleet* reporting and the store being tended."""
    for _ in range(duration // SAMPLE_INTERVAL):
        desk.clock.advance(SAMPLE_INTERVAL)
        desk.digest(*(one.payload() for one in fleet))
        desk.tend()


def change_kinds(desk: PipelineHarness) -> list[str]:
    return [change.kind.value for _, change in desk.announced]
