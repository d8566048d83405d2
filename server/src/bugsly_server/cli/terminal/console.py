"""Where commands print: to people on either stream, to programs on standard output."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

STDOUT = Console(highlight=False)
STDERR = Console(stderr=True, highlight=False)


def print_indented(text: str, out: Console, *, style: str = "") -> None:
    """Print *text*, wrapped to the width of *out* and indented by two columns."""
    indent = "  "
    wrapped = textwrap.fill(
        text,
        out.width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    out.print(Text(wrapped, style=style), soft_wrap=True)


def print_data(text: str) -> None:
    """Print *text* as it is, for another program to read."""
    print(text)  # noqa: T201 - a console would wrap it
