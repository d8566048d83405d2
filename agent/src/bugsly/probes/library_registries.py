"""Counts what libraries keep in registries: log handlers, signal receivers, metrics, callbacks.

A registry is read only if its module is imported, and none of the application's code runs.
"""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from bugsly.app_code import app_modules, resolve_callee
from bugsly.probes.rising_counts import DescribedCount
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

ATEXIT_HOLDER = "functions registered with atexit"
MAX_LABEL_SETS = 1_000
"""Children of a metric that are read to find the label with most values."""


def count_handlers() -> dict[str, DescribedCount]:
    """Return how many handlers each logger has."""
    found = {}
    for name, logger in [("", logging.root), *logging.root.manager.loggerDict.items()]:
        handlers = object.__getattribute__(logger, "__dict__").get("handlers")
        if type(handlers) is list:
            label = f"handlers of logger '{name}'" if name else "handlers of the root logger"
            found[label] = DescribedCount(len(handlers), partial(_describe_handlers, handlers))
    return found


def _describe_handlers(handlers: list[object], name: str) -> Holder:
    return Holder(name=name, kind="handler", entry=resolve_callee(handlers[-1]).name)


def count_receivers() -> dict[str, DescribedCount]:
    """Return how many receivers each blinker signal has that is a variable of a module."""
    found = {}
    for variable, signal in _signals():
        fields = object.__getattribute__(signal, "__dict__")
        receivers, name = fields.get("receivers"), fields.get("name")
        if type(receivers) is dict:
            label = f"receivers of signal '{name}'" if name else f"receivers of {variable}"
            found[label] = DescribedCount(len(receivers), partial(_describe_receivers, receivers))
    return found


def _signals() -> Iterator[tuple[str, object]]:
    """Yield the signals and their variables, such as `shop.priced`; a signal may come twice."""
    blinker = sys.modules.get("blinker")
    if blinker is None:
        return
    kind = vars(blinker)["Signal"]
    namespaces = [(module.__name__, vars(module)) for module in app_modules()]
    namespaces.append(("blinker", vars(blinker).get("default_namespace", {})))
    namespaces.append(("flask.signals", vars(sys.modules.get("flask.signals", blinker))))
    for module, namespace in namespaces:
        for name, signal in list(namespace.items()):
            if issubclass(type(signal), kind):
                yield f"{module}.{name}", signal


def _describe_receivers(receivers: dict[object, object], name: str) -> Holder:
    newest = list(receivers.values())[-1]
    callee = resolve_callee(newest() if isinstance(newest, weakref.ref) else newest)
    return Holder(
        name=name, kind="receiver", entry=callee.name, site=callee.app_site, file=callee.file
    )


def count_labels() -> dict[str, DescribedCount]:
    """Return how many children, one for each combination of labels, each Prometheus metric has."""
    module = sys.modules.get("prometheus_client")
    if module is None:
        return {}
    found = {}
    for metric in list(vars(module)["REGISTRY"]._collector_to_names):  # noqa: SLF001 - nothing public lists children
        fields = object.__getattribute__(metric, "__dict__")
        children = fields.get("_metrics")
        if type(children) is dict:
            label = f"children of metric '{fields.get('_name')}'"
            describe = partial(_describe_metric, tuple(fields.get("_labelnames", ())), children)
            found[label] = DescribedCount(len(children), describe)
    return found


def _describe_metric(labels: tuple[str, ...], children: dict[Any, Any], name: str) -> Holder:
    """Describe a metric by the label that has most values."""
    seen: dict[str, set[str]] = {label: set() for label in labels}
    for key in islice(list(children), MAX_LABEL_SETS):
        for label, value in zip(labels, key, strict=False):
            seen[label].add(value)
    widest = max(seen, key=lambda label: len(seen[label]), default="")
    return Holder(
        name=name,
        kind="metric",
        entry=f"label {widest}",
        details={"labels": len(labels), "values_seen": len(seen.get(widest, ()))},
    )


def count_callbacks() -> dict[str, DescribedCount]:
    """Return how many functions are registered to run at the exit of the interpreter."""
    waiting = atexit._ncallbacks()  # noqa: SLF001 - atexit has no public count
    return {ATEXIT_HOLDER: DescribedCount(waiting, _describe_callbacks)}


def _describe_callbacks(name: str) -> Holder:
    return Holder(name=name, kind="callback", entry="function")
