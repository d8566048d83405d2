"""Workers under the safety net: recycled again and again, and told of all the same."""

from typing import Any

from tests.support.desk import Desk, report, token
from tests.support.recycled import net
from tests.support.reporting import Reporting, kinds, let_pass
from tests.support.values import MB, holder, traffic

from bugsly.protocol.evidence import Evidence, Level
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.net import NetState
from bugsly_server.clock import MINUTE
from bugsly_server.model.issue import Issue, State
from bugsly_server.store.meta import issues

LOG = holder("shop.views.log", entry_bytes=7_000, entry="dict")
BECAUSE = "its private memory, 140 MB, passed 135 MB"


class Recycled(Reporting):
    """A worker that leaks 7 kB a request, and that its safety net ends."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(desk, number, 7_000.0, release="1.0", evidence=Evidence(holders=(LOG,)))

    def payload(self, **changes: Any) -> bytes:
        held = (Level(holder=LOG.name, count=200 * (self.samples + 1)),)
        machine = {"used": 2_000 * MB, "limit": 4_000 * MB}
        served = (traffic("GET /orders", requests=200),)
        return super().payload(levels=held, traffic=served, **machine, **changes)

    def leave(self) -> bytes:
        """Return its last words."""
        gone = Exit(worker=token(self.number), reason=ExitReason.RECYCLED, because=BECAUSE)
        return report(exits=[gone], age=self.desk.clock() - self._begun, **self._facts)


def recycle(desk: Desk, lives: int, each: int = 5 * MINUTE) -> None:
    """Let one worker after the other live for *each*."""
    for number in range(1, lives + 1):
        worker = Recycled(desk, number)
        let_pass(desk, each, worker)
        desk.digest(worker.leave())


def only_issue(desk: Desk) -> Issue:
    with desk.database.reading() as connection:
        (found,) = issues.every(connection, desk.shop)
    return found


def test_the_end_of_a_recycled_worker_is_kept_with_its_because(desk: Desk) -> None:
    recycle(desk, 1)
    ended = desk.worker(1)
    assert (ended.exit_reason, ended.exit_because) == (ExitReason.RECYCLED, BECAUSE)


def test_a_leak_is_told_across_lives_that_are_recycled_and_stays_open(desk: Desk) -> None:
    recycle(desk, 24)
    assert "opened" in kinds(desk)
    assert not {"quiet", "resolved", "fixed"} & set(kinds(desk))
    found = only_issue(desk)
    assert found.state is State.OPEN
    assert found.finding.recycled is not None
    assert found.finding.recycled.times >= 23
    assert found.finding.recycled.what == "shop.views.log"
    assert found.finding.recycled.full_at is not None


def test_that_its_workers_are_recycled_is_told_once_a_day(desk: Desk) -> None:
    recycle(desk, 24)
    told = [change.because for _, change in desk.told if "recycled" in change.because]
    assert len(told) == 1
    assert told[0].startswith("its workers were recycled ")


def test_lives_too_short_to_be_judged_do_not_make_the_leak_quiet(desk: Desk) -> None:
    recycle(desk, 6)
    for number in range(7, 30):
        worker = Recycled(desk, number)
        let_pass(desk, 2 * MINUTE, worker)
        desk.digest(worker.leave())
    assert only_issue(desk).state is State.OPEN


def test_what_a_worker_says_of_its_net_is_kept_until_it_says_otherwise(desk: Desk) -> None:
    watching = net(recycled=3)
    desk.digest(report(net=watching))
    assert desk.worker().net == watching
    desk.digest(report())
    assert desk.worker().net is None


def test_a_worker_that_fell_silent_while_leaving_was_recycled(desk: Desk) -> None:
    leaving, sibling = Reporting(desk, 1), Reporting(desk, 2)
    let_pass(desk, MINUTE, leaving, sibling)
    because = "its private memory passed 400 MB"
    going = net(state=NetState.LEAVING, because=because)
    desk.digest(report(age=desk.clock() - leaving._begun, net=going, **leaving._facts))
    let_pass(desk, 5 * MINUTE, sibling)
    assert desk.worker(1).exit_reason is ExitReason.RECYCLED
