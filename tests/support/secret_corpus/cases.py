"""Reads the corpus: each line of its files is a case, with fresh values in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.secret_corpus.values import make_value

FOLDER = Path(__file__).parent
HELD_OUT = "_held_out"
PARTS = ("", HELD_OUT, "_afterwards")
"""What the rules were tuned on, what they were not, and what was written to find what they miss."""
NAMELESS = frozenset(
    {
        "set-password ada «password»",
        'params: ["ada", "«password»"] for login(user, password)',
        "args=('ada', '«password»') in check_password",
    }
)
"""Cases that nothing tells from other words: neither a name at its place nor a form."""
JSON_CARRIERS = frozenset({"headers", "form", "json", "context"})
"""Carriers whose lines are JSON."""
_SECTION = re.compile(r"\[([a-z]+)\](?: #.*)?")
_KIND = re.compile(r"«(\w+)»")


@dataclass(frozen=True)
class SecretCase:
    """A text that carries secrets, or none that only looks as if it did."""

    carrier: str
    text: str
    values: tuple[str, ...]
    """What must not be seen of it; empty for an innocent one."""
    held_out: bool
    source: str
    """The line of the corpus that it was made of."""


def planted_cases() -> list[SecretCase]:
    """Return all cases with secrets."""
    return [case for part in PARTS for case in _cases(f"planted{part}", held_out=part == HELD_OUT)]


def innocent_cases() -> list[SecretCase]:
    """Return all cases without."""
    return [case for part in PARTS for case in _cases(f"harmless{part}", held_out=part == HELD_OUT)]


def _cases(name: str, *, held_out: bool) -> Iterator[SecretCase]:
    carrier, names = "", [""]
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        section = _SECTION.fullmatch(line)
        if section is not None:
            carrier, names = section[1], [""]
        elif line.startswith("names: "):
            names = line.split()[1:]
        elif line and not line.startswith("#"):
            for number, word in enumerate(names):
                source = line.replace("«name»", word)
                yield _case(
                    carrier if carrier != "grid" else GRID_CARRIERS[number % 4],
                    source,
                    held_out=held_out,
                )


GRID_CARRIERS = ("log", "exception", "breadcrumb", "log")
"""Where the cases of a grid are put, in turns."""


def _case(carrier: str, source: str, *, held_out: bool) -> SecretCase:
    values: list[str] = []

    def fresh(match: re.Match[str]) -> str:
        values.append(make_value(match[1], f"{source} {len(values)}"))
        return values[-1]

    text = _KIND.sub(fresh, source).replace("⏎", "\n")
    if carrier in JSON_CARRIERS:
        json.loads(text)
    return SecretCase(carrier, text, tuple(values), held_out, source)
