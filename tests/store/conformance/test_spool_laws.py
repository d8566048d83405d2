"""A spool behaves like a list with a mark in it, whatever a server does with it."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.store.conformance.spool_backends import append_one_by_one, open_sqlite, payloads
from tests.support.event_loop import ThreadedEventLoop
from tests.support.wait import wait_until

from bugsly_server.store.ports import SpoolEntry


class SqliteSpoolMachine(RuleBasedStateMachine):
    """Compares a spool with a list of what waits, and how much of it is leased."""

    open = staticmethod(open_sqlite)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = ThreadedEventLoop()
        self.spool = self.open(Path(self.folder.name))
        self.waiting: list[str] = []
        self.leased: list[SpoolEntry] = []
        self.named = 0

    @rule(amount=st.integers(1, 4))
    def append(self, amount: int) -> None:
        names = [str(self.named + index) for index in range(amount)]
        self.named += amount
        append_one_by_one(self.loop, self.spool, *names)
        self.waiting += names

    @rule(most=st.integers(1, 5))
    def lease(self, most: int) -> None:
        found = self.spool.lease(most)
        begin = len(self.leased)
        assert payloads(found) == self.waiting[begin : begin + most]
        self.leased += found

    @precondition(lambda self: self.leased)
    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        amount = max(1, round(share * len(self.leased)))
        self.spool.acknowledge(self.leased[:amount])
        del self.leased[:amount], self.waiting[:amount]

    @rule()
    def give_back(self) -> None:
        self.spool.release_leases()
        self.leased = []

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = self.open(Path(self.folder.name))
        self.leased = []

    @invariant()
    def depth_is_what_waits(self) -> None:
        wait_until(lambda: self.spool.depth() == len(self.waiting), what="the right depth")

    def teardown(self) -> None:
        self.spool.close()
        self.loop.close()
        self.folder.cleanup()


TestSqliteSpool = SqliteSpoolMachine.TestCase
TestSqliteSpool.settings = settings(max_examples=20, stateful_step_count=25)
