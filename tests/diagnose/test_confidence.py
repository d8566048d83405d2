"""How confident a diagnosis is where the growth may yet stop, or few requests drive it."""

import pytest
from tests.support.leak_evidence import (
    HOME,
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    source,
    worker_history,
)

from bugsly_server.diagnose.confidence import GUESS_CONFIDENCE, REMOVAL_DOUBT
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Diagnosis

NAME = "shop.views.log"
VIEW = "def orders():\n    log.append(1)\n"
SWEEP = "def sweep():\n    log.clear()\n"


def diagnosis_of_source(text: str) -> Diagnosis:
    """Return what is said of a list in a module with *text*."""
    facts = leak_evidence(
        worker_history({NAME: gain_per_request(ORDERS)}),
        holders=(holder(),),
        sources=(source(text),),
    )
    (found,) = diagnose(facts, [])
    return found


@pytest.mark.parametrize(
    ("steps", "kind", "confidence"),
    [(30, "list", [GUESS_CONFIDENCE]), (90, "list", [0.77]), (90, "dict", [])],
)
def test_what_one_request_in_sixty_adds_to_is_a_guess_and_then_a_leak(
    steps: int, kind: str, confidence: list[float]
) -> None:
    seldom = worker_history(
        {NAME: gain_per_request(ORDERS)},
        traffic=lambda step: {ORDERS: step % 3, HOME: 60},
        number=steps,
    )
    found = diagnose(leak_evidence(seldom, holders=(holder(kind=kind),)), [])
    assert [one.evidence.confidence for one in found] == confidence


def test_confidence_is_lower_where_the_source_removes_entries() -> None:
    sure, unsure = diagnosis_of_source(VIEW), diagnosis_of_source(VIEW + SWEEP)
    assert [one.holder and one.holder.removes_entries for one in (sure, unsure)] == [False, True]
    assert unsure.evidence.confidence == pytest.approx(sure.evidence.confidence - REMOVAL_DOUBT)
