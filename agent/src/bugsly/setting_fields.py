"""Declares settings as fields of a dataclass: each names its default, parser and help once.

The agent and the server derive everything else from such a dataclass: variables, flags, loading,
error messages and `docs/settings.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    DefaultFinder = Callable[[Mapping[str, str]], str]
    """Takes the environment and returns the text to use instead of the default, which may be it."""

T = TypeVar("T")


class InvalidSetting(ValueError):
    """A setting that cannot be used: *subject: fact → what to do*."""


class UnusableValue(ValueError):
    """Why a parser cannot use a text: *fact*, and *fix* where setting the default is not it."""

    def __init__(self, fact: str, fix: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.fix = fix


@dataclass(frozen=True, slots=True)
class ValueParser(Generic[T]):
    """Reads the text of a setting."""

    parse: Callable[[str], T]
    """Returns the value; raises `UnusableValue`."""
    values: str = ""
    """Which texts it takes, for the help: `2 to 3650`; empty where any will do."""


class Setting(NamedTuple):
    """One setting, as its field declares it."""

    name: str
    default: str
    parser: ValueParser[Any]
    help: str
    find_default: DefaultFinder | None

    @property
    def variable(self) -> str:
        """Return the name of the environment variable."""
        return f"BUGSLY_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Return the flag of the commands that take this setting."""
        return "--" + self.name.replace("_", "-")

    @property
    def values(self) -> str:
        """Return which texts it takes, empty where any will do."""
        return self.parser.values


def setting(
    default: str,
    parser: ValueParser[T],
    help_text: str,
    *,
    find_default: DefaultFinder | None = None,
    secret: bool = False,
) -> T:
    """Return the field of a setting, typed as the value that its parser returns.

    *find_default* is asked at load time where the setting has its default. The repr of the
    dataclass leaves out a *secret*.
    """
    declared: T = field(
        repr=not secret,
        metadata={
            "default": default,
            "parser": parser,
            "help": help_text,
            "find_default": find_default,
        },
    )
    return declared


def list_settings(kind: type[Any]) -> tuple[Setting, ...]:
    """Return the settings that the dataclass *kind* declares, in its order."""
    return tuple(Setting(name=one.name, **one.metadata) for one in fields(kind))


def parse_settings(kind: type[T], texts: Mapping[str, str], environ: Mapping[str, str]) -> T:
    """Return the *kind* that *texts* describe; a setting they lack or leave empty has its default.

    Raises `InvalidSetting` for a text that cannot be used.
    """
    return kind(
        **{
            declared.name: _parse(declared, texts.get(declared.name) or declared.default, environ)
            for declared in list_settings(kind)
        }
    )


def _parse(declared: Setting, text: str, environ: Mapping[str, str]) -> Any:
    if declared.find_default is not None and text == declared.default:
        text = declared.find_default(environ)
    try:
        return declared.parser.parse(text)
    except UnusableValue as error:
        fix = error.fix or f"set {declared.default}"
        raise InvalidSetting(f"{declared.variable}: {error.fact} → {fix}") from None
