from typing import Any

import pytest
from tests.support.fake_server import FakeServer, reply
from tests.support.sender_harness import SenderHarness
from tests.support.wait import wait_until

from bugsly.evidence_outbox import MAX_HOLDERS, MAX_RESULTS, EvidenceOutbox
from bugsly.protocol.evidence import Evidence, Holder, ProbeResult


def holder(name: str = "log", **fields: Any) -> Holder:
    return Holder(name=name, kind="list", **fields)


def test_nothing_waits_in_an_empty_outbox() -> None:
    assert EvidenceOutbox().peek() is None


def test_what_was_taken_is_not_told_again() -> None:
    desk = EvidenceOutbox()
    desk.put_holders([holder()])
    desk.put_result(ProbeResult(ask=1))
    desk.put_facts({"gc_enabled": 1})
    told = desk.peek()
    assert told == Evidence(
        holders=(holder(),), answers=(ProbeResult(ask=1),), facts={"gc_enabled": 1}
    )
    desk.acknowledge(accepted=True)
    assert desk.peek() is None


def test_what_could_not_be_sent_waits() -> None:
    desk = EvidenceOutbox()
    desk.put_holders([holder()])
    assert desk.peek() == desk.peek() == Evidence(holders=(holder(),))


def test_a_refusal_costs_answers_and_no_descriptions() -> None:
    desk = EvidenceOutbox()
    desk.put_holders([holder()])
    desk.put_result(ProbeResult(ask=1))
    desk.put_facts({"gc_enabled": 1})
    desk.peek()
    desk.acknowledge(accepted=False)
    assert desk.peek() == Evidence(holders=(holder(),), facts={"gc_enabled": 1})


def test_what_comes_while_a_report_is_in_flight_goes_with_the_next() -> None:
    desk = EvidenceOutbox()
    desk.put_holders([holder()])
    desk.peek()
    desk.put_holders([holder(entry_bytes=7), holder("other")])
    desk.acknowledge(accepted=True)
    assert desk.peek() == Evidence(holders=(holder(entry_bytes=7), holder("other")))


def test_a_fact_is_told_again_when_it_changed() -> None:
    desk = EvidenceOutbox()
    for enabled, told in ((1, True), (1, False), (0, True)):
        desk.put_facts({"gc_enabled": enabled})
        assert (desk.peek() is not None) is told
        desk.acknowledge(accepted=True)


def test_what_waits_is_bounded() -> None:
    desk = EvidenceOutbox()
    desk.put_holders(holder(f"log{number}") for number in range(MAX_HOLDERS + 10))
    for number in range(MAX_RESULTS + 3):
        desk.put_result(ProbeResult(ask=number))
    told = desk.peek()
    assert told is not None
    assert [one.name for one in told.holders][::99] == ["log10", f"log{MAX_HOLDERS + 9}"]
    assert [one.ask for one in told.answers] == list(range(3, MAX_RESULTS + 3))


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("status", [503, 403])
def test_descriptions_are_sent_until_a_server_has_taken_them(
    status: int, server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies += [reply(status)] * 2
    post.outbox.evidence.put_holders([holder()])
    for number in range(1, 4):
        post.put_samples()
        wait_until(lambda: len(server.reports) >= number, what="a report")  # noqa: B023 - done with at once
    assert post.sender.flush(10)
    post.put_samples()
    assert post.sender.flush(10)
    told = [one.evidence for one in server.reports]
    assert told[:3] == [Evidence(holders=(holder(),))] * 3
    assert told[3:] == [None] * (len(told) - 3)


def test_what_a_leaver_holds_waits_until_it_was_told() -> None:
    desk, held = EvidenceOutbox(), ProbeResult(ask=0, problem="no room")
    desk.put_final_snapshot(held)
    assert desk.peek() == desk.peek() == Evidence(parting=held)
    desk.acknowledge(accepted=True)
    assert desk.peek() is None
