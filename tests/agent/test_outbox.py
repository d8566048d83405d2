from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from bugsly.outbox import MAX_EXITS, Outbox
from bugsly.protocol.memory import Exit, ExitReason

CAPACITY = 100


def sample(number: int, size: int) -> bytes:
    return b"%06d" % number + b"x" * size


def ended(worker: str = "a") -> Exit:
    return Exit(worker=worker, reason=ExitReason.KILLED)


def test_samples_come_out_in_the_order_they_went_in() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put(sample(number, 10))
    assert outbox.peek(1000) == ([sample(number, 10) for number in range(5)], [])


def test_looking_takes_nothing_out() -> None:
    outbox = Outbox()
    outbox.put(b"one")
    assert outbox.peek(1000) == outbox.peek(1000) == ([b"one"], [])


def test_a_batch_is_bounded_in_bytes() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put(sample(number, 34))
    assert outbox.peek(100)[0] == [sample(0, 34), sample(1, 34)]


def test_a_sample_larger_than_a_batch_goes_alone() -> None:
    outbox = Outbox()
    outbox.put(sample(0, 500))
    outbox.put(sample(1, 1))
    assert outbox.peek(100)[0] == [sample(0, 500)]


def test_the_oldest_samples_make_room() -> None:
    outbox = Outbox(CAPACITY)
    for number in range(5):
        outbox.put(sample(number, 34))
    assert outbox.peek(1000)[0] == [sample(3, 34), sample(4, 34)]
    assert outbox.dropped == 3


def test_a_sample_larger_than_the_outbox_is_dropped() -> None:
    outbox = Outbox(CAPACITY)
    outbox.put(sample(0, 500))
    assert not outbox
    assert outbox.dropped == 1


def test_equal_samples_are_distinguished() -> None:
    outbox = Outbox()
    outbox.put(bytes(bytearray(b"same")))
    samples, exits = outbox.peek(4)
    outbox.put(bytes(bytearray(b"same")))
    outbox.remove(samples, exits)
    assert outbox.peek(1000)[0] == [b"same"]
    assert outbox.dropped == 0


def test_an_exit_waits_until_it_is_settled() -> None:
    outbox = Outbox()
    outbox.put_exit(ended("a"))
    _, exits = outbox.peek(1000)
    outbox.put_exit(ended("b"))
    outbox.remove([], exits)
    assert outbox.peek(1000) == ([], [ended("b")])
    assert outbox


def test_exits_are_bounded() -> None:
    outbox = Outbox()
    for number in range(MAX_EXITS + 5):
        outbox.put_exit(ended(str(number)))
    _, exits = outbox.peek(1000)
    assert exits == [ended(str(number)) for number in range(5, MAX_EXITS + 5)]


def test_a_failure_asks_for_one_report() -> None:
    outbox = Outbox()
    outbox.put_failure()
    assert outbox
    samples, exits = outbox.peek(1000)
    assert (samples, exits) == ([], [])
    outbox.remove(samples, exits)
    assert not outbox


@dataclass
class OutboxLedger:
    """What went into an outbox and out of it."""

    outbox: Outbox = field(default_factory=lambda: Outbox(CAPACITY))
    put_count: int = 0
    sent: list[bytes] = field(default_factory=list)

    def write(self, size: int) -> None:
        self.put_count += 1
        self.outbox.put(sample(self.put_count, size))

    def waiting(self) -> list[bytes]:
        return self.outbox.peek(1 << 30)[0]

    def send_batch(self, max_bytes: int, meanwhile: list[int]) -> None:
        """Send a batch during which *meanwhile* is put, and have it acknowledged."""
        samples, exits = self.outbox.peek(max_bytes)
        for size in meanwhile:
            self.write(size)
        self.outbox.remove(samples, exits)
        self.sent += samples


SIZES = st.integers(0, CAPACITY + 10)
POSTS = st.tuples(st.integers(1, CAPACITY), st.lists(SIZES, max_size=6))


@given(st.lists(SIZES | POSTS, max_size=40))
def test_every_sample_is_sent_kept_or_counted_as_dropped_and_none_overtakes(
    steps: list[int | tuple[int, list[int]]],
) -> None:
    ledger = OutboxLedger()
    for step in steps:
        if isinstance(step, int):
            ledger.write(step)
        else:
            ledger.send_batch(*step)
        waiting = ledger.waiting()
        assert sum(map(len, waiting)) <= CAPACITY
        assert ledger.put_count == len(ledger.sent) + len(waiting) + ledger.outbox.dropped
        assert ledger.sent + waiting == sorted(set(ledger.sent + waiting))
