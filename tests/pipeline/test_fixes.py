"""A leak, a release that fixes it or does not, and what happens to its issue."""

from typing import Any

import pytest
from tests.support.issues import change
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import holder, traffic
from tests.support.simulated_workers import SimulatedWorker, advance_time, change_kinds

from bugsly.protocol.evidence import Evidence, HolderCount
from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import MINUTE
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import Issue, IssueChangeKind, IssueState
from bugsly_server.store.meta import accounts, leak_issues

LOG = holder("shop.views.log", entry_bytes=7_000, entry="dict")


class ReleaseWorker(SimulatedWorker):
    """A worker of a release: it serves one endpoint, and may keep an entry of each request."""

    def __init__(
        self,
        desk: PipelineHarness,
        number: int,
        release: str,
        per_request: float = 0.0,
        endpoint: str = "GET /orders",
    ) -> None:
        holds = {"evidence": Evidence(holders=(LOG,))} if per_request else {}
        super().__init__(desk, number, per_request, release=release, **holds)
        self.endpoint = endpoint

    def payload(self, **changes: Any) -> bytes:
        entries = 200 * (self.samples + 1)
        held = (HolderCount(holder=LOG.name, count=entries),) if self.bytes_per_request else ()
        served = traffic(self.endpoint, requests=200)
        return super().payload(levels=held, traffic=(served,), **changes)

    def exit_report(self) -> bytes:
        """Return its last words."""
        gone = Exit(worker=token(self.number), reason=ExitReason.TERMINATED)
        age = self.desk.clock() - self._started_at
        return report(exits=[gone], age=age, **self._facts)


def release_fleet(
    desk: PipelineHarness, first: int, release: str, *about: Any
) -> list[ReleaseWorker]:
    """Return two workers of *release* whose numbers begin with *first*."""
    return [ReleaseWorker(desk, number, release, *about) for number in (first, first + 1)]


def deploy(desk: PipelineHarness, old: list[ReleaseWorker], new: list[ReleaseWorker]) -> None:
    """Replace *old* by *new*, which then run for half an hour."""
    desk.digest(*(one.exit_report() for one in old))
    advance_time(desk, 30 * MINUTE, *new)


def only_issue(desk: PipelineHarness) -> Issue:
    with desk.database.reading() as connection:
        (found,) = leak_issues.list_all(connection, desk.shop)
    return found


@pytest.fixture
def leaking(desk: PipelineHarness) -> list[ReleaseWorker]:
    """Two workers of release 1.0, whose leak is reported."""
    made = release_fleet(desk, 1, "1.0", 7_000.0)
    advance_time(desk, 10 * MINUTE, *made)
    assert change_kinds(desk) == ["opened"]
    return made


def test_the_release_without_the_leak_resolves_the_issue_with_both_figures(
    desk: PipelineHarness, leaking: list[ReleaseWorker]
) -> None:
    deploy(desk, leaking, release_fleet(desk, 3, "1.1"))
    assert change_kinds(desk) == ["opened", "fixed"]
    found = only_issue(desk)
    assert found.state is IssueState.RESOLVED
    assert found.proof is not None
    assert desk.announced[1][1].because == found.proof.because
    assert found.proof.because.startswith("fixed in 1.1: 7 kB per GET /orders request before (")


def test_a_later_release_with_the_leak_reopens_it_as_a_regression(
    desk: PipelineHarness, leaking: list[ReleaseWorker]
) -> None:
    fixed = release_fleet(desk, 3, "1.1")
    deploy(desk, leaking, fixed)
    deploy(desk, fixed, release_fleet(desk, 5, "1.2", 7_000.0))
    assert change_kinds(desk) == ["opened", "fixed", "came back"]
    assert desk.announced[2][1].because == "a regression: it was fixed in 1.1, and grows again"
    assert only_issue(desk).proof is None


@pytest.mark.parametrize(
    ("about", "because"),
    [
        (("1.1", 3_000.0), "a smaller leak is a leak"),
        (("1.1", 0.0, "GET /health"), "the endpoint that drives it was not asked for"),
        (("1.0",), "the same release, restarted, proves nothing"),
        (("",), "a release without a name is none"),
    ],
)
def test_without_proof_it_is_not_called_fixed(
    desk: PipelineHarness, leaking: list[ReleaseWorker], about: tuple[Any, ...], because: str
) -> None:
    deploy(desk, leaking, release_fleet(desk, 3, *about))
    assert "fixed" not in change_kinds(desk), because


def test_while_workers_of_the_old_release_run_it_is_not_called_fixed(
    desk: PipelineHarness, leaking: list[ReleaseWorker]
) -> None:
    desk.digest(leaking[0].exit_report())
    leaking[1].bytes_per_request = 0.0
    advance_time(desk, 20 * MINUTE, leaking[1], *release_fleet(desk, 3, "1.1"))
    assert "fixed" not in change_kinds(desk)


def test_what_a_person_resolved_is_reported_as_fixed_once_that_is_proved(
    desk: PipelineHarness, leaking: list[ReleaseWorker]
) -> None:
    with desk.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, desk.clock())
        resolved = change(IssueChangeKind.RESOLVED, at=desk.clock())
        record_leak_change(connection, desk.shop, only_issue(desk), resolved, ada.id)
    deploy(desk, leaking, release_fleet(desk, 3, "1.1"))
    assert change_kinds(desk) == ["opened", "fixed"]
