"""Answers of a server that speaks OpenAI's chat protocol; put them into a `WebServer`."""

import json
import threading
from typing import Any

from tests.support.web_server import Answer, Call

PIECE = 7


def answering(**changes: Any) -> dict[str, Any]:
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


def whole(text: str) -> Answer:
    """Answer with *text* at once."""

    def answer(call: Call) -> None:
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
        _begin(call, "application/json")
        call.wfile.write(body.encode())

    return answer


def streamed(text: str) -> Answer:
    """Answer with *text* piece by piece, as OpenAI does."""

    def answer(call: Call) -> None:
        _begin(call, "text/event-stream")
        call.wfile.write(b": a comment\n\n")
        for start in range(0, len(text), PIECE):
            delta = {"choices": [{"delta": {"content": text[start : start + PIECE]}}]}
            call.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
        call.wfile.write(b'data: {"choices": []}\n\ndata: [DONE]\n\n')

    return answer


class Halves:
    """Answers with half of a text, and with the rest when it may `go_on`."""

    def __init__(self, text: str) -> None:
        self.go_on = threading.Event()
        self._text = text

    def __call__(self, call: Call) -> None:
        middle = len(self._text) // 2
        _begin(call, "text/event-stream")
        for part in (self._text[:middle], self._text[middle:]):
            delta = {"choices": [{"delta": {"content": part}}]}
            call.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
            self.go_on.wait(30)


def raw(body: bytes, kind: str = "application/json") -> Answer:
    """Answer with *body*, whatever it is."""

    def answer(call: Call) -> None:
        _begin(call, kind)
        call.wfile.write(body)

    return answer


def breaking_off(call: Call) -> None:
    """Promise more than comes."""
    call.send_response(200)
    call.send_header("Content-Length", "500")
    call.end_headers()
    call.wfile.write(b'{"choices"')
    call.close_connection = True


def _begin(call: Call, kind: str) -> None:
    call.send_response(200)
    call.send_header("Content-Type", kind)
    call.send_header("Connection", "close")
    call.end_headers()
    call.close_connection = True
