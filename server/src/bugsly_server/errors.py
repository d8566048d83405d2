"""What can go wrong, drawn before it is defined.

BugslyError
├── Rejected          a client sent what we do not take            → 4xx, one line
├── OverQuota         a project sent more than it may              → 429 and Retry-After
├── Unavailable       we cannot take anything now                  → 503 and Retry-After
├── EgressRefused     we may not connect to an address             → reported by its sender
├── LlmError          a model gave no useful answer                → the rules explain instead
├── ChannelError      an alert was not delivered                   → tried again, or shown at once
├── UnreadableRecord  stored data of another version, or damaged   → one line in the log
└── Misconfigured     the operator has to change something         → exit code 2, one line
    └── NotFound      a project, an issue or a server that is not there

Every message reads *subject: fact → what to do*.
"""

from __future__ import annotations


class BugslyError(Exception):
    """An expected failure: its text is what a person reads."""


class Rejected(BugslyError):
    """A request that is refused with *status* and one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OverQuota(BugslyError):
    """A request with nothing but what is over a quota; *headers* say what not to send."""

    def __init__(
        self, message: str, retry_after: int, headers: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = headers


class Unavailable(BugslyError):
    """A request that may succeed after *retry_after* seconds."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EgressRefused(BugslyError):
    """A connection that the egress guard refused; a *permanent* reason stays."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class ChannelError(BugslyError):
    """An alert that was not delivered; a *permanent* reason stays."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class LlmError(BugslyError):
    """A language model that gave no useful answer."""


class UnreadableRecord(BugslyError):
    """Stored data that this version of the server cannot read."""


class Misconfigured(BugslyError):
    """A setting or an argument that cannot be used."""


class NotFound(Misconfigured):
    """Something the operator named does not exist."""
