from collections.abc import Iterator

import pytest
from tests.support.fake_server import FakeServer
from tests.support.post import Post

from bugsly import reply as replies
from bugsly import sender as senders


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let senders give up and try again in no time."""
    monkeypatch.setattr(replies, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(replies, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(senders, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(senders, "TIMEOUT", 0.3)
    monkeypatch.setattr(senders, "LAST_TIMEOUT", 0.3)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def post(server: FakeServer) -> Iterator[Post]:
    sending = Post(server.dsn)
    sending.sender.start()
    yield sending
    sending.sender.close(5)
