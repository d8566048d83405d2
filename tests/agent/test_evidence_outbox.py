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


def test_what_was_accepted_is_not_sent_again() -> None:
    outbox = EvidenceOutbox()
    outbox.put_holders([holder()])
    outbox.put_result(ProbeResult(ask=1))
    outbox.put_facts({"gc_enabled": 1})
    sent = outbox.peek()
    assert sent == Evidence(
        holders=(holder(),), answers=(ProbeResult(ask=1),), facts={"gc_enabled": 1}
    )
    outbox.acknowledge(accepted=True)
    assert outbox.peek() is None


def test_what_could_not_be_sent_waits() -> None:
    outbox = EvidenceOutbox()
    outbox.put_holders([holder()])
    assert outbox.peek() == outbox.peek() == Evidence(holders=(holder(),))


def test_a_refusal_costs_answers_and_no_descriptions() -> None:
    outbox = EvidenceOutbox()
    outbox.put_holders([holder()])
    outbox.put_result(ProbeResult(ask=1))
    outbox.put_facts({"gc_enabled": 1})
    outbox.peek()
    outbox.acknowledge(accepted=False)
    assert outbox.peek() == Evidence(holders=(holder(),), facts={"gc_enabled": 1})


def test_what_comes_while_a_report_is_in_flight_goes_with_the_next() -> None:
    outbox = EvidenceOutbox()
    outbox.put_holders([holder()])
    outbox.peek()
    outbox.put_holders([holder(entry_bytes=7), holder("other")])
    outbox.acknowledge(accepted=True)
    assert outbox.peek() == Evidence(holders=(holder(entry_bytes=7), holder("other")))


def test_a_fact_is_sent_again_when_it_changed() -> None:
    outbox = EvidenceOutbox()
    for enabled, is_sent in ((1, True), (1, False), (0, True)):
        outbox.put_facts({"gc_enabled": enabled})
        assert (outbox.peek() is not None) is is_sent
        outbox.acknowledge(accepted=True)


def test_what_waits_is_bounded() -> None:
    outbox = EvidenceOutbox()
    outbox.put_holders(holder(f"log{number}") for number in range(MAX_HOLDERS + 10))
    for number in range(MAX_RESULTS + 3):
        outbox.put_result(ProbeResult(ask=number))
    sent = outbox.peek()
    assert sent is not None
    assert [one.name for one in sent.holders][::99] == ["log10", f"log{MAX_HOLDERS + 9}"]
    assert [one.ask for one in sent.answers] == list(range(3, MAX_RESULTS + 3))


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
    sent = [one.evidence for one in server.reports]
    assert sent[:3] == [Evidence(holders=(holder(),))] * 3
    assert sent[3:] == [None] * (len(sent) - 3)


def test_a_final_snapshot_waits_until_it_is_accepted() -> None:
    outbox, snapshot = EvidenceOutbox(), ProbeResult(ask=0, problem="no room")
    outbox.put_final_snapshot(snapshot)
    assert outbox.peek() == outbox.peek() == Evidence(parting=snapshot)
    outbox.acknowledge(accepted=True)
    assert outbox.peek() is None
