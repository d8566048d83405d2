"""Envelopes: which items are kept, and how the others are counted and refused."""

import json

import pytest
from tests.support.protocol_values import sample, worker
from tests.support.running_server import HttpReply, RunningServer, ServedProject
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import encode_report, encode_sample
from bugsly_server.store.meta import workers


def memory(token: str = "0" * 32, samples: int = 1) -> bytes:
    taken = [encode_sample(sample(number)) for number in range(1, samples + 1)]
    return encode_report(worker(id=token, age=10_000_000_000), taken, (), {})


def post(server: RunningServer, project: ServedProject, body: bytes) -> HttpReply:
    return server.send(project.path, body, project.auth)


def known(server: RunningServer, project: ServedProject) -> list[str]:
    """Return the tokens of the workers that are known, in order."""
    tokens = [f"{number:032x}" for number in range(200)]
    with server.server.store.database.reading() as connection:
        return sorted(workers.find_by_tokens(connection, project.id, tokens))


def test_an_empty_envelope_is_fine_and_its_id_is_given_back(
    server: RunningServer, project: ServedProject
) -> None:
    assert post(server, project, b"{}").body == b'{"id": ""}'
    event_id = "9ec79c33ec9942ab8353589fcb2e04dc"
    reply = post(server, project, json.dumps({"event_id": event_id}).encode())
    assert json.loads(reply.body) == {"id": event_id}
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("event_id", ['"\\ud800"', "7", "null", '"%s"' % ("x" * 900), '["a"]'])
def test_any_event_id_leads_to_a_reply_in_json(
    server: RunningServer, project: ServedProject, event_id: str
) -> None:
    reply = post(server, project, b'{"event_id": %s}\n' % event_id.encode())
    assert reply.status == 200
    assert len(json.loads(reply.body)["id"]) <= 36


@pytest.mark.parametrize(
    ("body", "because"),
    [
        (b"", "the envelope's header is not JSON"),
        (b"\n", "the envelope's header is not JSON"),
        (b"[]\n", "the envelope's header is not a JSON object"),
        (b"\xff\xfe{}\n", "the envelope's header is not JSON"),
        (b"[" * 7_000 + b"\n", "the envelope's header is not JSON"),
        (b'{"a": "%s"}\n' % (b"x" * 9_000), "the envelope's header is longer than 8192 bytes"),
        (b"{}\nnonsense\n", "the header of item 1 is not JSON"),
        (b'{}\n{"type": "event", "length": 10}\n{}', "item 1 says 10 bytes, and fewer follow"),
        (
            b'{}\n{"type": "event", "length": 1}\n{}\n',
            "item 1 says 1 bytes, and no newline follows them",
        ),
        (b"{}\n" * 30_000, "it has more than 10000 items"),
        (b'{}\n{"length": -1}\n{}\n', "the length of item 1 is no count of bytes"),
        (b'{}\n{"length": 1e400}\n{}\n', "the length of item 1 is no count of bytes"),
        (b'{}\n{"length": "2"}\n{}\n', "the length of item 1 is no count of bytes"),
        (b'{}\n{"length": 9223372036854775808}\n', "says 9223372036854775808 bytes, and fewer"),
    ],
)
def test_broken_framing_is_refused_with_its_position(
    server: RunningServer, project: ServedProject, body: bytes, because: str
) -> None:
    reply = post(server, project, body)
    assert reply.status == 400
    assert because in reply.detail


def test_one_item_that_lies_about_its_length_spoils_the_envelope_and_keeps_nothing(
    server: RunningServer, project: ServedProject
) -> None:
    whole = build_envelope({}, [("memory", memory()), ("event", b"{}")])
    assert post(server, project, whole.replace(b'"length": 2}', b'"length": 20}')).status == 400
    assert post(server, project, b"{}").status == 200
    assert known(server, project) == []


def test_the_first_hundred_of_ten_thousand_items_are_kept_and_the_rest_is_counted(
    server: RunningServer, project: ServedProject
) -> None:
    items = [("memory", memory(f"{number:032x}")) for number in range(200)]
    reply = post(server, project, build_envelope({}, items + items[:1] * 9_800))
    assert reply.status == 200
    assert server.skipped(project) == {"item beyond the 100 of one envelope": 9_900}
    wait_until(lambda: len(known(server, project)) == 100, what="a hundred workers")
    assert known(server, project)[-1] == f"{99:032x}"


def test_items_of_other_types_are_counted_and_their_categories_refused(
    server: RunningServer, project: ServedProject
) -> None:
    items = [("log", b"{}"), ("transaction", b"{}"), ("check_in", b"{}"), ("check_in", b"{}")]
    reply = post(server, project, build_envelope({}, items))
    assert reply.status == 200
    assert (
        reply.headers["x-sentry-rate-limits"]
        == "3600:log_item;monitor;transaction:project:unsupported"
    )
    assert server.skipped(project) == {
        "item of type log, not kept": 1,
        "item of type transaction, not kept": 1,
        "item of type check_in, not kept": 2,
    }


@pytest.mark.parametrize(
    "kind", ["event", "error", "default", "trace_metric", "metric_buckets", "statsd", "", "\ud800"]
)
def test_an_sdk_is_never_told_to_stop_sending_errors_or_everything(
    server: RunningServer, project: ServedProject, kind: str
) -> None:
    reply = post(server, project, build_envelope({}, [(kind, b"{}")]))
    assert reply.status == 200
    assert "x-sentry-rate-limits" not in reply.headers


def test_types_that_a_client_invents_are_counted_together(
    server: RunningServer, project: ServedProject
) -> None:
    made_up = [(f"kind\ud800 {number}", b"{}") for number in range(50)]
    post(server, project, build_envelope({}, [*made_up, ("", b"{}")]))
    assert server.skipped(project) == {"item of type nobody knows, not kept": 51}


def test_known_items_are_kept_next_to_unknown_ones(
    server: RunningServer, project: ServedProject
) -> None:
    items = [("event", b"{}"), ("memory", memory("a" * 32)), ("nonsense", b"\xff\0")]
    assert post(server, project, build_envelope({}, items)).status == 200
    token = ["a" * 32]

    def arrived() -> bool:
        with server.server.store.database.reading() as connection:
            return bool(workers.find_by_tokens(connection, project.id, token))

    wait_until(arrived, what="the worker")


def test_a_memory_item_that_is_too_large_is_counted_and_its_neighbours_are_kept(
    server: RunningServer, project: ServedProject
) -> None:
    large = memory("b" * 32) + b" " * 4 * 1024 * 1024
    reply = post(server, project, build_envelope({}, [("memory", large), ("memory", memory())]))
    assert reply.status == 200
    assert server.skipped(project) == {"memory item that is too large": 1}
    wait_until(lambda: known(server, project) == ["0" * 32], what="its neighbour")


def test_a_payload_without_a_length_ends_at_the_next_newline(
    server: RunningServer, project: ServedProject
) -> None:
    body = b'{}\n{"type": "memory"}\n' + memory() + b"\n\n" + b'{"type":"event"}\n{}'
    assert post(server, project, body).status == 200
    wait_until(lambda: known(server, project) == ["0" * 32], what="the worker")
