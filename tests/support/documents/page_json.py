"""What the scripts of pages are answered: the numbers of charts, and events of streams."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support.complete_values import whole_site

from bugsly_server.web import llm_answer
from bugsly_server.web.live_updates import LiveUpdates

CHARTS = {
    "chart.json": "chart.json",
    "workers/1/chart.json": "workers/1/chart.json",
    "workers/1/chart.json?part=last": "workers/4/chart.json?part=last",
    "issues/1/holder.json": "issues/1/holder.json",
    "issues/1/holder.json, of a walked heap": "issues/3/holder.json",
}


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield each of them."""
    with whole_site(folder) as made:
        for name, path in CHARTS.items():
            answer = made.client.get(f"/p/shop/{path}")
            assert answer.status_code == 200, path
            yield f"GET /p/shop/{name}", answer.json()
        yield _event("GET /p/shop/live", LiveUpdates().stream(1))
        for is_running in (True, False):
            progress = llm_answer._progress_events(_site_with_llm(is_running=is_running), 1)
            yield _event("GET /p/shop/issues/1/advice/live", progress)


def _site_with_llm(*, is_running: bool) -> Any:
    """Return a site whose model answers, or has answered."""
    turn = SimpleNamespace(is_running=is_running, progress="read 3 of 9")
    return SimpleNamespace(
        live_updates=LiveUpdates(), llm_jobs=SimpleNamespace(latest_job=lambda _: turn)
    )


def _event(name: str, stream: AsyncIterator[str]) -> tuple[str, dict[str, str]]:
    """Return the fields of the first event of *stream*, named after it."""

    async def first() -> str:
        return await anext(stream)

    lines = asyncio.run(first()).splitlines()
    parts = (line.partition(":") for line in lines if line)
    fields = {name: value.strip() for name, _, value in parts}
    return f"{name}, {fields['event']}", fields
