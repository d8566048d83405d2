"""What was acknowledged survives a kill, once."""

import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.support.bugsly_command import RunningCommand, run_bugsly, running_bugsly
from tests.support.sample_senders import SampleSender
from tests.support.stored_data import spooled_entries, stored_samples
from tests.support.wait import wait_until

from bugsly.protocol.dsn import Dsn, parse_dsn

SENDERS = 6
KILLS = 4


class ServerAddress:
    """Where the server listens at the moment, and its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.dsn = parse_dsn("http://nobody@127.0.0.1:1/1")

    def __call__(self) -> Dsn:
        return self.dsn

    def follow(self, server: RunningCommand) -> None:
        address = server.await_output(r"serves at (http://\S+)")
        shown = run_bugsly("dsn", "app", "--data-dir", str(self._folder), "--public-url", address)
        self.dsn = parse_dsn(shown.stdout.strip().splitlines()[-1])


@pytest.mark.timeout(180)
def test_every_acknowledged_sample_is_kept_exactly_once_however_often_the_server_is_killed(
    tmp_path: Path,
) -> None:
    address = ServerAddress(tmp_path)
    senders = [SampleSender(address) for _ in range(SENDERS)]
    serve = ("serve", "--port", "0", "--data-dir", str(tmp_path))
    try:
        for _ in range(KILLS):
            with running_bugsly(*serve) as server:
                address.follow(server)
                goal = _sum(senders) + random.randint(100, 500)  # seeded by pytest-randomly
                wait_until(lambda goal=goal: _sum(senders) >= goal, 60, "samples")  # type: ignore[misc]
                server.end(signal.SIGKILL)
        with running_bugsly(*serve) as server:
            address.follow(server)
            goal = _sum(senders) + 100
            wait_until(lambda: _sum(senders) >= goal, 60, "samples after the last kill")
            for sender in senders:
                sender.stop()
            wait_until(lambda: spooled_entries(tmp_path) == 0, 30, "an empty spool")
            assert server.end() == 0
    finally:
        for sender in senders:
            sender.stop()
    found = stored_samples(tmp_path)
    for sender in senders:
        kept = found[sender.token]
        sent = Counter(range(1, sender.acknowledged + 1))
        assert sent - kept == Counter(), "acknowledged and lost"
        assert kept - sent <= Counter([sender.acknowledged + 1]), "kept twice"


def _sum(senders: list[SampleSender]) -> int:
    return sum(sender.acknowledged for sender in senders)
