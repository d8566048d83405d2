"""A request as it goes onto the wire, right or wrong."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzedRequest:
    """A request; *is_framed* says whether the server can know where it ends."""

    method: bytes = b"GET"
    path: bytes = b"/"
    headers: Headers = ()
    body: bytes = b""
    is_chunked: bool = False
    is_framed: bool = True

    def on_wire(self) -> bytes:
        """Return its bytes, framed by chunks or by length where no header says how."""
        headers, body = self.headers, self.body
        names = {name.lower() for name, _ in headers}
        if names & {b"content-length", b"transfer-encoding"}:
            pass
        elif self.is_chunked:
            headers = (*headers, (b"Transfer-Encoding", b"chunked"))
            body = chunked(body)
        elif body:
            headers = (*headers, (b"Content-Length", b"%d" % len(body)))
        lines = [b"%s %s HTTP/1.1" % (self.method, self.path)]
        lines += [b"%s: %s" % header for header in headers]
        return b"\r\n".join([*lines, b"", body])


def chunked(body: bytes) -> bytes:
    """Return *body* in one chunk."""
    return (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
