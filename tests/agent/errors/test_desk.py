from hypothesis import given
from hypothesis import strategies as st
from tests.support.caught import ORIGIN, event

from bugsly.events import MOST_WAITING, EventDesk
from bugsly.protocol.event import Event, encode_event


def ready(one: Event) -> bytes:
    return encode_event(one, ORIGIN)


def test_events_come_out_as_they_went_in() -> None:
    desk = EventDesk()
    made = [event() for _ in range(3)]
    for one in made:
        desk.put(one, 100)
    assert desk.peek(1 << 20) == []
    desk.finish(ready)
    assert desk.peek(1 << 20) == [ready(one) for one in made]


def test_a_batch_is_bounded_and_stays_until_it_is_settled() -> None:
    desk = EventDesk()
    for _ in range(3):
        desk.put(event(), 100)
    desk.finish(ready)
    first = desk.peek(1)
    assert desk.peek(1) == first
    assert len(first) == 1
    desk.settle(first, taken=True)
    assert len(desk.peek(1 << 20)) == 2
    desk.settle(desk.peek(1 << 20), taken=False)
    assert (desk.dropped, desk.refused, desk.due) == (0, 2, False)


def test_the_first_errors_are_kept_when_there_is_no_room() -> None:
    desk = EventDesk(capacity=250)
    made = [event() for _ in range(4)]
    for one in made:
        desk.put(one, 100)
    assert desk.dropped == 2
    desk.finish(lambda one: one.id.encode())
    assert desk.peek(1 << 20) == [one.id.encode() for one in made[:2]]


def test_what_cannot_be_made_ready_is_dropped_and_counted() -> None:
    desk = EventDesk()
    desk.put(event(), 100)
    desk.finish(lambda _: None)
    assert not desk
    assert desk.dropped == 1


def test_a_pause_keeps_events_back() -> None:
    desk = EventDesk()
    desk.put(event(), 100)
    desk.finish(ready)
    desk.pause(0)
    assert desk.due
    desk.pause(600)
    assert desk.peek(1 << 20) == []
    assert bool(desk)


SIZES = st.integers(1, 400)


@given(st.lists(SIZES | st.none(), max_size=60))
def test_every_event_is_sent_kept_or_counted_and_the_bounds_hold(steps: list[int | None]) -> None:
    desk = EventDesk(capacity=1_000)
    put = sent = 0
    for step in steps:
        if step is None:
            desk.finish(ready)
            batch = desk.peek(300)
            desk.settle(batch, taken=True)
            sent += len(batch)
        else:
            put += 1
            desk.put(event(), step)
        waiting = len(desk._drafts) + len(desk._finished)
        assert put == sent + waiting + desk.dropped
        assert waiting <= MOST_WAITING
        assert sum(map(len, desk._finished)) <= 1_000
