"""Families of samples for Prometheus."""

from collections.abc import Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

__all__ = ["counter", "gauge"]


def gauge(name: str, words: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    """Return a gauge with a value for each tuple of its labels."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family


def counter(name: str, words: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    """Return a counter with a value for each tuple of its labels."""
    family = CounterMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
