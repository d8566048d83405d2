"""Writes samples in Prometheus' text format; imported by the first scrape, as it costs 25 ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bugsly_server.web.metrics import MetricSample

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class _SampleCollector(Collector):
    """Hands the samples of one scrape to a registry, as gauges."""

    def __init__(self, help_texts: Mapping[str, str], samples: Sequence[MetricSample]) -> None:
        self._families = {
            name: GaugeMetricFamily(name, help_text) for name, help_text in help_texts.items()
        }
        for name, labels, value in samples:
            self._families[name].add_sample(name, labels, value)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family for each metric, with or without samples."""
        yield from self._families.values()


def exposition_text(help_texts: Mapping[str, str], samples: Sequence[MetricSample]) -> bytes:
    """Return *samples* in Prometheus' text format, version 0.0.4, in UTF-8."""
    registry = CollectorRegistry()
    registry.register(_SampleCollector(help_texts, samples))
    return generate_latest(registry)
