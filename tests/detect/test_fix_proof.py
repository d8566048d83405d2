from typing import Any

import pytest
from tests.detect import behaviours as b
from tests.detect.fleets import uniform_fleet
from tests.detect.simulation import Behaviour, SimulatedFleet
from tests.support.clock import START
from tests.support.diagnoses import diagnosis
from tests.support.issues import finding, issue
from tests.support.release_comparison import proof, release_workers

from bugsly_server.clock import DAY
from bugsly_server.detect.fix_proof import (
    awaits_proof,
    fixed_change,
    measure_growth_rate,
    prove_fix,
)
from bugsly_server.model.fix_proof import FixOutcome, ReleaseWorkers
from bugsly_server.model.issue import IssueChangeKind, IssueState

OLD_RELEASE = release_workers("1.0", 4_200.0, 4_200.0, 4_200.0, 4_200.0)


def proof_outcome(
    after: ReleaseWorkers, before: ReleaseWorkers = OLD_RELEASE, **changes: Any
) -> FixOutcome | None:
    found = prove_fix(issue(finding=finding(**changes)), before, after)
    return None if found is None else found.outcome


@pytest.mark.parametrize(
    ("name", "after", "expected"),
    [
        ("still", release_workers("1.1", 0.0, 0.0), FixOutcome.FIXED),
        ("a little, surely small", release_workers("1.1", 200.0, 200.0), FixOutcome.FIXED),
        ("falling", release_workers("1.1", -500.0, half_width=50.0), FixOutcome.FIXED),
        ("a third", release_workers("1.1", 1_400.0), FixOutcome.GROWING),
        ("as before", release_workers("1.1", 4_200.0), FixOutcome.GROWING),
        ("uncertain", release_workers("1.1", 100.0, half_width=900.0), FixOutcome.OPEN),
        (
            "still, over few requests",
            release_workers("1.1", 0.0, half_width=0.0, span=800.0),
            FixOutcome.OPEN,
        ),
        ("workers disagree", release_workers("1.1", 0.0, 0.0, 0.0, 4_200.0), FixOutcome.OPEN),
        ("none known", release_workers("1.1"), None),
    ],
)
def test_only_growth_that_is_surely_small_counts_as_fixed(
    name: str, after: ReleaseWorkers, expected: FixOutcome | None
) -> None:
    assert proof_outcome(after) is expected, name


@pytest.mark.parametrize(
    ("span", "number", "expected"),
    [
        (400.0, 1, FixOutcome.OPEN),
        (1_100.0, 1, FixOutcome.FIXED),
        (900.0, 7, FixOutcome.OPEN),
        (1_000.0, 16, FixOutcome.FIXED),
    ],
)
def test_short_lives_prove_it_together_once_the_leak_would_have_shown_in_them(
    span: float, number: int, expected: FixOutcome
) -> None:
    after = release_workers("1.1", *[0.0] * number, half_width=0.0, span=span)
    assert proof_outcome(after) is expected


@pytest.mark.parametrize(
    ("before", "because"),
    [
        (
            release_workers("1.0", 100.0, half_width=400.0),
            "how fast it grew in 1.0 is not known well enough",
        ),
        (release_workers("1.0", 0.0, 0.0, 0.0, 9_000.0), "how fast it grew in 1.0 is not known"),
        (release_workers("1.0", 4_200.0, is_running=True), "workers of 1.0 are still running"),
    ],
)
def test_without_a_sure_growth_before_or_while_that_goes_on_nothing_is_proved(
    before: ReleaseWorkers, because: str
) -> None:
    found = prove_fix(issue(), before, release_workers("1.1", 0.0, 0.0))
    assert found is not None
    assert found.outcome is FixOutcome.OPEN
    assert because in found.because


def test_a_leak_that_was_a_small_part_of_the_growth_needs_a_smaller_rest() -> None:
    rest = release_workers("1.1", *[200.0] * 4)
    assert proof_outcome(rest, diagnosis=diagnosis(part=1.0, endpoint=None)) is FixOutcome.FIXED
    assert proof_outcome(rest, diagnosis=diagnosis(part=0.2, endpoint=None)) is FixOutcome.GROWING
    assert proof_outcome(rest, diagnosis=diagnosis(part=0.0, endpoint=None)) is not FixOutcome.FIXED


