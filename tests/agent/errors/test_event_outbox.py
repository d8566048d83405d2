from hypothesis import given
from hypothesis import strategies as st
from tests.support.captured_errors import ORIGIN, event

from bugsly.event_outbox import MAX_WAITING_EVENTS, EventOutbox
from bugsly.protocol.event import CapturedEvent, encode_event


def encode_ready(draft: CapturedEvent) -> bytes:
    return encode_event(draft, ORIGIN)


def test_events_come_out_as_they_went_in() -> None:
    desk = EventOutbox()
    made = [event() for _ in range(3)]
    for draft in made:
        desk.put(draft, 100)
    assert desk.peek(1 << 20) == []
    desk.encode_pending(encode_ready)
    assert desk.peek(1 << 20) == [encode_ready(one) for one in made]


def test_a_batch_is_bounded_and_stays_until_it_is_settled() -> None:
    desk = EventOutbox()
    for _ in range(3):
        desk.put(event(), 100)
    desk.encode_pending(encode_ready)
    first = desk.peek(1)
    assert desk.peek(1) == first
    assert len(first) == 1
    desk.acknowledge(first, accepted=True)
    assert len(desk.peek(1 << 20)) == 2
    desk.acknowledge(desk.peek(1 << 20), accepted=False)
    assert (desk.dropped, desk.refused, desk.is_due) == (0, 2, False)


def test_the_first_errors_are_kept_when_there_is_no_room() -> None:
    desk = EventOutbox(capacity=250)
    made = [event() for _ in range(4)]
    for draft in made:
        desk.put(draft, 100)
    assert desk.dropped == 2
    desk.encode_pending(lambda draft: draft.id.encode())
    assert desk.peek(1 << 20) == [one.id.encode() for one in made[:2]]


def test_what_cannot_be_made_ready_is_dropped_and_counted() -> None:
    desk = EventOutbox()
    desk.put(event(), 100)
    desk.encode_pending(lambda _: None)
    assert not desk
    assert desk.dropped == 1


def test_a_pause_keeps_events_back() -> None:
    desk = EventOutbox()
    desk.put(event(), 100)
    desk.encode_pending(encode_ready)
    desk.pause(0)
    assert desk.is_due
    desk.pause(600)
    assert desk.peek(1 << 20) == []
    assert bool(desk)


SIZES = st.integers(1, 400)


@given(st.lists(SIZES | st.none(), max_size=60))
def test_every_event_is_sent_kept_or_counted_and_the_bounds_hold(steps: list[int | None]) -> None:
    desk = EventOutbox(capacity=1_000)
    put = sent = 0
    for step in steps:
        if step is None:
            desk.encode_pending(encode_ready)
            batch = desk.peek(300)
            desk.acknowledge(batch, accepted=True)
            sent += len(batch)
        else:
            put += 1
            desk.put(event(), step)
        waiting = len(desk._pending) + len(desk._encoded)
        assert put == sent + waiting + desk.dropped
        assert waiting <= MAX_WAITING_EVENTS
        assert sum(map(len, desk._encoded)) <= 1_000
