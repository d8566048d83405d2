"""Takes attachments, each with a buffer that is to be closed when it is let go of."""

from __future__ import annotations

import weakref

from flask import Flask

app = Flask(__name__)


class Attachment:
    """A file on its way to a mail."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.buffer = bytearray(2_000)

    def close(self) -> None:
        """Let go of the buffer."""
        self.buffer.clear()


@app.get("/attach/<name>")
def attach(name: str) -> dict[str, int]:
    attachment = Attachment(name)
    weakref.finalize(attachment, attachment.close)
    return {"bytes": len(attachment.buffer)}


@app.get("/limits")
def limits() -> dict[str, int]:
    return {"most": 10}
