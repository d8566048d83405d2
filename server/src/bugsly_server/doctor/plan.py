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
MOST_REQUESTS = 10_000_000
MOST_CLIENTS = 256
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
BLOCK = 300
"""Requests after which endpoints change their shares, so that growth can be told apart by them."""
SWING = 3.0
"""How many times rarer or more frequent than its weight says an endpoint may be in a block."""
OVERTIME = 3
"""Times as many requests as planned that are sent while a cause is open; one more while a worker
is being asked for what may tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of request. `{i}` in path and body stands for the number of the request."""

    path: str
    method: str = "GET"
    body: str = ""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    weight: int = 1

    def target(self, number: int) -> str:
        """Return the path of request *number*."""
        return self.path.replace("{i}", str(number))

    def content(self, number: int) -> bytes | None:
        """Return the body of request *number*, None where there is none."""
        return self.body.replace("{i}", str(number)).encode() if self.body else None

    def fields(self) -> dict[str, str]:
        """Return the headers."""
        kind = {"Content-Type": self.content_type} if self.body else {}
        return {**kind, **dict(self.headers)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run sends."""

    endpoints: tuple[Endpoint, ...]
    requests: int = DEFAULT_REQUESTS
    clients: int = DEFAULT_CLIENTS
    """Requests at the same time."""
    swing: float = SWING

    def overtime(self, sent: int, *, waits: bool) -> int:
        """Return how many requests there are to be in all, *sent* where no more are worth it."""
        return max(sent, min(sent + self.requests, self.requests * (OVERTIME + waits)))

    def order(self, seed: int = 0) -> Iterator[Endpoint]:
        """Yield endpoints without end, by weight in the long run and by chance in the short."""
        chance = random.Random(seed)  # noqa: S311 - the same order each time is what is wanted
        while True:
            swings = [self.swing ** chance.uniform(-1, 1) for _ in self.endpoints]
            shares = [one.weight * swing for one, swing in zip(self.endpoints, swings, strict=True)]
            yield from chance.choices(self.endpoints, shares, k=BLOCK)


def from_options(requests: Sequence[str], body: str, headers: Sequence[str]) -> Plan:
    """Return the plan that `--request`, `--body` and `--header` describe."""
    fields = tuple(_header(one) for one in headers)
    endpoints = [_endpoint(one, body, fields) for one in requests]
    if body and not any(one.body for one in endpoints):
        raise Misconfigured("--body: no request takes one → write --request 'POST /path'")
    return Plan(endpoints=tuple(endpoints))


def from_file(path: Path) -> Plan:
    """Return the plan in a TOML file."""
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Misconfigured(f"--plan: {path}: {reason} → correct the file") from None
    _only(stated, {"requests", "clients", "endpoint"}, f"--plan: {path}")
    tables = stated.get("endpoint", [])
    if not isinstance(tables, list) or not tables:
        raise Misconfigured(f"--plan: {path} names no request → add an [[endpoint]] with a path")
    return Plan(
        endpoints=tuple(_table(one, f"--plan: {path}") for one in tables),
        requests=whole(stated.get("requests", DEFAULT_REQUESTS), MOST_REQUESTS, "--plan: requests"),
        clients=whole(stated.get("clients", DEFAULT_CLIENTS), MOST_CLIENTS, "--plan: clients"),
    )


def whole(value: Any, most: int, subject: str) -> int:
    """Return *value*, a whole number from 1 to *most*; raise `Misconfigured` for another."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise Misconfigured(f"{subject}: {value!r} is no whole number → write one from 1")
    if not 1 <= int(text) <= most:
        raise Misconfigured(f"{subject}: {value} is not from 1 to {most:,} → choose another")
    return int(text)


def _endpoint(text: str, body: str, headers: tuple[tuple[str, str], ...]) -> Endpoint:
    match = re.fullmatch(r"(?:([A-Za-z]+)\s+)?(/\S*)", text.strip())
    if match is None:
        raise Misconfigured(f"--request: {text!r} is none → write it as 'GET /path'")
    method = (match[1] or "GET").upper()
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    others = tuple(one for one in headers if one[0].lower() != "content-type")
    made = Endpoint(path=_path(match[2], "--request"), method=method, headers=others)
    if method not in BODILESS:
        made = replace(made, body=body)
    return replace(made, content_type=kinds[-1]) if kinds else made


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    good = colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip())
    if not good or re.search(r"[\r\n\0]", value):
        raise Misconfigured(f"--header: {text!r} is none → write it as 'Name: value'")
    return name.strip(), value.strip()


def _table(stated: Any, where: str) -> Endpoint:
    if not isinstance(stated, dict):
        raise Misconfigured(f"{where}: endpoint is no table → write [[endpoint]]")
    _only(stated, {"path", "method", "body", "content_type", "weight"}, f"{where}: endpoint")
    for name in ("path", "method", "body", "content_type"):
        if not isinstance(stated.get(name, ""), str):
            raise Misconfigured(f"{where}: {name} is no text → put it in quotes")
    method = str(stated.get("method", "GET")).upper()
    if not re.fullmatch(r"[A-Z]+", method):
        raise Misconfigured(f"{where}: {method!r} is no method → write GET, POST or another")
    return Endpoint(
        path=_path(str(stated.get("path", "")), where),
        method=method,
        body=str(stated.get("body", "")),
        content_type=str(stated.get("content_type", "application/json")),
        weight=whole(stated.get("weight", 1), 1_000_000, f"{where}: weight"),
    )


def _path(path: str, where: str) -> str:
    if not re.fullmatch(r"/[!-~]*", path):
        raise Misconfigured(
            f"{where}: {path!r} is no path → begin it with / and write others than ASCII as %C3%A4"
        )
    return path


def _only(stated: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in stated:
        if name not in known:
            raise Misconfigured(
                f"{where}: {name!r} is no key of a plan → keys are {', '.join(sorted(known))}"
            )
