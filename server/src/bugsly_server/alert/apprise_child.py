"""Runs as a process of its own: sends one alert through Apprise and prints the outcome.

Inside the server Apprise would keep 40 MB, could not be stopped when a service hangs, and would do
whatever its URL says. Here the URL is not read before the fence is up.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import msgspec

from bugsly_server.alert.apprise_url import scrub
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.egress.process_fence import ProcessFence
from bugsly_server.errors import ChannelError, EgressRefused

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

NETWORK_LIBRARIES = ("requests", "smtplib")
MAX_REASON_LENGTH = 400
SERVICES_URL = "https://appriseit.com/services/"


class AppriseMessage(msgspec.Struct, frozen=True):
    """What to send; *tone* is one of Apprise's: info, success, warning or failure."""

    title: str
    body: str
    tone: str


class AppriseTask(msgspec.Struct, frozen=True):
    """What is read from standard input; without a message the URL is only checked."""

    url: str
    networks: list[str]
    message: AppriseMessage | None = None


class AppriseOutcome(msgspec.Struct, frozen=True):
    """What is written to standard output; an empty problem means success."""

    problem: str = ""
    permanent: bool = False


class AppriseLogHandler(logging.Handler):
    """Collects what Apprise logs, since it raises nothing; without the secrets of *url*."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._reasons: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep messages that say why something failed; some of them come at DEBUG only."""
        text = " ".join(record.getMessage().split())
        is_reason = "Exception: " in text or "Details: " in text
        if (is_reason or record.levelno >= logging.WARNING) and not text.startswith(
            "Could not load"
        ):
            self._reasons.append(scrub(_innermost_cause(text), self._url).removesuffix("."))

    def reason(self) -> str:
        """Return the messages in one line."""
        return "; ".join(dict.fromkeys(self._reasons))[:MAX_REASON_LENGTH] or "it does not say why"


def _innermost_cause(text: str) -> str:
    """Return the reason inside `Socket Exception: …` or urllib3's `… (Caused by …("…: why"))`."""
    reason = re.sub(r"^(Socket|I/O) Exception: ", "", text)
    cause = reason.partition("(Caused by ")[2]
    return cause.rpartition("): ")[2].removesuffix("))").strip("\"'") if cause else reason


def main() -> None:
    """Do the task on standard input."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=AppriseTask)
    with redirect_stdout(sys.stderr):
        outcome = run_task(task)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def run_task(task: AppriseTask) -> AppriseOutcome:
    """Do *task*; from here on this process is confined by the fence."""
    import apprise

    _known_services().schemas()  # loads them, which reads their files
    guard = AddressGuard([ipaddress.ip_network(one) for one in task.networks])
    fence, log = ProcessFence(guard), AppriseLogHandler(task.url)
    apprise.logger.addHandler(log)
    apprise.logger.setLevel(logging.DEBUG)
    sys.addaudithook(fence)
    try:
        service = _service(task.url, log)
        if task.message is None:
            _check_host(service, guard)
        else:
            _send(service, task.message, fence, log)
    except (ChannelError, EgressRefused) as error:
        return AppriseOutcome(str(error), error.permanent)
    return AppriseOutcome()


def _service(url: str, log: AppriseLogHandler) -> NotifyBase:
    """Return the service of *url*; raise `ChannelError` where there is none that is allowed."""
    import apprise

    known_services = _known_services()
    scheme = url.partition("://")[0].lower()
    if scheme in known_services and not _is_remote(known_services[scheme]):
        raise ChannelError(
            f"apprise: {scheme}:// speaks neither HTTP nor mail, and may act on this machine"
            " → choose another service",
            permanent=True,
        )
    service = apprise.Apprise.instantiate(url, asset=_asset())
    if service is None:
        fact = (
            log.reason()
            if scheme in known_services
            else "this is no URL of a service that it knows"
        )
        raise ChannelError(f"apprise: {fact} → compare with {SERVICES_URL}", permanent=True)
    return service


def _known_services() -> Any:
    """Return Apprise's services by scheme."""
    import apprise

    return apprise.NotificationManager()  # type: ignore[no-untyped-call]


def _is_remote(service: type[NotifyBase]) -> bool:
    """Return whether *service* uses the network: its module, or a base's, imports a client."""
    modules = {one.__module__ for one in service.__mro__ if one.__module__.count(".") > 1}
    return any(
        name in vars(sys.modules[module]) for module in modules for name in NETWORK_LIBRARIES
    )


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
    """Raise `EgressRefused` for a host that is not allowed; one without address may be a token."""
    host = getattr(service, "smtp_host", None) or service.host
    if "host" not in service.template_tokens or not host:
        return
    try:
        guard.allowed_addresses(host, service.port or 0)
    except EgressRefused as refusal:
        if refusal.permanent:
            raise


def _send(
    service: NotifyBase, message: AppriseMessage, fence: ProcessFence, log: AppriseLogHandler
) -> None:
    import apprise

    notifier = apprise.Apprise(service, asset=service.asset)
    text = apprise.NotifyFormat.TEXT
    is_sent = notifier.notify(
        title=message.title, body=message.body, notify_type=message.tone, body_format=text
    )
    if is_sent:
        return
    if fence.refusal is not None and not fence.has_allowed:
        raise fence.refusal
    raise ChannelError(f"{service.service_name}: {log.reason()} → send a test once it is fixed")


if __name__ == "__main__":
    main()
