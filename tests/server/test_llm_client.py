"""A model is asked over HTTP; whatever it does, something is said."""

import json
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.failures.none import CASES
from tests.support.fake_resolver import FakeResolver, guard_allowing
from tests.support.llm_server import (
    endless_stream,
    llm_answer,
    raw_reply,
    streamed_reply,
    truncated_reply,
    whole_reply,
)
from tests.support.web_server import (
    Responder,
    WebServer,
    respond_endlessly,
    respond_never,
    respond_slowly,
    respond_status,
)

from bugsly_server import llm_client
from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.explain.llm.answer import MAX_UNVERIFIED_CONFIDENCE, LlmAnswer
from bugsly_server.explain.llm.question import (
    LlmQuestion,
    question_about_error,
    question_about_leak,
)
from bugsly_server.llm_client import LlmEndpoint, request_explanation
from bugsly_server.model.error_explanation import ErrorContext, ExplanationSource

GOOD_ANSWER = json.dumps(llm_answer())
DOES_NOT_END = "model: its answer does not end"


def question() -> LlmQuestion:
    event = CASES[0].event()
    rules = explain_error(event, ErrorContext())
    return question_about_error(event, ErrorContext(), rules, with_locals=True)


def endpoint(server: WebServer, **changes: Any) -> LlmEndpoint:
    return LlmEndpoint(**{"url": f"{server.url}v1", "model": "small", "key": "k3y", **changes})


def ask_model(
    *answers: Responder, asked: LlmQuestion | None = None
) -> tuple[LlmAnswer, WebServer, list[int]]:
    progress: list[int] = []
    with WebServer(*answers) as server:
        model_endpoint = endpoint(server)
        advice = request_explanation(
            asked or question(), model_endpoint, model_endpoint.address_guard(()), progress.append
        )
    return advice, server, progress


@pytest.mark.parametrize("reply", [whole_reply, streamed_reply])
def test_what_a_model_answers_is_shown_with_the_frames_it_cites(reply: Any) -> None:
    advice, server, _ = ask_model(reply(GOOD_ANSWER))
    assert (advice.problem, advice.verified) == ("", True)
    assert advice.explanation is not None
    assert advice.explanation.source is ExplanationSource.MODEL
    assert advice.explanation.title == "The user was not found."
    assert advice.explanation.fix == "1. Test it. 2. Answer 404."
    assert advice.explanation.diff.endswith("-a\n+b")
    assert [(place.line, shows) for place, shows in advice.evidence] == [
        ("shop/views.py:8", "user is used unseen")
    ]
    assert len(server.requests) == 1


def test_the_preview_is_exactly_what_is_sent() -> None:
    asked = question()
    _, server, _ = ask_model(whole_reply(GOOD_ANSWER), asked=asked)
    [call] = server.requests
    sent = json.loads(call.body)
    assert call.path == "/v1/chat/completions"
    assert call.headers["Authorization"] == "Bearer k3y"
    assert sent["model"] == "small"
    assert asked.preview == "\n\n".join(one["content"] for one in sent["messages"])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_events_end_with_any_line_end_and_may_span_lines(line_end: str) -> None:
    delta = json.dumps({"choices": [{"delta": {"content": GOOD_ANSWER}}]}).replace(": [", ":\n[", 1)
    lines = ["event: message", "id: 1", *(f"data: {one}" for one in delta.split("\n")), "", ""]
    reply = raw_reply(line_end.join(lines).encode(), "text/event-stream; charset=utf-8")
    advice, server, _ = ask_model(reply)
    assert (advice.problem, advice.verified, len(server.requests)) == ("", True, 1)


def test_progress_is_told_while_the_answer_comes() -> None:
    _, _, told = ask_model(streamed_reply(GOOD_ANSWER))
    assert told == sorted(told)
    assert told[-1] == len(GOOD_ANSWER)


@pytest.mark.parametrize(
    "garbled",
    ["I think it is None.", "{}", '{"summary": 3}', json.dumps(llm_answer(confidence=7)), "", "}{"],
)
def test_an_answer_that_is_not_as_asked_is_repaired_once(garbled: str) -> None:
    advice, server, _ = ask_model(whole_reply(garbled), whole_reply(f"```json\n{GOOD_ANSWER}\n```"))
    assert (advice.problem, advice.verified, len(server.requests)) == ("", True, 2)
    said = json.loads(server.requests[1].body)["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "user"]
    assert said[2]["content"] == garbled


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (whole_reply("no idea"), "model: its answer is not the JSON"),
        (raw_reply(b"\xff\xfe<html>"), "model: its answer is not the JSON"),
        (raw_reply(b"[" * 9_000), "model: its answer is not the JSON"),
        (
            raw_reply(b'data: {"choices": 3}\n\n', "text/event-stream"),
            "model: its answer is not the JSON",
        ),
        (respond_status(401), "model: 127.0.0.1 answered 401 → check BUGSLY_MODEL_URL"),
        (respond_status(500), "model: 127.0.0.1 answered 500"),
        (respond_status(302, Location="http://127.0.0.2/"), "model: 127.0.0.1 answered 302"),
        (respond_endlessly, DOES_NOT_END),
        (endless_stream(b": still thinking\n" + b'data: {"choices": []}\n\n'), DOES_NOT_END),
        (endless_stream(b"data: more and more"), DOES_NOT_END),
        (endless_stream(b"data: more\n"), DOES_NOT_END),
        (truncated_reply, "model: no connection"),
    ],
)
def test_where_a_model_fails_the_rules_speak_and_it_is_said(
    answer: Responder, problem: str
) -> None:
    advice, _, _ = ask_model(answer)
    assert advice.problem.startswith(problem)
    assert " → " in advice.problem
    assert advice.explanation == question().rules
    assert advice.explanation is not None
    assert advice.explanation.source is ExplanationSource.RULES


