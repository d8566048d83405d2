"""A real SMTP server that keeps the mails it takes."""

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCEPTED = "250 OK"


class _MailConnection(SMTP):
    """One connection; *idle* is set while there is none."""

    def __init__(self, idle: asyncio.Event, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._idle = idle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._idle.clear()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._idle.set()


class MailServer:
    """Takes one call at a time, on 127.0.0.1, from who has *login*; knows nobody at example.net."""

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self._login = login
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._loop.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _how: list[str]
    ) -> str:
        if address.endswith("@example.net"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return ACCEPTED

    async def _run(self) -> None:
        server = await self._loop.create_server(self._make_connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._closing.wait()
        server.close()
        await self._idle.wait()

    def _make_connection(self) -> SMTP:
        return _MailConnection(
            self._idle,
            self,
            loop=self._loop,
            hostname="mail.example.com",
            authenticator=self._authenticate,
            auth_required=self._login is not None,
            auth_require_tls=False,
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login.decode(), given.password.decode()) == self._login
        return AuthResult(success=right, handled=False)
