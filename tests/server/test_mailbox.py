from bugsly.protocol.evidence import Ask
from bugsly_server.mailbox import Mailbox
from bugsly_server.model.asked import Asked, AskState


def asked(number: int) -> Asked:
    return Asked(
        ask=Ask(id=number, probe="trim"),
        project_id=1,
        worker_id=7,
        token="a",
        state=AskState.ASKED,
        asked_at=1,
        sent_at=None,
    )


def test_what_is_filled_in_before_it_is_put_goes_out_once() -> None:
    mailbox = Mailbox()
    mailbox.fill([asked(1), asked(2)])
    mailbox.put(asked(2))
    assert [one.ask.id for one in mailbox.take(1, "a")] == [1, 2]
    assert mailbox.take(1, "a") == []


def test_what_was_taken_does_not_go_out_again_before_that_is_stored() -> None:
    mailbox = Mailbox()
    mailbox.put(asked(1))
    mailbox.take(1, "a")
    mailbox.put(asked(1))
    mailbox.fill([asked(1)])
    assert mailbox.take(1, "a") == []
