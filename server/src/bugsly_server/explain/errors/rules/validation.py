"""Input that a schema refuses: pydantic, marshmallow, and JavaScript's."""

from __future__ import annotations

import re
from itertools import pairwise

from bugsly_server.explain.errors.nearness import nearest
from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene, quoted

MOST = 3
"""Faults that are told one by one."""


def pydantic(_scene: Scene, found: re.Match[str]) -> Reading | None:
    """List the fields and what is wrong with each."""
    lines = found["rest"].splitlines()
    faults = [
        f"`{quoted(name, 60)}`: {quoted(fault.split(' [type=')[0], 90)}"
        for name, fault in pairwise(lines)
        if fault.startswith("  ") and not name.startswith(" ")
    ]
    fields = [one for one in lines if one and not one.startswith(" ")]
    extra = re.search(r"input_value=\{(.*?)\}", found["rest"])
    sent = re.findall(r"'(\w+)':", extra[1]) if extra else []
    meant = nearest(fields[0].strip(), sent) if fields and "Field required" in found["rest"] else ""
    if not faults:
        return None
    close = f" `{quoted(meant)}` was sent, which looks much alike." if meant else ""
    return Reading({"first": fields[0]}, {"faults": "; ".join(faults[:MOST]), "close": close})


def marshmallow(_scene: Scene, found: re.Match[str]) -> Reading | None:
    """List the fields and what is wrong with each."""
    pairs = re.findall(r"'([\w.]+)': \[['\"](.+?)['\"]\]", found["faults"])
    if not pairs:
        return None
    told = [f"`{name}`: {quoted(fault, 90).rstrip('.')}" for name, fault in pairs[:MOST]]
    missing = [name for name, fault in pairs if "Missing data" in fault]
    unknown = [name for name, fault in pairs if "Unknown field" in fault]
    meant = next((near for one in missing if (near := nearest(one, unknown))), "")
    close = f" `{meant}` was sent, which looks much alike." if meant else ""
    return Reading({"first": pairs[0][0]}, {"faults": "; ".join(told), "close": close})


def zod(_scene: Scene, found: re.Match[str]) -> Reading | None:
    """List paths and messages of zod's issues."""
    paths = re.findall(r'"path":\s*\[\s*"?([\w"., \n]*?)"?\s*\]', found[0])
    messages = re.findall(r'"message":\s*"([^"]{1,200})"', found[0])
    if not messages:
        return None
    named = [re.sub(r'["\s]+', "", one).replace(",", ".") or "the whole" for one in paths]
    told = [
        f"`{quoted(name, 60)}`: {quoted(text, 90)}"
        for name, text in zip(named, messages, strict=False)
    ]
    return Reading({"first": named[0] if named else "a field"}, {"faults": "; ".join(told[:MOST])})


RULES = (
    Rule(
        slug="pydantic",
        types=("ValidationError",),
        pattern=r"^(?P<number>\d+) validation errors? for (?P<model>\w+)\n(?P<rest>[\s\S]*)",
        title="`{model}` refuses its input: `{first}`",
        what="{line} found {number} faults in what was to become `{model}`. {faults}.",
        why="What was sent does not fit the model.{close}",
        fix="If a client sent it, catch `ValidationError` and answer 400 or 422 with `error.errors()`;"
        " if it is your own, mend where it is made before {at}.",
        unless="the model is stricter than it should be: then give the field a default or a wider type.",
        confidence=0.95,
        read=pydantic,
    ),
    Rule(
        slug="marshmallow",
        types=("ValidationError",),
        pattern=r"^(?P<faults>\{'[\s\S]*\})$",
        title="The schema refuses its input: `{first}`",
        what="{line}: {faults}.",
        why="What was sent does not fit the schema.{close}",
        fix="Catch `ValidationError` and answer 400 with `error.messages`; `unknown=EXCLUDE` lets fields"
        " pass that the schema does not know. It is loaded at {at}.",
        unless="the schema is what is outdated.",
        confidence=0.95,
        read=marshmallow,
    ),
    Rule(
        slug="javascript-schema",
        types=("ValidationError", "ZodError"),
        pattern=r"^\[\s*\{[\s\S]*\"message\"[\s\S]*",
        title="The schema refuses its input: `{first}`",
        what="{line}: {faults}.",
        why="What was parsed (settings, an answer of a server, a message between processes) does not have"
        " the shape that the schema asks for; often an older version wrote it.",
        fix="Use `safeParse` and say what happens otherwise; give new fields a default. It is parsed at {at}.",
        unless="the schema is what is outdated.",
        confidence=0.94,
        read=zod,
    ),
    Rule(
        slug="mongoose",
        types=("ValidationError",),
        pattern=r"^(?P<model>\w+) validation failed: (?P<field>[\w.]+): (?P<fault>[^,]+)",
        title="`{model}` refuses its input: `{field}`",
        what="{line}: `{field}`: {fault}.",
        why="The document does not fit its schema.",
        fix="Check it before it is saved at {at}, and tell the user which field is wrong.",
        unless="the schema is what is outdated.",
        confidence=0.94,
    ),
    Rule(
        slug="ajv",
        types=("ValidationError",),
        pattern=r"^(?:data)?(?P<field>[./][\w./\[\]]+|`\w+`|\"?\w+\"?) (?P<fault>(?:should|must|is|has to)"
        r" [^\n]{2,120})",
        title="The data does not fit its schema: `{field}` {fault}",
        why="What was read (settings, an answer of a server, a message between processes) has another"
        " shape than the schema asks for; often an older version wrote it.",
        fix="Say what happens with data that does not fit, at {at}; give new fields a default, and migrate"
        " settings of older versions.",
        unless="the schema is what is outdated.",
        confidence=0.88,
    ),
)
