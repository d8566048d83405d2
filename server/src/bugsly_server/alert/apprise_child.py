"""Runs as a process of its own: sends one alert through Apprise, says how it went, and ends.

In the server Apprise would stay behind with 40 MB, could not be stopped when a service hangs, and
would do whatever its URL says. Here the URL is not looked at before the fence is up.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import msgspec

from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.alert.apprise_url import scrub
from bugsly_server.alert.fence import Fence
from bugsly_server.errors import ChannelError

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

LIBRARIES = ("requests", "smtplib")
LONGEST = 400
SERVICES = "https://appriseit.com/services/"


class Message(msgspec.Struct, frozen=True):
    """What to send; *tone* is one of Apprise's: info, success, warning or failure."""

    title: str
    body: str
    tone: str


class Task(msgspec.Struct, frozen=True):
    """What comes in on standard input. Without a message, the URL is only looked at."""

    url: str
    networks: list[str]
    message: Message | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What goes out on standard output; no problem, no words."""

    problem: str = ""
    permanent: bool = False


class Log(logging.Handler):
    """Gathers what Apprise, which raises nothing, logs; without the secrets of *url*."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what says why something did not work; part of that is told at DEBUG only."""
        said = " ".join(record.getMessage().split())
        why = "Exception: " in said or "Details: " in said
        if (why or record.levelno >= logging.WARNING) and not said.startswith("Could not load"):
            self._told.append(scrub(_inmost(said), self._url).removesuffix("."))

    def reason(self) -> str:
        """Return all that in one line."""
        return "; ".join(dict.fromkeys(self._told))[:LONGEST] or "it does not say why"


def _inmost(said: str) -> str:
    """Return what lies beneath `Socket Exception: …` and urllib3's `… (Caused by …("…: why"))`."""
    why = re.sub(r"^(Socket|I/O) Exception: ", "", said)
    cause = why.partition("(Caused by ")[2]
    return cause.rpartition("): ")[2].removesuffix("))").strip("\"'") if cause else why


def main() -> None:
    """Do the task on standard input."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    with redirect_stdout(sys.stderr):
        outcome = run(task)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def run(task: Task) -> Outcome:
    """Do *task*; from here on this process is fenced in."""
    import apprise

    _known().schemas()  # loads them, from files that are theirs
    guard = AddressGuard([ipaddress.ip_network(one) for one in task.networks])
    fence, log = Fence(guard), Log(task.url)
    apprise.logger.addHandler(log)
    apprise.logger.setLevel(logging.DEBUG)
    sys.addaudithook(fence)
    try:
        service = _service(task.url, log)
        if task.message is None:
            _check_host(service, guard)
        else:
            _send(service, task.message, fence, log)
    except ChannelError as error:
        return Outcome(str(error), error.permanent)
    return Outcome()


def _service(url: str, log: Log) -> NotifyBase:
    """Return the service of *url*; raise `ChannelError` where there is none, or none for us."""
    import apprise

    known = _known()
    scheme = url.partition("://")[0].lower()
    if scheme in known and not _is_remote(known[scheme]):
        raise ChannelError(
            f"apprise: {scheme}:// speaks neither HTTP nor mail, and may act on this machine"
            " → choose another service",
            permanent=True,
        )
    service = apprise.Apprise.instantiate(url, asset=_asset())
    if service is None:
        fact = log.reason() if scheme in known else "this is no URL of a service that it knows"
        raise ChannelError(f"apprise: {fact} → compare with {SERVICES}", permanent=True)
    return service


def _known() -> Any:
    """Return Apprise's services by scheme."""
    import apprise

    return apprise.NotificationManager()  # type: ignore[no-untyped-call]


def _is_remote(service: type[NotifyBase]) -> bool:
    """Return whether *service* is made for the network: its module, or a base's, imports so."""
    modules = {one.__module__ for one in service.__mro__ if one.__module__.count(".") > 1}
    return any(name in vars(sys.modules[module]) for module in modules for name in LIBRARIES)


def _asset() -> AppriseAsset:
    import apprise

    return apprise.AppriseAsset(
        app_id="Bugsly",
        app_desc="Bugsly",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        storage_mode="memory",
    )


def _check_host(service: NotifyBase, guard: AddressGuard) -> None:
    """Raise `ChannelError` where the host is guarded; one without address may be a token."""
    host = getattr(service, "smtp_host", None) or service.host
    if "host" not in service.template_tokens or not host:
        return
    try:
        guard.addresses(host, service.port or 0)
    except ChannelError as error:
        if error.permanent:
            raise


def _send(service: NotifyBase, message: Message, fence: Fence, log: Log) -> None:
    import apprise

    notifier = apprise.Apprise(service, asset=service.asset)
    text = apprise.NotifyFormat.TEXT
    sent = notifier.notify(
        title=message.title, body=message.body, notify_type=message.tone, body_format=text
    )
    if sent:
        return
    if fence.refusal is not None and not fence.admitted:
        raise fence.refusal
    raise ChannelError(f"{service.service_name}: {log.reason()} → send a test once it is mended")


if __name__ == "__main__":
    main()
