"""Where nothing grows, nothing is diagnosed."""

import pytest
from tests.support.leak_evidence import (
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    worker_history,
)

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory


def _seldom_growing() -> list[tuple[str, LeakEvidence]]:
    young: WorkerHistory = worker_history({"shop.views.log": gain_per_request(ORDERS)}, number=4)
    still = worker_history({"shop.views.log": lambda _: 200})
    saw = worker_history({"shop.views.log": lambda sofar: sofar.requests % 100})
    held: tuple[Holder, ...] = (holder(),)
    return [
        ("nobody", LeakEvidence(histories=(), holders={})),
        ("nothing seen", leak_evidence(worker_history())),
        ("young", leak_evidence(young, holders=held)),
        ("still", leak_evidence(still, holders=held)),
        ("emptied again and again", leak_evidence(saw, holders=held)),
    ]


@pytest.mark.parametrize(("name", "evidence"), _seldom_growing())
def test_where_nothing_grows_there_is_no_diagnosis(name: str, evidence: LeakEvidence) -> None:
    assert diagnose(evidence, []) == (), name
