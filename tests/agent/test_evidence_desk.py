from typing import Any

import pytest
from tests.support.fake_server import FakeServer, reply
from tests.support.post import Post
from tests.support.wait import wait_until

from bugsly.evidence import MAX_ANSWERS, MAX_HOLDERS, EvidenceDesk
from bugsly.protocol.evidence import Answer, Evidence, Holder


def holder(name: str = "log", **fields: Any) -> Holder:
    return Holder(name=name, kind="list", **fields)


def test_nothing_waits_on_an_empty_desk() -> None:
    assert EvidenceDesk().peek() is None


def test_what_was_taken_is_not_told_again() -> None:
    desk = EvidenceDesk()
    desk.put_holders([holder()])
    desk.put_answer(Answer(ask=1))
    desk.put_facts({"gc_enabled": 1})
    told = desk.peek()
    assert told == Evidence(holders=(holder(),), answers=(Answer(ask=1),), facts={"gc_enabled": 1})
    desk.settle(taken=True)
    assert desk.peek() is None


def test_what_could_not_be_sent_waits() -> None:
    desk = EvidenceDesk()
    desk.put_holders([holder()])
    assert desk.peek() == desk.peek() == Evidence(holders=(holder(),))


def test_a_refusal_costs_answers_and_no_descriptions() -> None:
    desk = EvidenceDesk()
    desk.put_holders([holder()])
    desk.put_answer(Answer(ask=1))
    desk.put_facts({"gc_enabled": 1})
    desk.peek()
    desk.settle(taken=False)
    assert desk.peek() == Evidence(holders=(holder(),), facts={"gc_enabled": 1})


def test_what_comes_while_a_report_is_under_way_goes_with_the_next() -> None:
    desk = EvidenceDesk()
    desk.put_holders([holder()])
    desk.peek()
    desk.put_holders([holder(entry_bytes=7), holder("other")])
    desk.settle(taken=True)
    assert desk.peek() == Evidence(holders=(holder(entry_bytes=7), holder("other")))


def test_a_fact_is_told_again_when_it_changed() -> None:
    desk = EvidenceDesk()
    for enabled, told in ((1, True), (1, False), (0, True)):
        desk.put_facts({"gc_enabled": enabled})
        assert (desk.peek() is not None) is told
        desk.settle(taken=True)


def test_what_waits_is_bounded() -> None:
    desk = EvidenceDesk()
    desk.put_holders(holder(f"log{number}") for number in range(MAX_HOLDERS + 10))
    for number in range(MAX_ANSWERS + 3):
        desk.put_answer(Answer(ask=number))
    told = desk.peek()
    assert told is not None
    assert [one.name for one in told.holders][::99] == ["log10", f"log{MAX_HOLDERS + 9}"]
    assert [one.ask for one in told.answers] == list(range(3, MAX_ANSWERS + 3))


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("status", [503, 403])
def test_descriptions_are_sent_until_a_server_has_taken_them(
    status: int, server: FakeServer, post: Post
) -> None:
    server.answers += [reply(status)] * 2
    post.outbox.evidence.put_holders([holder()])
    for number in range(1, 4):
        post.put()
        wait_until(lambda: len(server.reports) >= number, what="a report")  # noqa: B023 - done with at once
    assert post.sender.flush(10)
    post.put()
    assert post.sender.flush(10)
    told = [one.evidence for one in server.reports]
    assert told[:3] == [Evidence(holders=(holder(),))] * 3
    assert told[3:] == [None] * (len(told) - 3)


def test_what_a_leaver_holds_waits_until_it_was_told() -> None:
    desk, held = EvidenceDesk(), Answer(ask=0, problem="no room")
    desk.put_parting(held)
    assert desk.peek() == desk.peek() == Evidence(parting=held)
    desk.settle(taken=True)
    assert desk.peek() is None
