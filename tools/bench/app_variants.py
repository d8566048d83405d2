"""The app that is measured, bare and with each peer in it; one function a variant.

Runs in the environment of the `bench` group. `BENCH_VARIANT` chooses, `BENCH_SINK` says where a
local server takes whatever a peer sends and throws it away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

SINK_ADDRESS = os.environ.get("BENCH_SINK", "http://127.0.0.1:9")


def make_app() -> Flask:
    """Return the app with the chosen variant installed."""
    before, after = VARIANTS[os.environ.get("BENCH_VARIANT", "bare")]
    before()
    app = Flask("bench")

    @app.get("/items/<int:number>")
    def item(number: int) -> dict[str, object]:
        return {"id": number, "name": f"item {number}", "tags": ["a", "b", "c"], "price": 1999}

    after(app)
    return app


def _install_nothing(*_args: object) -> None:
    return None


def _install_bugsly(app: Flask) -> None:
    import bugsly

    bugsly.init(app, dsn=f"{SINK_ADDRESS.replace('://', '://key@')}/1")


def _sentry_installer(**options: Any) -> Callable[[], None]:
    def install() -> None:
        import sentry_sdk

        sentry_sdk.init(dsn=f"{SINK_ADDRESS.replace('://', '://key@')}/1", **options)

    return install


def _install_otel(app: Flask) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{SINK_ADDRESS}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument_app(app)


def _install_ddtrace() -> None:
    os.environ["DD_TRACE_AGENT_URL"] = SINK_ADDRESS
    os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = "false"
    os.environ["DD_REMOTE_CONFIGURATION_ENABLED"] = "false"
    import ddtrace.auto  # noqa: F401 - importing it is what installs it

    assert urlsplit(SINK_ADDRESS).hostname


VARIANTS: dict[str, tuple[Callable[[], None], Callable[[Flask], None]]] = {
    "bare": (_install_nothing, _install_nothing),
    "bugsly": (_install_nothing, _install_bugsly),
    "sentry-errors": (_sentry_installer(), _install_nothing),
    "sentry-tracing": (_sentry_installer(traces_sample_rate=1.0), _install_nothing),
    "otel": (_install_nothing, _install_otel),
    "ddtrace": (_install_ddtrace, _install_nothing),
}
VARIANT_TITLES = {
    "bare": "bare Flask",
    "bugsly": "Bugsly",
    "sentry-errors": "sentry-sdk, errors only",
    "sentry-tracing": "sentry-sdk, tracing",
    "otel": "OpenTelemetry Flask",
    "ddtrace": "ddtrace",
}
