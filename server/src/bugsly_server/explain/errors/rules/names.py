"""Names that nothing stands for."""

from __future__ import annotations

import ast
import builtins
import re
import sys

from bugsly_server.explain.errors.nearness import nearest
from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.explain.errors.source import swapped

WELL_KNOWN = {
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


def near(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Find the name that was meant, among locals, names nearby and built-in ones."""
    shown = "\n".join((*scene.frame.before, *scene.frame.after))
    nearby = re.findall(r"(?:^|\n)\s*(?:def |class |)([A-Za-z_]\w{0,60})(?:\s*=|\()", shown)
    name = found["name"]
    if name in WELL_KNOWN or name in sys.stdlib_module_names:
        return None
    meant = nearest(name, [*scene.frame.locals, *nearby, *dir(builtins)])
    if not meant:
        return None
    return Reading({"meant": meant}, diff=swapped(scene.frame, name, meant))


def not_imported(_scene: Scene, found: re.Match[str]) -> Reading | None:
    """Name the import that is missing."""
    name = found["name"]
    line = WELL_KNOWN.get(name) or (f"import {name}" if name in sys.stdlib_module_names else "")
    return Reading({"line_to_add": line}) if line else None


def assigned(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Tell a name that is changed in place from one that is set on some ways only."""
    name = found["name"]
    for node in scene.nodes():
        match node:
            case ast.AugAssign(target=ast.Name(id=target)) if target == name:
                return Reading(
                    phrases={
                        "reason": f"`{name}` is changed in this function, which makes it a local"
                        f" variable of it; the `{name}` outside is another one.",
                        "advice": f"Write `global {name}` (or `nonlocal`) at the head of the function;"
                        " better, keep it outside of module globals: every worker has its own.",
                    },
                    confidence=0.93,
                )
    return Reading(
        phrases={
            "reason": f"`{name}` gets its value only on another way through the function: in an"
            " `if`, a loop that did not run, or a `try` that failed before.",
            "advice": f"Give `{name}` a value before the branch, or return early where it has none.",
        }
    )


RULES = (
    Rule(
        slug="name-unbound",
        types=("UnboundLocalError",),
        pattern=r"(?:local variable '|cannot access local variable ')(?P<name>\w+)'",
        title="`{name}` has no value yet in {function}",
        why="{reason}",
        fix="{advice} Look at {at}.",
        unless="`{name}` is deleted with `del`, or is the name of an exception after its `except`.",
        read=assigned,
    ),
    Rule(
        slug="name-not-imported",
        types=("NameError",),
        pattern=r"^name '(?P<name>\w+)' is not defined",
        title="`{name}` is not imported",
        why="The file of {at} uses `{name}` and does not import it.",
        fix="Add `{line_to_add}` at the head of that file.",
        unless="another `{name}` is meant, of your own.",
        confidence=0.93,
        read=not_imported,
    ),
    Rule(
        slug="name-misspelt",
        types=("NameError",),
        pattern=r"^name '(?P<name>\w+)' is not defined",
        title="`{name}` does not exist; `{meant}` does",
        why="`{meant}` is known there and looks much alike: one of the two is misspelt.",
        fix="Write `{meant}` at {at}.",
        unless="`{name}` is a name of its own that still has to be defined or imported.",
        confidence=0.92,
        read=near,
    ),
    Rule(
        slug="name-undefined",
        types=("NameError",),
        pattern=r"^(?:free variable|cannot access free variable|name) '(?P<name>\w+)'",
        title="`{name}` is not defined in {function}",
        why="It is misspelt, not imported, or defined only later or under an `if`.",
        fix="Define or import `{name}` before {at}.",
        unless="it is defined: then in another scope (inside a function or a class).",
        confidence=0.75,
    ),
)