@pytest.mark.parametrize(
    "answer", [respond_never, respond_slowly, endless_stream(b": still thinking\n")]
)
def test_a_model_that_is_too_slow_is_left(
    answer: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_client, "TIMEOUT_SECONDS", 0.3)
    advice, _, _ = ask_model(answer)
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
    advice, _, _ = ask_model(whole_reply(json.dumps(llm_answer(evidence=evidence, confidence=1.0))))
    assert not advice.verified
    assert advice.explanation is not None
    assert advice.explanation.confidence == MAX_UNVERIFIED_CONFIDENCE


HOSTILE = (
    "See ![x](https://evil.example/p.png?q=1) and [here](javascript:alert(1)) <img src=x onerror=1>"
    " <script>alert(1)</script> [r][1] https://evil.example/ \u202e\x1b[31m"
)


def test_links_images_tags_and_controls_of_an_answer_are_not_shown() -> None:
    answer = llm_answer(
        summary=HOSTILE,
        cause=HOSTILE,
        fix=[HOSTILE],
        patch=HOSTILE,
        evidence=[{"exception": 0, "frame": 0, "shows": HOSTILE}],
    )
    advice, _, _ = ask_model(whole_reply(json.dumps(answer)))
    shown_explanation = advice.explanation
    assert shown_explanation is not None
    shown = " ".join(
        (
            shown_explanation.title,
            shown_explanation.what,
            shown_explanation.why,
            shown_explanation.fix,
            shown_explanation.diff,
            advice.evidence[0][1],
        )
    )
    for banned in ("evil.example", "javascript:", "<img", "<script", "](", "\u202e", "\x1b"):
        assert banned not in shown
    assert shown_explanation.diff == ""


def test_nobody_listening_is_said() -> None:
    with WebServer() as server:
        there = endpoint(server)
    advice = request_explanation(question(), there, there.address_guard(()), lambda _: None)
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
    assert LlmEndpoint(url, "small").is_here is here


def test_a_name_that_leads_inside_is_refused() -> None:
    there = LlmEndpoint("https://models.example.test/v1", "small")
    inside = guard_allowing(resolver=FakeResolver(["169.254.169.254"]))
    advice = request_explanation(question(), there, inside, lambda _: None)
    assert "link-local" in advice.problem
    assert advice.explanation is not None


def test_where_one_address_is_dead_the_next_is_tried() -> None:
    with WebServer(whole_reply(GOOD_ANSWER)) as server:
        there = LlmEndpoint(f"http://models.example.test:{server.port}/v1", "small")
        both = guard_allowing("127.0.0.0/8", resolver=FakeResolver(["127.0.0.3", "127.0.0.1"]))
        advice = request_explanation(question(), there, both, lambda _: None)
    assert (advice.problem, len(server.requests)) == ("", 1)
    assert server.requests[0].headers["Host"] == f"models.example.test:{server.port}"


def test_a_private_network_is_refused_unless_it_is_allowed() -> None:
    there = LlmEndpoint("http://10.0.0.7/v1", "small")
    advice = request_explanation(question(), there, there.address_guard(()), lambda _: None)
    assert advice.problem.startswith("10.0.0.7: questions are not sent to a private")


def test_a_leak_is_explained_too() -> None:
    asked = question_about_leak(diagnosis(), leak_explanation(culprit=((12, "log.append(1)"),)))
    answer = llm_answer(evidence=[{"exception": 0, "frame": 0, "shows": "it appends"}])
    advice, server, _ = ask_model(whole_reply(json.dumps(answer)), asked=asked)
    assert advice.verified
    assert advice.evidence[0][0].line == "shop/views.py:12"
    sent = server.requests[0].body.decode()
    assert "shop.views.request_log" in sent
    assert "log.append(1)" in sent


def test_a_leak_that_no_model_explains_keeps_its_own_words() -> None:
    advice, _, _ = ask_model(
        respond_status(503), asked=question_about_leak(diagnosis(), leak_explanation())
    )
    assert advice.explanation is not None
    assert advice.explanation.title == leak_explanation().title


def test_the_key_is_not_shown_by_accident() -> None:
    assert "k3y" not in repr(LlmEndpoint("http://127.0.0.1/v1", "small", "k3y"))
