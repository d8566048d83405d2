"""Explains calls to other services that fail or time out."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

CONNECTION_ERRORS = (
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectError",
    "NewConnectionError",
    "MaxRetryError",
    "URLError",
    "ClientConnectorError",
    "gaierror",
    "OSError",
)
PEER_PATTERN = re.compile(
    r"host='(?P<host>[^']+)', port=(?P<port>\d+)|connecting to (?P<redis>[\w.-]+):(?P<rport>\d+)"
    r"|connect to (?:host )?(?P<other>[\w.-]+):(?P<oport>\d+)"
)
HTTP_METHODS = {"get", "post", "put", "patch", "delete", "head", "request", "urlopen", "send"}


def name_peer(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the service by host and port, or by the line that asks for it."""
    name = _peer_address(raised)
    advice = "Inside a container `localhost` is the container itself: use the service's name."
    is_local = re.match(r"(localhost|127\.|::1)", name)
    return RuleMatch(_peer_texts(name), {"local": f" {advice}" if is_local else ""})


def _peer_texts(name: str) -> dict[str, str]:
    """Return how it is called inside a sentence, and at its beginning."""
    return {"peer": name or "the other service", "Peer": name or "The other service"}


def _peer_address(raised: RaisedException) -> str:
    address = PEER_PATTERN.search(raised.exception.value[:4_000])
    if address:
        host = address["host"] or address["redis"] or address["other"]
        return f"{host}:{address['port'] or address['rport'] or address['oport']}"
    return ""


