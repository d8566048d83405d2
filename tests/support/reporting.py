"""Workers that report to a desk while time passes."""

from typing import Any

from tests.support.desk import Desk, report, token
from tests.support.values import MB, sample

from bugsly_server.clock import SECOND, Micros

STEP = 10 * SECOND


class Reporting:
    """A worker that reports a sample every ten seconds, as it lives."""

    def __init__(self, desk: Desk, number: int, per_request: float = 0.0, **facts: Any) -> None:
        self.desk = desk
        self.number = number
        self.per_request = per_request
        self.samples = 0
        self._begun = desk.clock() - SECOND
        self._facts = {"id": token(number), "pid": number, "every": STEP, **facts}

    def payload(self, **changes: Any) -> bytes:
        self.samples += 1
        requests = self.samples * 200
        size = round(100 * MB + self.per_request * requests)
        age = self.desk.clock() - self._begun
        fields = {
            "age": age,
            "anonymous": size,
            "requests": requests,
            "in_flight": self.samples % 3,
        }
        return report([sample(self.samples, **(fields | changes))], age=age, **self._facts)


def let_pass(desk: Desk, time: Micros, *fleet: Reporting) -> None:
    """Let *time* pass, the workers of *fleet* reporting and the store being tended."""
    for _ in range(time // STEP):
        desk.clock.advance(STEP)
        desk.digest(*(one.payload() for one in fleet))
        desk.tend()


def kinds(desk: Desk) -> list[str]:
    return [change.kind.value for _, change in desk.told]
