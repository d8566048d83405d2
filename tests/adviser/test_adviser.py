"""A model is asked over HTTP; whatever it does, something is said."""

import json
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, words
from tests.support.failures.none import CASES
from tests.support.model_server import answering, breaking_off, raw, streamed, whole
from tests.support.resolver import FakeResolver, guard
from tests.support.web_server import Answer, WebServer, dripping, endless, hanging, status

from bugsly_server import adviser
from bugsly_server.adviser import Endpoint, advise
from bugsly_server.explain.assisted.answer import UNVERIFIED, Advice
from bugsly_server.explain.assisted.question import Question, of_error, of_leak
from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error_explanation import Source, Surroundings

GOOD = json.dumps(answering())


def question() -> Question:
    event = CASES[0].event()
    rules = explain_error(event, Surroundings())
    return of_error(event, Surroundings(), rules, with_locals=True)


def endpoint(server: WebServer, **changes: Any) -> Endpoint:
    return Endpoint(**{"url": f"{server.url}v1", "model": "small", "key": "k3y", **changes})


def ask(*answers: Answer, asked: Question | None = None) -> tuple[Advice, WebServer, list[int]]:
    told: list[int] = []
    with WebServer(*answers) as server:
        there = endpoint(server)
        advice = advise(asked or question(), there, there.guard(()), told.append)
    return advice, server, told


@pytest.mark.parametrize("reply", [whole, streamed])
def test_what_a_model_answers_is_shown_with_the_frames_it_cites(reply: Any) -> None:
    advice, server, _ = ask(reply(GOOD))
    assert (advice.problem, advice.verified) == ("", True)
    assert advice.explanation is not None
    assert advice.explanation.source is Source.MODEL
    assert advice.explanation.title == "The user was not found."
    assert advice.explanation.fix == "1. Test it. 2. Answer 404."
    assert advice.explanation.diff.endswith("-a\n+b")
    assert [(place.line, shows) for place, shows in advice.evidence] == [
        ("shop/views.py:8", "user is used unseen")
    ]
    assert len(server.asked) == 1


def test_the_preview_is_exactly_what_is_sent() -> None:
    asked = question()
    _, server, _ = ask(whole(GOOD), asked=asked)
    [call] = server.asked
    sent = json.loads(call.body)
    assert call.path == "/v1/chat/completions"
    assert call.headers["Authorization"] == "Bearer k3y"
    assert sent["model"] == "small"
    assert asked.preview == "\n\n".join(one["content"] for one in sent["messages"])


def test_progress_is_told_while_the_answer_comes() -> None:
    _, _, told = ask(streamed(GOOD))
    assert told == sorted(told)
    assert told[-1] == len(GOOD)


@pytest.mark.parametrize(
    "garbled",
    ["I think it is None.", "{}", '{"summary": 3}', json.dumps(answering(confidence=7)), "", "}{"],
)
def test_an_answer_that_is_not_as_asked_is_repaired_once(garbled: str) -> None:
    advice, server, _ = ask(whole(garbled), whole(f"```json\n{GOOD}\n```"))
    assert (advice.problem, advice.verified, len(server.asked)) == ("", True, 2)
    said = json.loads(server.asked[1].body)["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "user"]
    assert said[2]["content"] == garbled


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (whole("no idea"), "model: its answer is no such JSON"),
        (raw(b"\xff\xfe<html>"), "model: its answer is no such JSON"),
        (raw(b"[" * 9_000), "model: its answer is no such JSON"),
        (raw(b'data: {"choices": 3}\n\n', "text/event-stream"), "model: its answer is no such"),
        (status(401), "model: 127.0.0.1 answered 401 → check BUGSLY_MODEL_URL"),
        (status(500), "model: 127.0.0.1 answered 500"),
        (status(302, Location="http://127.0.0.2/"), "model: 127.0.0.1 answered 302"),
        (endless, "model: its answer does not end"),
        (breaking_off, "model: no connection"),
    ],
)
def test_where_a_model_fails_the_rules_speak_and_it_is_said(answer: Answer, problem: str) -> None:
    advice, _, _ = ask(answer)
    assert advice.problem.startswith(problem)
    assert " → " in advice.problem
    assert advice.explanation == question().rules
    assert advice.explanation is not None
    assert advice.explanation.source is Source.RULES


