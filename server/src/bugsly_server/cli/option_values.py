"""What a command line says about settings."""

from __future__ import annotations

import argparse
import os

from bugsly_server.settings import SETTINGS, ServerSettings, load_settings


def settings_of(parsed: argparse.Namespace, **defaults: str) -> ServerSettings:
    """Return the settings of a command line over those of the environment over *defaults*."""
    flags = {setting.name: getattr(parsed, setting.name) for setting in SETTINGS}
    environ = {f"BUGSLY_{name.upper()}": value for name, value in defaults.items()} | os.environ
    return load_settings(flags, environ)


def is_given(parsed: argparse.Namespace, name: str) -> bool:
    """Return whether somebody chose a value for the setting *name*."""
    return getattr(parsed, name) is not None or bool(os.environ.get(f"BUGSLY_{name.upper()}"))
