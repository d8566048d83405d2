"""The plan of a run: which requests an app is sent, and in which order."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bugsly_server.errors import Misconfigured

DEFAULT_REQUESTS = 4_000
DEFAULT_CLIENTS = 4
MAX_REQUESTS = 10_000_000
MAX_CLIENTS = 256
METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
BLOCK_REQUESTS = 300
"""Requests after which endpoints change their shares, so that growth can be attributed."""
DEFAULT_SWING = 3.0
"""How many times rarer or more frequent than its weight says an endpoint may be in a block."""
OVERTIME_FACTOR = 3
"""How many times the planned requests are sent while a cause is open; one time more while a probe
that may show it is pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """One kind of request. `{i}` in path and body stands for the number of the request."""

    path: str
    method: str = "GET"
    body: str = ""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    weight: int = 1

    def path_for(self, number: int) -> str:
        """Return the path of request *number*."""
        return self.path.replace("{i}", str(number))

    def body_for(self, number: int) -> bytes | None:
        """Return the body of request *number*, None where there is none."""
        return self.body.replace("{i}", str(number)).encode() if self.body else None

    def header_fields(self) -> dict[str, str]:
        """Return the headers."""
        kind = {"Content-Type": self.content_type} if self.body else {}
        return {**kind, **dict(self.headers)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What a run sends."""

    endpoints: tuple[RequestTemplate, ...]
    requests: int = DEFAULT_REQUESTS
    clients: int = DEFAULT_CLIENTS
    """Requests at the same time."""
    swing: float = DEFAULT_SWING

    def total_with_overtime(self, sent: int, *, has_pending_probes: bool) -> int:
        """Return how many requests there are to be in all, *sent* where no more are worth it."""
        return max(
            sent, min(sent + self.requests, self.requests * (OVERTIME_FACTOR + has_pending_probes))
        )

    def request_sequence(self, seed: int = 0) -> Iterator[RequestTemplate]:
        """Yield endpoints without end, by weight in the long run and by chance in the short."""
        rng = random.Random(seed)  # noqa: S311 - the same order each time is what is wanted
        while True:
            swings = [self.swing ** rng.uniform(-1, 1) for _ in self.endpoints]
            shares = [one.weight * swing for one, swing in zip(self.endpoints, swings, strict=True)]
            yield from rng.choices(self.endpoints, shares, k=BLOCK_REQUESTS)


def plan_from_options(requests: Sequence[str], body: str, headers: Sequence[str]) -> LoadPlan:
    """Return the plan that `--request`, `--body` and `--header` describe."""
    fields = tuple(_parse_header(one) for one in headers)
    endpoints = [_template_from_text(one, body, fields) for one in requests]
    if body and not any(one.body for one in endpoints):
        raise Misconfigured("--body: no request takes one → write --request 'POST /path'")
    return LoadPlan(endpoints=tuple(endpoints))


def plan_from_file(path: Path) -> LoadPlan:
    """Return the plan in a TOML file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Misconfigured(f"--plan: {path}: {reason} → correct the file") from None
    _reject_unknown_keys(content, {"requests", "clients", "endpoint"}, f"--plan: {path}")
    tables = content.get("endpoint", [])
    if not isinstance(tables, list) or not tables:
        raise Misconfigured(f"--plan: {path} names no request → add an [[endpoint]] with a path")
    return LoadPlan(
        endpoints=tuple(_template_from_table(one, f"--plan: {path}") for one in tables),
        requests=parse_whole_number(
            content.get("requests", DEFAULT_REQUESTS), MAX_REQUESTS, "--plan: requests"
        ),
        clients=parse_whole_number(
            content.get("clients", DEFAULT_CLIENTS), MAX_CLIENTS, "--plan: clients"
        ),
    )


def parse_whole_number(value: Any, maximum: int, subject: str) -> int:
    """Return *value*, a whole number from 1 to *maximum*; raise `Misconfigured` for another."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise Misconfigured(f"{subject}: {value!r} is no whole number → write one from 1")
    if not 1 <= int(text) <= maximum:
        raise Misconfigured(f"{subject}: {value} is not from 1 to {maximum:,} → choose another")
    return int(text)


def _template_from_text(
    text: str, body: str, headers: tuple[tuple[str, str], ...]
) -> RequestTemplate:
    match = re.fullmatch(r"(?:([A-Za-z]+)\s+)?(/\S*)", text.strip())
    if match is None:
        raise Misconfigured(f"--request: {text!r} is none → write it as 'GET /path'")
    method = (match[1] or "GET").upper()
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    others = tuple(one for one in headers if one[0].lower() != "content-type")
    template = RequestTemplate(
        path=_check_path(match[2], "--request"), method=method, headers=others
    )
    if method not in METHODS_WITHOUT_BODY:
        template = replace(template, body=body)
    return replace(template, content_type=kinds[-1]) if kinds else template


def _parse_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    good = colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip())
    if not good or re.search(r"[\r\n\0]", value):
        raise Misconfigured(f"--header: {text!r} is none → write it as 'Name: value'")
    return name.strip(), value.strip()


def _template_from_table(table: Any, where: str) -> RequestTemplate:
    if not isinstance(table, dict):
        raise Misconfigured(f"{where}: endpoint is no table → write [[endpoint]]")
    _reject_unknown_keys(
        table, {"path", "method", "body", "content_type", "weight"}, f"{where}: endpoint"
    )
    for name in ("path", "method", "body", "content_type"):
        if not isinstance(table.get(name, ""), str):
            raise Misconfigured(f"{where}: {name} is no text → put it in quotes")
    method = str(table.get("method", "GET")).upper()
    if not re.fullmatch(r"[A-Z]+", method):
        raise Misconfigured(f"{where}: {method!r} is no method → write GET, POST or another")
    return RequestTemplate(
        path=_check_path(str(table.get("path", "")), where),
        method=method,
        body=str(table.get("body", "")),
        content_type=str(table.get("content_type", "application/json")),
        weight=parse_whole_number(table.get("weight", 1), 1_000_000, f"{where}: weight"),
    )


def _check_path(path: str, where: str) -> str:
    if not re.fullmatch(r"/[!-~]*", path):
        raise Misconfigured(
            f"{where}: {path!r} is no path → begin it with / and write others than ASCII as %C3%A4"
        )
    return path


def _reject_unknown_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise Misconfigured(
                f"{where}: {name!r} is no key of a plan → keys are {', '.join(sorted(known))}"
            )
