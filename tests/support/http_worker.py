"""A worker that reports over HTTP, as an agent does but at the pace of the test."""

import json
import urllib.request
import uuid
from typing import Any

from bugsly.protocol.dsn import parse_dsn
from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import Sample, SampledTraffic, WorkerInfo, encode_report, encode_sample
from bugsly_server.clock import SECOND


class ReportingWorker:
    """One worker; each `report` adds ten seconds to its life and *growth* bytes to its memory."""

    def __init__(
        self,
        dsn: str,
        *,
        pid: int = 4242,
        growth: int = 0,
        limit: int = 8_000_000_000,
        **facts: Any,
    ) -> None:
        self._dsn = parse_dsn(dsn)
        self._growth = growth
        self._limit = limit
        self._samples = 0
        self._facts: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "pid": pid,
            "host": "web-1",
            "machine": "0a1b2c3d",
            "server": "gunicorn 27.0.1 sync",
            "release": "1.0",
            "environment": "production",
            "python": "3.11.7",
            **facts,
        }

    def report(self, samples: int = 1) -> None:
        taken = [self._sample() for _ in range(samples)]
        worker = WorkerInfo(age=(self._samples * 10 + 1) * SECOND, **self._facts)
        payload = encode_report(worker, map(encode_sample, taken), [], {})
        dsn = self._dsn
        request = urllib.request.Request(
            f"{dsn.scheme}://{dsn.host}:{dsn.port}{dsn.path}",
            build_envelope({}, [("memory", payload)]),
            {"X-Sentry-Auth": f"Sentry sentry_key={dsn.key}"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert json.load(reply) == {"id": ""}

    def _sample(self) -> Sample:
        self._samples += 1
        served = SampledTraffic(
            endpoint="GET /items/<int:id>", requests=50, micros=90_000, sent=5_000
        )
        return Sample(
            number=self._samples,
            age=self._samples * 10 * SECOND,
            anonymous=50_000_000 + self._samples * self._growth,
            requests=self._samples * 50,
            used=2_000_000_000,
            limit=self._limit,
            traffic=(served,),
        )
