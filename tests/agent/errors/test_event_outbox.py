"""Events that wait to be sent, within limits."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.captured_errors import ORIGIN, event

from bugsly.event_outbox import MAX_WAITING_EVENTS, EventOutbox
from bugsly.protocol.event import CapturedEvent, encode_event


def encode_ready(draft: CapturedEvent) -> bytes:
    return encode_event(draft, ORIGIN)


def test_events_keep_their_order() -> None:
    outbox = EventOutbox()
    made = [event() for _ in range(3)]
    for draft in made:
        outbox.put(draft, 100)
    assert outbox.peek(1 << 20) == []
    outbox.encode_pending(encode_ready)
    assert outbox.peek(1 << 20) == [encode_ready(one) for one in made]


def test_a_batch_is_limited_and_stays_until_it_is_acknowledged() -> None:
    outbox = EventOutbox()
    for _ in range(3):
        outbox.put(event(), 100)
    outbox.encode_pending(encode_ready)
    first = outbox.peek(1)
    assert outbox.peek(1) == first
    assert len(first) == 1
    outbox.acknowledge(first, accepted=True)
    assert len(outbox.peek(1 << 20)) == 2
    outbox.acknowledge(outbox.peek(1 << 20), accepted=False)
    assert (outbox.dropped, outbox.refused, outbox.is_due) == (0, 2, False)


def test_the_first_errors_are_kept_when_there_is_no_room() -> None:
    outbox = EventOutbox(capacity=250)
    made = [event() for _ in range(4)]
    for draft in made:
        outbox.put(draft, 100)
    assert outbox.dropped == 2
    outbox.encode_pending(lambda draft: draft.id.encode())
    assert outbox.peek(1 << 20) == [one.id.encode() for one in made[:2]]


def test_an_event_that_cannot_be_encoded_is_dropped_and_counted() -> None:
    outbox = EventOutbox()
    outbox.put(event(), 100)
    outbox.encode_pending(lambda _: None)
    assert not outbox
    assert outbox.dropped == 1


def test_a_pause_keeps_events_back() -> None:
    outbox = EventOutbox()
    outbox.put(event(), 100)
    outbox.encode_pending(encode_ready)
    outbox.pause(0)
    assert outbox.is_due
    outbox.pause(600)
    assert outbox.peek(1 << 20) == []
    assert bool(outbox)


SIZES = st.integers(1, 400)


@given(st.lists(SIZES | st.none(), max_size=60))
def test_every_event_is_sent_kept_or_counted_within_the_limits(steps: list[int | None]) -> None:
    outbox = EventOutbox(capacity=1_000)
    put = sent = 0
    for step in steps:
        if step is None:
            outbox.encode_pending(encode_ready)
            batch = outbox.peek(300)
            outbox.acknowledge(batch, accepted=True)
            sent += len(batch)
        else:
            put += 1
            outbox.put(event(), step)
        waiting = len(outbox._pending) + len(outbox._encoded)
        assert put == sent + waiting + outbox.dropped
        assert waiting <= MAX_WAITING_EVENTS
        assert sum(map(len, outbox._encoded)) <= 1_000
