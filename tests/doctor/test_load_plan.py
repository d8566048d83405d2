"""The plan of a run, from a command line or a file."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from bugsly_server.doctor.load_plan import (
    LoadPlan,
    RequestTemplate,
    parse_whole_number,
    plan_from_file,
    plan_from_options,
)
from bugsly_server.errors import Misconfigured


def test_a_request_is_a_method_and_a_path() -> None:
    plan = plan_from_options(["GET /a", "/b", "post /c/{i}"], '{"n": {i}}', ["X-Tenant: 7"])
    assert [(one.method, one.path) for one in plan.endpoints] == [
        ("GET", "/a"),
        ("GET", "/b"),
        ("POST", "/c/{i}"),
    ]
    assert [one.body_for(5) for one in plan.endpoints] == [None, None, b'{"n": 5}']
    assert plan.endpoints[2].path_for(5) == "/c/5"
    assert plan.endpoints[2].header_fields() == {
        "Content-Type": "application/json",
        "X-Tenant": "7",
    }
    assert plan.endpoints[0].header_fields() == {"X-Tenant": "7"}


def test_a_content_type_among_the_headers_is_that_of_the_body() -> None:
    plan = plan_from_options(
        ["PUT /a"], "n={i}", ["content-type: application/x-www-form-urlencoded"]
    )
    assert plan.endpoints[0].header_fields() == {
        "Content-Type": "application/x-www-form-urlencoded"
    }


def test_a_file_says_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        'requests = 50\nclients = 2\n[[endpoint]]\npath = "/a/{i}"\n'
        '[[endpoint]]\npath = "/b"\nmethod = "post"\nbody = "x"\n'
        'content_type = "text/plain"\nweight = 3\n'
    )
    assert plan_from_file(file) == LoadPlan(
        endpoints=(
            RequestTemplate(path="/a/{i}"),
            RequestTemplate(
                path="/b", method="POST", body="x", content_type="text/plain", weight=3
            ),
        ),
        requests=50,
        clients=2,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("request = 5", "'request' is no key of a plan → keys are clients, endpoint, requests"),
        ('[[endpoint]]\npath = "/"\nverb = "GET"', "endpoint: 'verb' is no key of a plan"),
        ("requests = 5", "names no request"),
        ("endpoint = []", "names no request"),
        ("endpoint = 5", "names no request"),
        ("endpoint = [5]", "endpoint is no table"),
        ('[[endpoint]]\nmethod = "GET"', "'' is no path"),
        ('[[endpoint]]\npath = "a"', "'a' is no path"),
        ('[[endpoint]]\npath = "/ä"', "'/ä' is no path"),
        ('[[endpoint]]\npath = "/a b"', "'/a b' is no path"),
        ("[[endpoint]]\npath = 5", "path is no text"),
        ('[[endpoint]]\npath = "/"\nbody = 5', "body is no text"),
        ('[[endpoint]]\npath = "/"\nmethod = "A B"', "'A B' is no method"),
        ('[[endpoint]]\npath = "/"\nweight = 0', "weight: 0 is not from 1"),
        ('[[endpoint]]\npath = "/"\nweight = 1.5', "weight: 1.5 is no whole number"),
        ('requests = true\n[[endpoint]]\npath = "/"', "requests: True is no whole number"),
        ('clients = 1000\n[[endpoint]]\npath = "/"', "clients: 1000 is not from 1 to 256"),
        ("= what", "Invalid"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_what_to_do(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as caught:
        plan_from_file(file)
    assert says in str(caught.value)
    assert str(caught.value).startswith("--plan: ")
    assert " → " in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file or directory"):
        plan_from_file(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("requests", "body", "headers", "says"),
    [
        (["orders"], "", [], "--request: 'orders' is none"),
        (["GET orders"], "", [], "--request: 'GET orders' is none"),
        (["GET /a b"], "", [], "--request: 'GET /a b' is none"),
        (["GET /"], "x", [], "--body: no request takes one"),
        (["GET /"], "", ["Accept"], "--header: 'Accept' is none"),
        (["GET /"], "", ["A B: c"], "--header: 'A B: c' is none"),
        (["GET /"], "", ["A: c\r\nB: d"], "--header: 'A: c\\r\\nB: d' is none"),
    ],
)
def test_a_wrong_option_is_one_sentence_with_what_to_do(
    requests: list[str], body: str, headers: list[str], says: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        plan_from_options(requests, body, headers)
    assert str(caught.value).startswith(says)
    assert " → " in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "", "٣"])
def test_what_is_no_number_of_requests_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="--requests"):
        parse_whole_number(text, 10, "--requests")


def test_endpoints_come_by_weight_in_the_long_run() -> None:
    plan = LoadPlan(endpoints=(RequestTemplate(path="/a"), RequestTemplate(path="/b", weight=3)))
    sent = Counter(one.path for one in islice(plan.request_sequence(), 60_000))
    assert 2.5 < sent["/b"] / sent["/a"] < 3.5


def test_the_mix_of_endpoints_changes_from_block_to_block() -> None:
    plan = LoadPlan(endpoints=(RequestTemplate(path="/a"), RequestTemplate(path="/b")))
    order = plan.request_sequence()
    shares = [sum(one.path == "/a" for one in islice(order, 300)) / 300 for _ in range(30)]
    assert min(shares) < 0.35
    assert max(shares) > 0.65


def test_the_same_plan_is_driven_the_same_way_each_time() -> None:
    plan = LoadPlan(endpoints=(RequestTemplate(path="/a"), RequestTemplate(path="/b")))
    assert list(islice(plan.request_sequence(), 900)) == list(islice(plan.request_sequence(), 900))


@pytest.mark.parametrize(
    ("sent", "asked", "more"),
    [
        (4_000, 0, 8_000),
        (8_000, 0, 12_000),
        (12_000, 0, 12_000),
        (12_000, 1, 16_000),
        (16_000, 1, 16_000),
        (16_000, 0, 16_000),
    ],
)
def test_more_is_sent_while_that_may_show_more_and_once_more_for_a_pending_probe(
    sent: int, asked: int, more: int
) -> None:
    assert (
        LoadPlan(endpoints=(), requests=4_000).total_with_overtime(
            sent, has_pending_probes=asked > 0
        )
        == more
    )
