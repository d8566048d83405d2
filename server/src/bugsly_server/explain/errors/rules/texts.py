"""Bytes that are no text in the encoding that is assumed, and the reverse."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene

GUESSES = {
    "0xff": "That is how UTF-16 begins, and JPEG images.",
    "0xfe": "That is how UTF-16 begins.",
    "0x89": "That is how PNG images begin.",
    "0x8b": "That is part of how gzip begins: it was not decompressed.",
    "0x80": "In Windows-1252 that is the euro sign; pickles begin with it too.",
}


def decoded(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Say what the byte hints at, and whether a file is opened without an encoding."""
    code = int(found["byte"], 16)
    guess = GUESSES.get(found["byte"], "")
    if not guess and code >= 0xA0:
        guess = f"In Latin-1 and Windows-1252 it is `{chr(code)}`."
    return Reading(phrases={"guess": guess, "opened": _opened(scene)})


def _opened(scene: Scene) -> str:
    for node in scene.nodes():
        match node:
            case ast.Call(func=ast.Name(id="open"), keywords=words) if "encoding" not in {
                one.arg for one in words
            }:
                return " The file is opened without `encoding=`: then the machine decides."
    return ""


RULES = (
    Rule(
        slug="text-not-decodable",
        types=("UnicodeDecodeError",),
        pattern=r"^'(?P<codec>[\w-]+)' codec can't decode byte(?:s)? (?:(?P<byte>0x[0-9a-f]{2}) )?in"
        r" position (?P<position>\d+)",
        title="Byte {byte} at position {position} is no {codec} text",
        why="The bytes are in another encoding, or are no text at all. {guess}{opened}",
        fix='Name the encoding that the sender uses at {at}, as `open(path, encoding="utf-8")` or'
        ' `.decode("cp1252")`; for uploads of people add `errors="replace"` or refuse them.',
        unless="the data was cut in the middle of a character.",
        confidence=0.93,
        read=lambda scene, found: decoded(scene, found) if found["byte"] else None,
    ),
    Rule(
        slug="text-not-encodable",
        types=("UnicodeEncodeError",),
        pattern=r"^'(?P<codec>[\w-]+)' codec can't encode characters? (?P<shown>'[^']+')? ?in"
        r" position (?P<position>[\d-]+)",
        title="{shown} cannot be written as {codec}",
        why="{codec} has no such character. ASCII as the machine's encoding (`LANG=C` in a container)"
        " makes Python write like that.",
        fix='Write with `encoding="utf-8"` at {at}; for output of the whole app set'
        " `PYTHONUTF8=1` or `LANG=C.UTF-8` where it starts.",
        unless="the receiver understands nothing but {codec}.",
        confidence=0.92,
    ),
)
