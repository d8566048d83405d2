"""A safety net that is held back is an issue, and is told of through the channels, once."""

from typing import Any

import pytest
from tests.support.desk import Desk, report, token
from tests.support.recycled import net
from tests.support.values import sample

from bugsly.protocol.net import Hindrance, Net, NetState
from bugsly_server.alert.error import tell
from bugsly_server.clock import HOUR, MINUTE, SECOND, Micros
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import ChangeKind, State
from bugsly_server.store.meta import changes, channels, held_back, listing
from bugsly_server.store.meta.listing import Wanted

WATCHING = net()
SPENT = net(
    state=NetState.WAITING,
    hindrance=Hindrance.BUDGET,
    because="recycling: 20 workers of this host went within an hour → mend the leak",
)
STEP = 30 * SECOND


class Netted:
    """A worker that reports every half minute, and what was told of its net."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._samples = 0
        with desk.database.writing() as connection:
            url, at = "https://a.test", desk.clock()
            channels.add(connection, desk.shop, "webhook", "on call", url, at)

    def say(self, word: Net | None, time: Micros) -> None:
        """Let *time* pass, *word* being what it says."""
        for _ in range(time // STEP):
            self.desk.clock.advance(STEP)
            self._samples += 1
            taken = [sample(self._samples, age=self._samples * STEP)]
            facts: dict[str, Any] = {"age": self._samples * STEP, "environment": "production"}
            self.desk.digest(report(taken, net=word, id=token(1), **facts))

    @property
    def told(self) -> list[ChangeKind]:
        return [change.kind for _, change in self.desk.told]

    @property
    def issue(self) -> HeldBack:
        with self.desk.database.reading() as connection:
            found = held_back.of_project(connection, self.desk.shop)
        assert found is not None
        return found

    def alert(self, number: int) -> str:
        """Return the one alert that waits for its channel after change *number*."""
        with self.desk.database.reading() as connection:
            (_delivery,) = channels.of_change(connection, number)
            issue, change = changes.of(connection, number)
        alert = tell("Shop", issue, change, "https://bugs.test", None)
        assert alert.payload["issue"]["kind"] == "net"
        return "\n".join((alert.title, *alert.lines))


@pytest.fixture
def netted(desk: Desk) -> Netted:
    return Netted(desk)


def test_it_is_told_when_it_lasts_and_when_it_is_over_and_no_more(netted: Netted) -> None:
    netted.say(SPENT, 4 * MINUTE)
    assert netted.told == []
    netted.say(SPENT, HOUR)
    assert netted.told == [ChangeKind.OPENED]
    assert (netted.issue.state, netted.issue.environment) == (State.OPEN, "production")
    assert netted.issue.seen_at == netted.desk.clock()
    assert netted.alert(1).startswith(
        "[Shop] The safety net is held back\n"
        "20 workers of this host went within an hour → mend the leak.\n"
    )
    netted.say(WATCHING, HOUR)
    assert netted.told == [ChangeKind.OPENED, ChangeKind.RESOLVED]
    assert netted.alert(2).startswith("[Shop] Resolved: The safety net is held back")
    assert netted.issue.state is State.RESOLVED
    netted.say(SPENT, 10 * MINUTE)
    assert netted.told[2:] == [ChangeKind.CAME_BACK]


def test_one_that_comes_and_goes_is_told_once(netted: Netted) -> None:
    for _ in range(12):
        netted.say(SPENT, MINUTE)
        netted.say(WATCHING, 10 * MINUTE)
    assert netted.told == [ChangeKind.OPENED]


def test_a_restart_of_the_server_repeats_nothing_and_forgets_nothing(netted: Netted) -> None:
    netted.say(SPENT, 10 * MINUTE)
    netted.desk.start()
    netted.say(SPENT, 10 * MINUTE)
    assert netted.told == [ChangeKind.OPENED]
    netted.desk.start()
    netted.say(WATCHING, 40 * MINUTE)
    assert netted.told == [ChangeKind.OPENED, ChangeKind.RESOLVED]


def test_it_is_listed_among_the_issues(netted: Netted) -> None:
    netted.say(SPENT, 10 * MINUTE)
    with netted.desk.database.reading() as connection:
        (listed,), total = listing.page(connection, netted.desk.shop, Wanted(kind="net"))
    assert (listed.title, listed.state, total) == ("The safety net is held back", State.OPEN, 1)