@pytest.mark.parametrize("answer", [hanging, dripping])
def test_a_model_that_is_too_slow_is_left(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adviser, "SECONDS", 0.3)
    advice, _, _ = ask(answer)
    assert advice.problem.startswith("model: no answer within 0.3 s")
    assert advice.explanation is not None


@pytest.mark.parametrize(
    "evidence",
    [
        [],
        [{"exception": 0, "frame": 99}],
        [{"exception": 0, "frame": 0}, {"exception": 5, "frame": 0}],
    ],
)
def test_an_answer_that_cites_what_is_not_there_is_shown_as_unverified(evidence: Any) -> None:
    advice, _, _ = ask(whole(json.dumps(answering(evidence=evidence, confidence=1.0))))
    assert not advice.verified
    assert advice.explanation is not None
    assert advice.explanation.confidence == UNVERIFIED


HOSTILE = (
    "See ![x](https://evil.example/p.png?q=1) and [here](javascript:alert(1)) <img src=x onerror=1>"
    " <script>alert(1)</script> [r][1] https://evil.example/ \u202e\x1b[31m"
)


def test_links_images_tags_and_controls_of_an_answer_are_not_shown() -> None:
    answer = answering(
        summary=HOSTILE,
        cause=HOSTILE,
        fix=[HOSTILE],
        patch=HOSTILE,
        evidence=[{"exception": 0, "frame": 0, "shows": HOSTILE}],
    )
    advice, _, _ = ask(whole(json.dumps(answer)))
    one = advice.explanation
    assert one is not None
    shown = " ".join((one.title, one.what, one.why, one.fix, one.diff, advice.evidence[0][1]))
    for banned in ("evil.example", "javascript:", "<img", "<script", "](", "\u202e", "\x1b"):
        assert banned not in shown
    assert one.diff == ""


def test_nobody_listening_is_said() -> None:
    with WebServer() as server:
        there = endpoint(server)
    advice = advise(question(), there, there.guard(()), lambda _: None)
    assert advice.problem.startswith("model: no connection")


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:11434/v1", True),
        ("https://api.example.com/v1", False),
        ("http://10.0.0.7/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
    ],
)
def test_only_a_model_on_this_machine_is_here(url: str, *, here: bool) -> None:
    assert Endpoint(url, "small").is_here is here


def test_a_name_that_leads_inside_is_refused() -> None:
    there = Endpoint("https://models.example.test/v1", "small")
    inside = guard(resolver=FakeResolver(["169.254.169.254"]))
    advice = advise(question(), there, inside, lambda _: None)
    assert "link-local" in advice.problem
    assert advice.explanation is not None


def test_where_one_address_is_dead_the_next_is_tried() -> None:
    with WebServer(whole(GOOD)) as server:
        there = Endpoint(f"http://models.example.test:{server.port}/v1", "small")
        both = guard("127.0.0.0/8", resolver=FakeResolver(["127.0.0.3", "127.0.0.1"]))
        advice = advise(question(), there, both, lambda _: None)
    assert (advice.problem, len(server.asked)) == ("", 1)
    assert server.asked[0].headers["Host"] == f"models.example.test:{server.port}"


def test_a_private_network_is_refused_unless_it_is_allowed() -> None:
    there = Endpoint("http://10.0.0.7/v1", "small")
    advice = advise(question(), there, there.guard(()), lambda _: None)
    assert advice.problem.startswith("10.0.0.7: questions are not sent to a private")


def test_a_leak_is_explained_too() -> None:
    asked = of_leak(diagnosis(), words(culprit=((12, "log.append(1)"),)))
    answer = answering(evidence=[{"exception": 0, "frame": 0, "shows": "it appends"}])
    advice, server, _ = ask(whole(json.dumps(answer)), asked=asked)
    assert advice.verified
    assert advice.evidence[0][0].line == "shop/views.py:12"
    sent = server.asked[0].body.decode()
    assert "shop.views.request_log" in sent
    assert "log.append(1)" in sent


def test_a_leak_that_no_model_explains_keeps_its_own_words() -> None:
    advice, _, _ = ask(status(503), asked=of_leak(diagnosis(), words()))
    assert advice.explanation is not None
    assert advice.explanation.title == words().title


def test_the_key_is_not_shown_by_accident() -> None:
    assert "k3y" not in repr(Endpoint("http://127.0.0.1/v1", "small", "k3y"))
