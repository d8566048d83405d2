"""Which diagnoses are reported, and which wait for more evidence."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.issues import finding, forecast, suspect
from tests.support.stored_workers import stored_worker

from bugsly_server.clock import Micros
from bugsly_server.detect.leak_finding import finding_from_evidence, finding_with_cause
from bugsly_server.detect.leak_reporting import (
    CAUSE_PATIENCE,
    SOURCE_PATIENCE,
    URGENT_SECONDS,
    FirstSighting,
    PendingEvidence,
    is_ready,
    is_reportable,
    is_urgent,
    may_wait_for_cause,
    stops_by_itself,
)
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.issue import Finding, FindingScope

FIRST = FirstSighting(at=START, entries=1_000)
SHOWN_BY_MEMORY = finding(forecast=None)
EVIDENCE_ALONE = finding(forecast=None, suspects=(suspect(total=0),))
SOON_FULL = finding(forecast=forecast(expected=URGENT_SECONDS - 1))
NOTHING = PendingEvidence(source=False, heap_walk=False)
SOURCE = PendingEvidence(source=True, heap_walk=False)
HEAP_WALK = PendingEvidence(source=False, heap_walk=True)


@pytest.mark.parametrize(
    ("facts", "has_growth", "reported"),
    [
        ({"confidence": 0.85}, False, True),
        ({"confidence": 0.84}, False, False),
        ({"confidence": 0.6}, True, True),
        ({"confidence": 0.59}, True, False),
        ({"confidence": 1.0, "is_leak": False}, True, False),
        ({"cause": Cause.BOUNDED, "confidence": 1.0}, True, False),
        ({"cause": Cause.BUFFERED_RESPONSE, "confidence": 0.1}, False, True),
    ],
)
def test_a_leak_has_to_be_surer_where_memory_does_not_grow(
    facts: dict[str, Any], *, has_growth: bool, reported: bool
) -> None:
    assert is_reportable(diagnosis(**facts), has_growth=has_growth) is reported


@pytest.mark.parametrize(
    ("diagnoses", "stops"),
    [
        ([], False),
        ([diagnosis(Cause.BOUNDED, part=0.5)], True),
        ([diagnosis(Cause.BOUNDED, part=0.49)], False),
        ([diagnosis(Cause.BOUNDED, part=0.3), diagnosis(Cause.RETENTION, part=0.2)], True),
        ([diagnosis(Cause.UNBOUNDED_CACHE, part=1.0)], False),
    ],
)
def test_growth_stops_by_itself_where_half_of_it_is_harmless(
    diagnoses: list[Diagnosis], *, stops: bool
) -> None:
    assert stops_by_itself(diagnoses) is stops


@pytest.mark.parametrize(
    ("found", "urgent"),
    [
        (SOON_FULL, True),
        (finding(forecast=forecast(expected=URGENT_SECONDS)), False),
        (SHOWN_BY_MEMORY, False),
    ],
)
def test_it_is_urgent_where_memory_runs_out_soon(found: Finding, *, urgent: bool) -> None:
    assert is_urgent(found) is urgent


@pytest.mark.parametrize(
    ("name", "found", "pending", "age", "entries", "ready"),
    [
        ("memory shows it", SHOWN_BY_MEMORY, NOTHING, 0, 1_000, True),
        ("only evidence", EVIDENCE_ALONE, NOTHING, 0, 1_000, False),
        ("only evidence, no more", EVIDENCE_ALONE, NOTHING, CAUSE_PATIENCE, 1_199, False),
        ("only evidence, more", EVIDENCE_ALONE, NOTHING, 1, 1_200, True),
        ("source to come", SHOWN_BY_MEMORY, SOURCE, SOURCE_PATIENCE - 1, 1_000, False),
        ("source not coming", SHOWN_BY_MEMORY, SOURCE, SOURCE_PATIENCE, 1_000, True),
        ("source to come, urgent", SOON_FULL, SOURCE, 0, 1_000, False),
        ("walk to come", SHOWN_BY_MEMORY, HEAP_WALK, CAUSE_PATIENCE - 1, 1_000, False),
        ("walk not coming", SHOWN_BY_MEMORY, HEAP_WALK, CAUSE_PATIENCE, 1_000, True),
        ("walk to come, urgent", SOON_FULL, HEAP_WALK, 0, 1_000, True),
    ],
)
def test_a_finding_waits_for_what_may_say_more(
    name: str, found: Finding, pending: PendingEvidence, age: Micros, entries: int, *, ready: bool
) -> None:
    held = diagnosis(entries=entries)
    assert is_ready(found, held, FIRST, pending, START + age) is ready, name


def test_what_has_no_holder_is_ready_when_it_is_seen_again() -> None:
    first = FirstSighting(at=START, entries=0)
    without_holder = diagnosis(holder=None)
    assert not is_ready(EVIDENCE_ALONE, without_holder, first, NOTHING, START)
    assert is_ready(EVIDENCE_ALONE, without_holder, first, NOTHING, START + 1)


def test_growth_without_a_cause_waits_for_a_while() -> None:
    assert may_wait_for_cause(FIRST, START + CAUSE_PATIENCE - 1)
    assert not may_wait_for_cause(FIRST, START + CAUSE_PATIENCE)


def test_a_finding_with_a_cause_says_what_the_diagnosis_says() -> None:
    cause, explanation = diagnosis(), leak_explanation()
    found = finding_with_cause(SHOWN_BY_MEMORY, cause, explanation, "production")
    assert found == replace(
        SHOWN_BY_MEMORY,
        fingerprint="1/growing-container/shop.views.request_log/production",
        environment="production",
        title=explanation.title,
        because="it gains one entry per request",
        diagnosis=cause,
        explanation=explanation,
    )


@pytest.mark.parametrize(
    ("worker_ids", "scope", "release"),
    [
        ((1,), FindingScope.ONE, "1.0"),
        ((1, 2), FindingScope.SOME, "1.0"),
        ((1, 2, 3), FindingScope.ALL, "1.1"),
        ((9,), FindingScope.SOME, ""),
    ],
)
def test_evidence_alone_concerns_the_workers_that_show_it(
    worker_ids: tuple[int, ...], scope: FindingScope, release: str
) -> None:
    members = [
        stored_worker(1),
        stored_worker(2),
        stored_worker(3, release="1.1", started_at=START - 1),
    ]
    found = finding_from_evidence(diagnosis(worker_ids=worker_ids), members, START)
    assert (found.scope, found.release) == (scope, release)
    assert {one.total for one in found.suspects} <= {0}
