"""What others rely on beside the shape of JSON: words, names, numbers and fingerprints."""

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path

from tests.support.complete_values import whole_diagnosis
from tests.support.diagnoses import diagnosed_holder
from tests.support.events import event, exception_value, frame, library_frame

import bugsly
import bugsly_server
from bugsly import settings as agent_settings
from bugsly.probes.allocator import read_collector_facts
from bugsly.protocol import event as event_item
from bugsly.protocol import memory
from bugsly.protocol.memory import ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server import settings
from bugsly_server.alert import leak_message
from bugsly_server.check import baseline
from bugsly_server.check.check_settings import CheckSettings
from bugsly_server.check.reports import json_report
from bugsly_server.check.rules import check_rules
from bugsly_server.cli import build_parser
from bugsly_server.doctor import run_verdict
from bugsly_server.fingerprint.error import group_event
from bugsly_server.fingerprint.growth import growth_fingerprint
from bugsly_server.fingerprint.leak import leak_fingerprint
from bugsly_server.model.diagnosis import UNKNOWN_LOCATION, Cause
from bugsly_server.model.error_explanation import ExplanationSource
from bugsly_server.model.fix_proof import FixOutcome
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.issue import FindingScope, IssueChangeKind, IssueKind, IssueState
from bugsly_server.model.max_requests import SettingVerdict
from bugsly_server.model.probe_status import ProbeRequestState
from bugsly_server.store.meta import hindrance_issues
from bugsly_server.store.meta.channels import DeliveryState
from bugsly_server.store.records import finding, fix_proof, growth_judgement
from bugsly_server.web.template_filters import PROBE_TEXTS

Lines = Iterator[str]
ENUMERATIONS: Mapping[str, type[Enum]] = {
    "how far an ask is": ProbeRequestState,
    "how far an alert is": DeliveryState,
    "what a leak's cause is": Cause,
    "what a release did to a leak": FixOutcome,
    "what an issue is about": IssueKind,
    "what happened to an issue": IssueChangeKind,
    "what hinders the safety net": Hindrance,
    "what is said of max_requests": SettingVerdict,
    "what is said of a worker": GrowthVerdict,
    "what memory grows with": GrowthAxis,
    "what the safety net does": RecyclerState,
    "where an issue stands": IssueState,
    "which workers grow": FindingScope,
    "who explains an error": ExplanationSource,
    "why a worker ended": ExitReason,
}
"""Values that travel or are kept, under names that no renaming of classes changes."""


def render() -> str:
    """Return all of them, a section each."""
    sections: dict[str, Lines] = {
        "fingerprints": _fingerprints(),
        "versions": _versions(),
        "exit codes of doctor": (
            f"{one.value}  {one.exit_code}" for one in run_verdict.DoctorVerdict
        ),
        "settings of the server": (
            f"{one.variable}  {one.flag}  {one.default or 'none'}" for one in settings.SETTINGS
        ),
        "settings of the agent": (
            f"{one.variable}  {one.name}  {one.default or 'none'}"
            for one in agent_settings.SETTINGS
        ),
        "rules of check": (f"{one.code}  {one.name}" for one in check_rules()),
        "settings of check": iter(CheckSettings.__struct_encode_fields__),
        "variables of the environment": iter(sorted(_variables())),
        "commands": _commands(),
    }
    sections["words: facts of a worker"] = iter(sorted(read_collector_facts()))
    sections["words: probes that are asked for"] = iter(sorted(PROBE_TEXTS))
    for name, enumeration in ENUMERATIONS.items():
        sections[f"words: {name}"] = (str(one.value) for one in enumeration)
    return "\n".join(_section(name, lines) for name, lines in sections.items())


def _section(name: str, lines: Lines) -> str:
    return "".join([f"{name}\n", *(f"    {one}\n" for one in lines)])


def _fingerprints() -> Lines:
    cause = whole_diagnosis()
    causes = {
        "by holder": cause,
        "by holder of a thread": replace(cause, holder=diagnosed_holder(name="<thread 7>.seen")),
        "by line": replace(cause, holder=None),
        "by endpoint": replace(cause, holder=None, location=UNKNOWN_LOCATION),
        "cycles": replace(cause, cause=Cause.CYCLES, holder=None),
    }
    caught = exception_value(library_frame(), frame(), type="KeyError")
    errors = {
        "by calls": event(caught),
        "by calls of a library": event(exception_value(library_frame())),
        "by two exceptions": event(caught, exception_value(frame("pay"), type="OSError")),
        "by message of an exception": event(exception_value()),
        "by message": event(message="order 7 of ada@example.com failed", logger="shop"),
        "by its own": event(caught, fingerprint=("checkout",)),
        "by its own and calls": event(caught, fingerprint=("{{ default }}", "checkout")),
    }
    yield f"growth  {growth_fingerprint('production')}"
    for name, cause_case in causes.items():
        yield f"leak, {name}  {leak_fingerprint(cause_case, 'production')}"
    yield f"net  {hindrance_issues.FINGERPRINT}"
    for name, error_case in errors.items():
        yield f"error, {name}  {group_event(error_case).fingerprint}"


def _versions() -> Lines:
    yield f"item `{memory.ITEM_TYPE}`  {memory.VERSION}"
    yield f"item `{event_item.ITEM_TYPE}`"
    yield f"webhook  {leak_message.PAYLOAD_VERSION}"
    yield f"report of doctor  {run_verdict.VERSION}"
    yield f"report of check  {json_report.VERSION}"
    yield f"baseline of check  {baseline.VERSION}"
    yield f"record of a finding  {finding.VERSION}"
    yield f"record of a proof  {fix_proof.VERSION}"
    yield f"record of a judgement  {growth_judgement.VERSION}"


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
    (verbs,) = (
        one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction)
    )
    for name, verb in verbs.choices.items():
        words = [word for one in verb._actions for word in one.option_strings or (one.dest,)]
        takes = [word for word in words if word not in shared]
        yield "  ".join([f"bugsly {name}", *takes])