def test_growth_is_given_per_request_of_the_endpoint_that_drives_it() -> None:
    found = prove_fix(
        issue(finding=finding(diagnosis=diagnosis(endpoint="GET /report", part=1.0))),
        release_workers("1.0", *[4_200.0] * 4, driving_part=0.5),
        release_workers("1.1", *[0.0] * 4, driving_part=0.25),
    )
    assert found is not None
    assert found.because == (
        "fixed in 1.1: 8.4 kB per GET /report request before (8.3 kB to 8.5 kB), "
        "0 B (±200 B) after 12,000 of them"
    )


def test_silence_of_the_endpoint_that_drives_it_proves_nothing() -> None:
    drives = finding(diagnosis=diagnosis(endpoint="GET /report", part=1.0))
    found = prove_fix(
        issue(finding=drives), OLD_RELEASE, release_workers("1.1", *[0.0] * 4, driving_part=0.0)
    )
    assert found is not None
    assert found.outcome is FixOutcome.OPEN
    assert found.because.endswith("no GET /report request was answered in 1.1")


def test_the_report_has_both_figures_with_their_intervals() -> None:
    found = prove_fix(issue(), OLD_RELEASE, release_workers("1.1", *[0.0] * 4, half_width=80.0))
    assert found is not None
    assert found.because == (
        "fixed in 1.1: 4.2 kB per request before (4.2 kB to 4.2 kB), "
        "0 B (±40 B) after 48,000 requests"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": IssueState.OPEN}, True),
        ({"state": IssueState.QUIET}, True),
        ({"state": IssueState.RESOLVED, "resolved_at": START}, True),
        ({"state": IssueState.RESOLVED, "resolved_at": START, "seen_at": START - 7 * DAY}, False),
        ({"state": IssueState.RESOLVED, "resolved_at": START, "proof": proof()}, False),
        ({"state": IssueState.RESOLVED}, False),
    ],
)
def test_what_is_open_or_was_resolved_manually_waits_for_its_proof(
    changes: dict[str, Any], *, expected: bool
) -> None:
    assert awaits_proof(issue(**({"seen_at": START} | changes)), START) is expected


def test_only_a_proof_that_it_is_fixed_changes_an_issue() -> None:
    change = fixed_change(proof(), START)
    assert change is not None
    assert (change.kind, change.because) == (IssueChangeKind.FIXED, proof().because)
    assert fixed_change(proof(outcome=FixOutcome.OPEN), START) is None
    assert fixed_change(None, START) is None


def simulated(behaviour: Behaviour, hours: float, max_requests: int = 0) -> ReleaseWorkers:
    rate = 3.0 if max_requests else 20.0
    fleet = SimulatedFleet(uniform_fleet(behaviour, rate, max_requests), 7)
    fleet.run(hours)
    return ReleaseWorkers(
        release="1.0", workers=tuple(fleet.workers), driving_part=1.0, is_running=False
    )


@pytest.mark.parametrize(
    ("name", "after", "hours", "recycled", "expected"),
    [
        ("flat", b.flat, 0.5, 0, True),
        ("noise", b.noisy, 2, 0, True),
        ("warm-up that is over", b.warm_up(60_000_000, 300), 3, 0, True),
        ("recycled, flat", b.flat, 2, 1_000, True),
        ("half of the leak", b.leak(2_100), 2, 0, False),
        ("half of it, recycled", b.leak(2_100), 2, 1_000, False),
        ("a fifth of it, over noise", b.combined(b.leak(840), b.noisy), 2, 0, False),
        ("half of it, over arena noise", b.combined(b.leak(2_100), b.arena_noise), 2, 0, False),
    ],
)
def test_in_simulated_fleets_a_leak_that_goes_on_is_never_called_fixed(
    name: str, after: Behaviour, hours: float, recycled: int, *, expected: bool
) -> None:
    before = simulated(b.leak(4_200), 1, recycled)
    found = measure_growth_rate(before)
    assert found is not None
    assert found.slope == pytest.approx(4_200, rel=0.05)
    judged = prove_fix(issue(), before, simulated(after, hours, recycled))
    assert judged is not None
    assert (judged.outcome is FixOutcome.FIXED) is expected, (name, judged.because)
