"""Takes the server's settings from flags."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection

from bugsly.setting_fields import Setting
from bugsly_server.settings import SETTINGS, ServerSettings, load_settings


def add_setting_flags(parser: argparse.ArgumentParser, shown: Collection[str]) -> None:
    """Let *parser* accept the flag of every setting; its help shows those named in *shown*."""
    group = parser.add_argument_group("settings")
    for declared in SETTINGS:
        is_shown = declared.name in shown
        group.add_argument(
            declared.flag,
            metavar="VALUE",
            help=_help_text(declared) if is_shown else argparse.SUPPRESS,
        )


def load_settings_of(parsed: argparse.Namespace, **defaults: str) -> ServerSettings:
    """Return the settings of a command line over those of the environment over *defaults*."""
    flags = {declared.name: getattr(parsed, declared.name) for declared in SETTINGS}
    environ = {f"BUGSLY_{name.upper()}": value for name, value in defaults.items()} | os.environ
    return load_settings(flags, environ)


def is_set(parsed: argparse.Namespace, name: str) -> bool:
    """Return whether a flag or a variable sets the setting *name*."""
    return getattr(parsed, name) is not None or bool(os.environ.get(f"BUGSLY_{name.upper()}"))


def _help_text(declared: Setting) -> str:
    default = f"default {declared.default}" if declared.default else ""
    facts = (declared.values, default, declared.variable)
    return f"{declared.help} ({'; '.join(filter(None, facts))})"