def check_timeout(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """See whether the call bounds its time itself."""
    calls = [
        node
        for node in raised.statement_nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in HTTP_METHODS
    ]
    has_timeout = any(word.arg == "timeout" for call in calls for word in call.keywords)
    timeout = next(
        (ast.unparse(w.value) for c in calls for w in c.keywords if w.arg == "timeout"), ""
    )
    timeout_sentence = f" The call has a timeout of {quoted(timeout, 40)} s." if has_timeout else ""
    name = _peer_address(raised)
    is_network_call = name or calls or raised.exception.type != "TimeoutError"
    return RuleMatch(
        _peer_texts(name),
        {"allowed": timeout_sentence},
        confidence=None if is_network_call else 0.5,
    )


def find_broker(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Tell a broker's error from one of a database, which has the same name."""
    return RuleMatch() if raised.exception.module.startswith("kombu") else None


RULES = (
    ErrorRule(
        slug="host-unknown",
        exception_types=CONNECTION_ERRORS,
        pattern=r"Name or service not known|nodename nor servname|Temporary failure in name resolution"
        r"|getaddrinfo failed|No address associated|Failed to resolve '(?P<host>[^']+)'|Errno -[2358]\b",
        title="The name of {peer} cannot be resolved",
        why="It is misspelt, the service does not exist in this environment, or DNS is down.",
        fix="Check the host in the configuration of this environment; `getent hosts` on the machine"
        " shows whether it resolves. {at} uses it.",
        unless="it fails only now and then: then DNS is unreliable, and a retry helps.",
        confidence=0.95,
        examine=name_peer,
    ),
    ErrorRule(
        slug="connection-refused",
        exception_types=CONNECTION_ERRORS,
        pattern=r"Connection refused|Errno (?:111|61)\b|actively refused|All connection attempts failed",
        title="{Peer} refuses connections",
        why="The machine answers, but nothing listens on that port: the service is down, still"
        " starting, or listens elsewhere.{local}",
        fix="Check whether the service runs, and on which address and port; compare them with the"
        " configuration that {at} uses. After a deployment, wait for the service before you start the app.",
        unless="a firewall refuses the connection.",
        confidence=0.94,
        examine=name_peer,
    ),
    ErrorRule(
        slug="certificate",
        exception_types=(
            "SSLError",
            "SSLCertVerificationError",
            "ConnectError",
            "URLError",
            "MaxRetryError",
            "ConnectionError",
        ),
        pattern=r"CERTIFICATE_VERIFY_FAILED\]?(?: certificate verify failed)?:? ?(?P<reason>[\w ,'.*-]*)",
        title="The certificate of {peer} is not trusted: {reason}",
        why="It has expired, is for another name, is signed by an authority that this machine does not"
        " trust (`ca-certificates` missing in the image), or the machine's clock is wrong.",
        fix="Renew it, use the name it is for, or install the authority's certificate and name it in"
        " `SSL_CERT_FILE`/`REQUESTS_CA_BUNDLE`. Do not turn verification off.",
        unless="a proxy in between replaces certificates: then install the certificate of its authority.",
        confidence=0.95,
        examine=name_peer,
    ),
    ErrorRule(
        slug="tls-to-plain-port",
        exception_types=("SSLError", "ConnectError", "MaxRetryError", "ConnectionError"),
        pattern=r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL",
        title="{Peer} does not speak TLS on that port",
        why="`https://` is used where the other side speaks plain HTTP.",
        fix="Use `http://` or the TLS port in the address that {at} uses.",
        unless="the two sides have no TLS version in common.",
        confidence=0.92,
        examine=name_peer,
    ),
    ErrorRule(
        slug="answer-too-late",
        exception_types=(
            "Timeout",
            "ReadTimeout",
            "ConnectTimeout",
            "ReadTimeoutError",
            "ConnectTimeoutError",
            "TimeoutError",
            "TimeoutException",
            "PoolTimeout",
            "WriteTimeout",
            "timeout",
        ),
        pattern=r"^(?!QueuePool)",
        title="{Peer} did not answer in time",
        why="It is slow or overloaded, or a firewall drops the connection.{allowed}",
        fix="Look at that service first. At {at}, set a timeout well below Gunicorn's,"
        " catch the error, and answer with a 503 or from a cache.",
        unless="this machine is overloaded: then its other calls are slow too.",
        confidence=0.88,
        examine=check_timeout,
    ),
    ErrorRule(
        slug="client-hung-up",
        exception_types=("BrokenPipeError",),
        title="Who was being answered hung up",
        why="The browser, proxy or pipe on the other side closed before all was sent: impatience, or"
        " a proxy's timeout.",
        fix="Mostly nothing. If it is frequent, see how long the answer takes; stream it or make it"
        " smaller.",
        unless="it is a pipe to a program of yours that died: then look at its log.",
        confidence=0.88,
    ),
    ErrorRule(
        slug="connection-reset",
        exception_types=(
            "ConnectionResetError",
            "ConnectionAbortedError",
            "RemoteDisconnected",
            "ProtocolError",
            "ConnectionError",
            "RemoteProtocolError",
            "ReadError",
        ),
        pattern=r"Connection reset|Errno (?:104|54)\b|Connection aborted|RemoteDisconnected|without"
        r" (?:sending a )?response|Connection broken|closed connection",
        title="{Peer} closed the connection before the response was complete",
        why="It restarted, reached a limit of its own, or had already closed an idle connection that is"
        " reused.",
        fix="Retry the call once if it is safe to repeat (`Retry` in urllib3); keep idle connections"
        " for a shorter time than the other side does.",
        unless="it happens with every call: then the other side rejects what is sent.",
        confidence=0.88,
        examine=name_peer,
    ),
    ErrorRule(
        slug="broker-unreachable",
        exception_types=("OperationalError",),
        pattern=r"Connection refused|Errno (?:111|61)\b|timed out|Name or service not known",
        title="The message broker cannot be reached: no task was sent",
        why="The task queue's broker (RabbitMQ, Redis) is down, still starting, or listens elsewhere than"
        " `broker_url` says. This is not the database.",
        fix="Check the broker's address in this environment (`broker_url`, often `CELERY_BROKER_URL`) and"
        " whether it runs; {at} was to send a task.",
        unless="the result backend refused, not the broker: then the innermost frames name it.",
        confidence=0.97,
        examine=find_broker,
    ),
    ErrorRule(
        slug="redis-refuses",
        exception_types=(
            "ResponseError",
            "AuthenticationError",
            "ReadOnlyError",
            "BusyLoadingError",
        ),
        pattern=r"^(?P<code>WRONGPASS|NOAUTH|WRONGTYPE|OOM|READONLY|LOADING|MISCONF|invalid password)",
        title="Redis reports an error: {code}",
        why="{value}.",
        fix="NOAUTH/WRONGPASS: put the password into the address; OOM: raise `maxmemory` or set an"
        " eviction policy; READONLY: the address is a replica; WRONGTYPE: the key holds another type.",
        unless="a proxy answers instead of Redis.",
    ),
    ErrorRule(
        slug="http-status",
        exception_types=("HTTPError", "HTTPStatusError"),
        pattern=r"(?P<status>[45]\d\d) (?:Client|Server) Error|(?:Client|Server) error '(?P<other>\d{3})"
        r"|HTTP Error (?P<third>\d{3})",
        title="The other service answered with a {status}{other}{third}",
        why="401 or 403: the API key is missing, wrong or expired. 404: the address changed. 429: too many"
        " calls. 5xx: the service itself fails.",
        fix="Look at the body of the response and at the API key of this environment; catch the error at"
        " {at} and decide what the user should see.",
        unless="a proxy answered instead of the service.",
        confidence=0.88,
    ),
)
