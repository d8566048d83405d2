"""Code that fails, each piece in its own way, and what has to be said about it."""

import warnings
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from tests.support.raised_exceptions import event_of_exception

from bugsly_server.model.event import ErrorEvent

VIEWS_FILE = "shop/views.py"
SETUP_FILE = "shop/app.py"
FAMILIES = ("none", "names", "kinds", "values", "web", "database", "network")


@dataclass(frozen=True)
class Failure:
    """A piece of code, the rule that has to speak, and what its words have to name."""

    rule: str
    code: str
    mentions: tuple[str, ...]
    line: int
    """Of the piece, where the explanation has to point."""
    setup: str = ""
    diff: tuple[str, ...] = ()
    """Lines of the change that has to be shown."""

    @property
    def text(self) -> str:
        return dedent(self.code).strip() + "\n"

    def event(self, **given: Any) -> ErrorEvent:
        """Run it, and return the event of what it raised; *given* are names it may use."""
        names: dict[str, Any] = {"__name__": "shop.views", **given}
        setup = dedent(self.setup).strip() + "\n"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(setup, SETUP_FILE, "exec"), names)
            try:
                exec(compile(self.text, VIEWS_FILE, "exec"), names)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes an event
                event = event_of_exception(error, {VIEWS_FILE: self.text, SETUP_FILE: setup})
            else:
                raise AssertionError(f"{self.rule}: nothing was raised")
            finally:
                if "engine" in names:
                    names["engine"].dispose()
        return event
