"""Answers of a server that speaks OpenAI's chat protocol; put them into a `WebServer`."""

import json
import threading
from typing import Any

from tests.support.web_server import Responder, WebServerHandler

CHARACTERS_PER_CHUNK = 7


def llm_answer(**changes: Any) -> dict[str, Any]:
    """Return an answer as a good model gives it."""
    return {
        "summary": "The user was not found.",
        "cause": "find() gave None.",
        "evidence": [{"exception": 0, "frame": 0, "shows": "user is used unseen"}],
        "fix": ["Test it.", "Answer 404."],
        "patch": "--- a/x.py\n+++ b/x.py\n@@ -1,1 +1,1 @@\n-a\n+b",
        "confidence": 0.8,
        **changes,
    }


def whole_reply(text: str) -> Responder:
    """Answer with *text* at once."""

    def answer(call: WebServerHandler) -> None:
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
        _begin_reply(call, "application/json")
        call.wfile.write(body.encode())

    return answer


def streamed_reply(text: str) -> Responder:
    """Answer with *text* piece by piece, as OpenAI does."""

    def answer(call: WebServerHandler) -> None:
        _begin_reply(call, "text/event-stream")
        call.wfile.write(b": a comment\n\n")
        for start in range(0, len(text), CHARACTERS_PER_CHUNK):
            delta = {
                "choices": [{"delta": {"content": text[start : start + CHARACTERS_PER_CHUNK]}}]
            }
            call.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
        call.wfile.write(b'data: {"choices": []}\n\ndata: [DONE]\n\n')

    return answer


class TwoPartReply:
    """Answers with half of a text, and with the rest when it may `may_finish`."""

    def __init__(self, text: str) -> None:
        self.may_finish = threading.Event()
        self._text = text

    def __call__(self, call: WebServerHandler) -> None:
        middle = len(self._text) // 2
        _begin_reply(call, "text/event-stream")
        for part in (self._text[:middle], self._text[middle:]):
            delta = {"choices": [{"delta": {"content": part}}]}
            call.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
            self.may_finish.wait(30)


def raw_reply(body: bytes, kind: str = "application/json") -> Responder:
    """Answer with *body*, whatever it is."""

    def answer(call: WebServerHandler) -> None:
        _begin_reply(call, kind)
        call.wfile.write(body)

    return answer


def endless_stream(piece: bytes) -> Responder:
    """Stream *piece* again and again until the client hangs up."""

    def answer(call: WebServerHandler) -> None:
        _begin_reply(call, "text/event-stream")
        while not call.server.web.closing.is_set():
            call.wfile.write(piece * 100)

    return answer


def truncated_reply(call: WebServerHandler) -> None:
    """Promise more than comes."""
    call.send_response(200)
    call.send_header("Content-Length", "500")
    call.end_headers()
    call.wfile.write(b'{"choices"')
    call.close_connection = True


def _begin_reply(call: WebServerHandler, kind: str) -> None:
    call.send_response(200)
    call.send_header("Content-Type", kind)
    call.send_header("Connection", "close")
    call.end_headers()
    call.close_connection = True
