"""A sender with what it sends, for tests of the one against a server."""

from collections.abc import Iterable

from tests.support.captured_errors import ORIGIN, event
from tests.support.fake_server import FakeServer
from tests.support.protocol_values import sample, worker

from bugsly.guard import Guards
from bugsly.outbox import Outbox
from bugsly.protocol.dsn import parse_dsn
from bugsly.protocol.event import CapturedEvent, encode_event
from bugsly.protocol.evidence import ProbeRequest
from bugsly.protocol.memory import Exit, encode_report, encode_sample
from bugsly.sender import Sender, SenderCallbacks


class SenderHarness:
    """A sender with its outbox, which numbers the samples it puts."""

    def __init__(self, dsn: str, capacity: int = 1_000_000) -> None:
        self.outbox = Outbox(capacity)
        self.probe_requests: list[ProbeRequest] = []
        self.sender = Sender(
            parse_dsn(dsn),
            self.outbox,
            SenderCallbacks(self._report, self._finish, self.probe_requests.extend),
            Guards()("sender"),
            {"worker": worker().id, "secret": "s" * 32},
        )
        self._number = 0

    def _report(self, samples: Iterable[bytes], exits: Iterable[Exit]) -> bytes:
        lost = {"dropped": self.outbox.dropped, "refused": self.outbox.refused}
        return encode_report(worker(), samples, exits, lost, self.outbox.evidence.peek())

    def _finish(self, event: CapturedEvent) -> bytes | None:
        return encode_event(event, ORIGIN)

    def put_events(self, count: int = 1) -> list[str]:
        """Put events, and return their ids."""
        made = [event() for _ in range(count)]
        for queued in made:
            self.outbox.events.put(queued, 1_000)
        self.sender.wake()
        return [one.id for one in made]

    def put_samples(self, count: int = 1) -> None:
        for _ in range(count):
            self._number += 1
            self.outbox.put(encode_sample(sample(self._number)))
        self.sender.wake()


def sample_numbers(server: FakeServer) -> list[int]:
    return [one.number for one in server.samples]
