"""What others rely on beside the shape of JSON: words, names, numbers and fingerprints."""

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path

from tests.support.events import event, frame, library, thrown
from tests.support.whole import whole_diagnosis

import bugsly
import bugsly_server
from bugsly import options
from bugsly.probes.allocator import read_facts
from bugsly.protocol import event as event_item
from bugsly.protocol import memory
from bugsly.protocol.memory import ExitReason
from bugsly.protocol.net import Hindrance, NetState
from bugsly_server import settings
from bugsly_server.alert import message
from bugsly_server.cli import parser
from bugsly_server.detect.finding import fingerprint as of_growth
from bugsly_server.doctor import verdict
from bugsly_server.group.fingerprint import group
from bugsly_server.inquiry import fingerprint as of_cause
from bugsly_server.model.asked import AskState
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.error_explanation import Source
from bugsly_server.model.growth import Axis
from bugsly_server.model.growth import Verdict as Judged
from bugsly_server.model.issue import ChangeKind, Kind, Scope, State
from bugsly_server.model.max_requests import Present
from bugsly_server.model.proof import Outcome
from bugsly_server.store.meta import held_back
from bugsly_server.store.meta.channels import DeliveryState
from bugsly_server.web.words import PROBING

Lines = Iterator[str]
WORDS: Mapping[str, type[Enum]] = {
    "how far an ask is": AskState,
    "how far an alert is": DeliveryState,
    "what a leak's cause is": Cause,
    "what a release did to a leak": Outcome,
    "what an issue is about": Kind,
    "what happened to an issue": ChangeKind,
    "what hinders the safety net": Hindrance,
    "what is said of max_requests": Present,
    "what is said of a worker": Judged,
    "what memory grows with": Axis,
    "what the safety net does": NetState,
    "where an issue stands": State,
    "which workers grow": Scope,
    "who explains an error": Source,
    "why a worker ended": ExitReason,
}
"""Values that travel or are kept, under names that no renaming of classes changes."""


def render() -> str:
    """Return all of them, a section each."""
    sections: dict[str, Lines] = {
        "fingerprints": _fingerprints(),
        "versions": _versions(),
        "exit codes of doctor": (f"{one.value}  {one.exit_code}" for one in verdict.Verdict),
        "settings of the server": (
            f"{one.variable}  {one.flag}  {one.default or 'none'}" for one in settings.SETTINGS
        ),
        "settings of the agent": (
            f"{one.variable}  {one.name}  {one.default or 'none'}" for one in options.SETTINGS
        ),
        "variables of the environment": iter(sorted(_variables())),
        "commands": _commands(),
    }
    sections["words: facts of a worker"] = iter(sorted(read_facts()))
    sections["words: probes that are asked for"] = iter(sorted(PROBING))
    for name, words in WORDS.items():
        sections[f"words: {name}"] = (str(one.value) for one in words)
    return "\n".join(_section(name, lines) for name, lines in sections.items())


def _section(name: str, lines: Lines) -> str:
    return "".join([f"{name}\n", *(f"    {one}\n" for one in lines)])


def _fingerprints() -> Lines:
    cause = whole_diagnosis()
    causes = {
        "by holder": cause,
        "by holder of a thread": replace(cause, holder="<thread 7>.seen"),
        "by line": replace(cause, holder=""),
        "by endpoint": replace(cause, holder="", site=""),
        "cycles": replace(cause, cause=Cause.CYCLES, holder=""),
    }
    caught = thrown(library(), frame(), type="KeyError")
    errors = {
        "by calls": event(caught),
        "by calls of a library": event(thrown(library())),
        "by two exceptions": event(caught, thrown(frame("pay"), type="OSError")),
        "by message of an exception": event(thrown()),
        "by message": event(message="order 7 of ada@example.com failed", logger="shop"),
        "by its own": event(caught, fingerprint=("checkout",)),
        "by its own and calls": event(caught, fingerprint=("{{ default }}", "checkout")),
    }
    yield f"growth  {of_growth('production')}"
    for name, one in causes.items():
        yield f"leak, {name}  {of_cause(one, 'production')}"
    yield f"net  {held_back.FINGERPRINT}"
    for name, met in errors.items():
        yield f"error, {name}  {group(met).fingerprint}"


def _versions() -> Lines:
    yield f"item `{memory.ITEM_TYPE}`  {memory.VERSION}"
    yield f"item `{event_item.ITEM_TYPE}`"
    yield f"webhook  {message.VERSION}"
    yield f"report of doctor  {verdict.VERSION}"


def _variables() -> set[str]:
    """Return those that the code of both wheels speaks of."""
    files = (
        file
        for package in (bugsly, bugsly_server)
        for file in Path(package.__path__[0]).rglob("*.py")
    )
    return {name for file in files for name in re.findall(r"BUGSLY(?:_[A-Z]+)+", file.read_text())}


def _commands() -> Lines:
    """Yield each command with its arguments, but for the settings that most of them take."""
    shared = {one.flag for one in settings.SETTINGS} | {"-h", "--help"}
    (verbs,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    for name, verb in verbs.choices.items():
        words = [word for one in verb._actions for word in one.option_strings or (one.dest,)]
        takes = [word for word in words if word not in shared]
        yield "  ".join([f"bugsly {name}", *takes])
