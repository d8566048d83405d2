from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.model.probe_status import ProbeRequestState, ProbeRequestStatus
from bugsly_server.pending_probe_requests import PendingProbeRequests


def probe_request(number: int, secret_hash: str | None = None) -> ProbeRequestStatus:
    return ProbeRequestStatus(
        request=ProbeRequest(id=number, probe="trim"),
        project_id=1,
        worker_id=7,
        token="a",
        secret_hash=secret_hash,
        state=ProbeRequestState.ASKED,
        asked_at=1,
        sent_at=None,
    )


def test_a_request_that_is_loaded_and_then_added_is_sent_once() -> None:
    mailbox = PendingProbeRequests()
    mailbox.replace_all([probe_request(1), probe_request(2)])
    mailbox.add(probe_request(2))
    assert [one.request.id for one in mailbox.take(1, "a", None)] == [1, 2]
    assert mailbox.take(1, "a", None) == []


def test_a_request_that_was_taken_is_not_sent_again_before_that_is_stored() -> None:
    mailbox = PendingProbeRequests()
    mailbox.add(probe_request(1))
    mailbox.take(1, "a", None)
    mailbox.add(probe_request(1))
    mailbox.replace_all([probe_request(1)])
    assert mailbox.take(1, "a", None) == []


def test_a_request_is_for_who_proves_to_be_its_worker() -> None:
    mailbox = PendingProbeRequests()
    mailbox.add(probe_request(1, secret_hash="right"))
    for wrong in (None, "", "wrong"):
        assert mailbox.take(1, "a", wrong) == []
    assert [one.request.id for one in mailbox.take(1, "a", "right")] == [1]


def test_a_worker_of_an_earlier_agent_needs_no_secret() -> None:
    mailbox = PendingProbeRequests()
    mailbox.add(probe_request(1))
    assert len(mailbox.take(1, "a", "some secret")) == 1
