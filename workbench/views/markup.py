"""Pieces of HTML that several views share: links to a target, sparklines, ages and the words of a state."""

import json
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.plots.decimate import decimate
from workbench.views.state import Selected

__all__ = [
    "age",
    "read_target",
    "sparkline",
    "state_words",
    "target",
]


def target(asset: str = "", channel: str = "", anomaly: int | None = None, view: str = "anomalies") -> str:
    """Write where a click leads.

    Examples
    --------
    >>> target("SMAP", "P-1")
    '["anomalies", "SMAP", "P-1", null]'
    """
    return json.dumps([view, asset, channel, anomaly])


def read_target(text: str) -> tuple[str, Selected]:
    """Read what `target` has written: the view, and what is chosen there."""
    view, asset, channel, anomaly = json.loads(text)
    return view, Selected(asset, channel, anomaly)


def sparkline(values: Any, spans: list[tuple[int, int, str]], width: int = 180, height: int = 20) -> str:
    """Draw a series small, with its anomalies as marks below it.

    Parameters
    ----------
    values : array_like, shape (n,)
    spans : list of (int, int, str)
        First and last sample, and level.
    width, height : int
        Pixels.

    Returns
    -------
    str
        SVG.
    """
    series = np.asarray(values, dtype=float)
    kept = decimate(series, width)
    low, high = float(series.min()), float(series.max())
    scale, step = (height - 6) / ((high - low) or 1.0), width / max(len(series) - 1, 1)
    points = " ".join(f"{place * step:.1f},{height - 5 - (series[place] - low) * scale:.1f}" for place in kept)
    marks = "".join(
        f"<rect class='{level}' x='{start * step:.1f}' y='{height - 3}' height='3' "
        f"width='{max((end - start) * step, 2):.1f}'/>"
        for start, end, level in spans
    )
    return (
        f"<svg class='wb-spark' width='{width}' height='{height}' viewBox='0 0 {width} {height}' aria-hidden='true'>"
        f"<polyline points='{points}'/>{marks}</svg>"
    )


def state_words(state: str) -> str:
    """Name a state on screen."""
    return {"unacknowledged": "new", "latched_acknowledged": "latched, ackn."}.get(state, state.replace("_", " "))


def age(then: datetime | None, now: datetime) -> str:
    """Say how long ago something was.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> now = datetime(2026, 1, 2, tzinfo=UTC)
    >>> [age(now - timedelta(minutes=minutes), now) for minutes in (0.2, 5, 90, 60 * 50)]
    ['now', '5 min', '1.5 h', '2.1 d']
    """
    if then is None or pd.isna(then):
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "now"
    for size, name, digits in ((86_400, "d", 1), (3600, "h", 1), (60, "min", 0)):
        if seconds >= size * (2 if name == "d" else 1):
            return f"{seconds / size:.{digits}f} {name}"
    return ""
