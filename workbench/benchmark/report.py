"""What a run of a benchmark came to."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.detection.evaluation.records import plain_records

__all__ = ["BenchmarkReport"]


@dataclass(frozen=True)
class BenchmarkReport:
    """Rows of a benchmark: measured here, by detectors that ignore the data, and published by others.

    Attributes
    ----------
    name : str
        The benchmark.
    protocol : str
        How detections are judged, in one sentence.
    measured : pandas.DataFrame
        `detector`, figures of the benchmark, and `seconds` that training and detection took.
    gaming : pandas.DataFrame
        The same figures of detectors that ignore the data: a figure that they reach as well says nothing.
    published : pandas.DataFrame
        `detector`, figures that others published, and `on`: the part of the benchmark and what else differs.
    intervals : pandas.DataFrame
        `figure`, `value`, `mean`, `low`, `high`: 95 % bootstrap intervals of what was measured first.
    details : pandas.DataFrame
        What the figures of the first row measured come from, one row for each series or event.
    notes : tuple of str
        What could not be judged, and why.
    """

    name: str
    protocol: str
    measured: pd.DataFrame
    gaming: pd.DataFrame
    published: pd.DataFrame
    intervals: pd.DataFrame
    details: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`: undefined figures become null."""
        tables = ("measured", "gaming", "published", "intervals", "details")
        return {
            "benchmark": self.name,
            "protocol": self.protocol,
            **{name: plain_records(getattr(self, name)) for name in tables},
            "notes": list(self.notes),
        }
