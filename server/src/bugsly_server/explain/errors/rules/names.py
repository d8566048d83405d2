"""Explains names that are not defined."""

from __future__ import annotations

import ast
import builtins
import re
import sys

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import nearest_name

WELL_KNOWN_IMPORTS = {
    "request": "from flask import request",
    "jsonify": "from flask import jsonify",
    "abort": "from flask import abort",
    "redirect": "from flask import redirect",
    "url_for": "from flask import url_for",
    "render_template": "from flask import render_template",
    "current_app": "from flask import current_app",
    "session": "from flask import session",
    "Decimal": "from decimal import Decimal",
    "timedelta": "from datetime import timedelta",
    "defaultdict": "from collections import defaultdict",
    "Path": "from pathlib import Path",
    "np": "import numpy as np",
    "pd": "import pandas as pd",
}


def find_meant_name(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find the name that was meant, among locals, names nearby and built-in ones."""
    nearby_source = "\n".join((*raised.frame.before, *raised.frame.after))
    nearby_names = re.findall(
        r"(?:^|\n)[ \t]*(?:def |class |)([A-Za-z_]\w{0,60})(?:[ \t]*=|\()", nearby_source
    )
    name = matched["name"]
    if name in WELL_KNOWN_IMPORTS or name in sys.stdlib_module_names:
        return None
    meant = nearest_name(name, [*raised.frame.locals, *nearby_names, *dir(builtins)])
    if not meant:
        return None
    return RuleMatch({"meant": meant}, diff=replacement_diff(raised.frame, name, meant))


def find_missing_import(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name the import that is missing."""
    name = matched["name"]
    line = WELL_KNOWN_IMPORTS.get(name) or (
        f"import {name}" if name in sys.stdlib_module_names else ""
    )
    return RuleMatch({"line_to_add": line}) if line else None


def explain_unbound_local(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Tell a name that is changed in place from one that is set on some ways only."""
    name = matched["name"]
    for node in raised.statement_nodes():
        match node:
            case ast.AugAssign(target=ast.Name(id=target)) if target == name:
                return RuleMatch(
                    phrases={
                        "reason": f"`{name}` is assigned in this function, which makes it a local"
                        f" variable; the `{name}` outside is a different one.",
                        "advice": f"Write `global {name}` (or `nonlocal`) at the top of the function. Better, do not"
                        " keep it in a global: every worker has its own copy.",
                    },
                    confidence=0.93,
                )
    return RuleMatch(
        phrases={
            "reason": f"`{name}` gets its value only on another path through the function: in an"
            " `if`, a loop that did not run, or a `try` that failed before.",
            "advice": f"Give `{name}` a value before the branch, or return early when it has none.",
        }
    )


RULES = (
    ErrorRule(
        slug="name-unbound",
        exception_types=("UnboundLocalError",),
        pattern=r"(?:local variable '|cannot access local variable ')(?P<name>\w+)'",
        title="`{name}` has no value yet in {function}",
        why="{reason}",
        fix="{advice} Look at {at}.",
        unless="`{name}` is deleted with `del`, or is the name of an exception after its `except`.",
        examine=explain_unbound_local,
    ),
    ErrorRule(
        slug="name-not-imported",
        exception_types=("NameError",),
        pattern=r"^name '(?P<name>\w+)' is not defined",
        title="`{name}` is not imported",
        why="The file with {at} uses `{name}` and does not import it.",
        fix="Add `{line_to_add}` at the top of that file.",
        unless="you mean a `{name}` of your own.",
        confidence=0.93,
        examine=find_missing_import,
    ),
    ErrorRule(
        slug="name-misspelt",
        exception_types=("NameError",),
        pattern=r"^name '(?P<name>\w+)' is not defined",
        title="`{name}` does not exist; `{meant}` does",
        why="`{meant}` exists there and is very similar: one of the two is misspelt.",
        fix="Write `{meant}` at {at}.",
        unless="`{name}` is a different name that still has to be defined or imported.",
        confidence=0.92,
        examine=find_meant_name,
    ),
    ErrorRule(
        slug="name-undefined",
        exception_types=("NameError",),
        pattern=r"^(?:free variable|cannot access free variable|name) '(?P<name>\w+)'",
        title="`{name}` is not defined in {function}",
        why="It is misspelt, not imported, or defined only later or under an `if`.",
        fix="Define or import `{name}` before {at}.",
        unless="it is defined, but in another scope (inside a function or a class).",
        confidence=0.75,
    ),
)
