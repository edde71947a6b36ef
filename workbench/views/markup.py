"""Parts of HTML and words that several views share: links to a target, sparklines, ages, counts and states."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from workbench.maintenance.alerts.grouping import ASSET_KIND
from workbench.maintenance.alerts.table import STATE_WORDS
from workbench.plots.decimate import decimate
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.moments import Moment, moment_text, read_moment
from workbench.views.state import Selected

__all__ = [
    "age",
    "alert_subject",
    "detail_words",
    "duration",
    "lead",
    "name_markup",
    "named_details",
    "percent",
    "read_lead",
    "read_target",
    "significant",
    "sparkline",
    "subject_words",
    "target",
    "verdict_words",
    "with_names",
]


def target(asset: str = "", channel: str = "", anomaly: Moment | None = None, view: str = "anomalies") -> str:
    """Write where a click leads, as text for the `data-pick` of a `Grid`.

    Parameters
    ----------
    asset, channel : str
        What the click chooses.
    anomaly : int, pandas.Timestamp or None
        Moment at which the anomaly begins that the click chooses.
    view : str
        Name of the view that the click opens.

    Examples
    --------
    >>> target("SMAP", "P-1")
    '["anomalies", "SMAP", "P-1", null]'
    """
    return json.dumps([view, asset, channel, anomaly if anomaly is None else moment_text(anomaly)])


def read_target(text: str) -> tuple[str, Selected]:
    """Read what `target` has written: the view, and what is chosen there.

    Parameters
    ----------
    text : str
        Text of `target`.
    """
    view, asset, channel, anomaly = json.loads(text)
    return view, Selected(asset, channel, anomaly if anomaly is None else read_moment(anomaly))


_TAIL = re.compile(r".+?([^\w\s]?[^\W_]{1,8})$", re.DOTALL)
_SHORT_NAME = 12
"""Letters up to which a name has room wherever it stands."""


def name_markup(name: str) -> str:
    """Write a name that is cut in its middle where there is no room for it: names differ most at their ends.

    Parameters
    ----------
    name : str
        Name of a channel or an asset.

    Returns
    -------
    str
        HTML; the stylesheet cuts what comes before the end of the name, and only where it has to.

    Examples
    --------
    >>> name_markup("P-1")
    'P-1'
    >>> name_markup("SMAP-temperature-0042")
    '<span class="wb-name" title="SMAP-temperature-0042"><span>SMAP-temperature</span><span>-0042</span></span>'
    """
    text = escape(name, quote=True)
    if len(name) <= _SHORT_NAME:
        return text
    tail = _TAIL.fullmatch(name)
    cut = tail.start(1) if tail else -6
    head, end = escape(name[:cut], quote=True), escape(name[cut:], quote=True)
    return f'<span class="wb-name" title="{text}"><span>{head}</span><span>{end}</span></span>'


def alert_subject(alert: Mapping[Any, Any], catalog: Catalog) -> str:
    """Return what an alert is about, as people call it: its channel, or the asset where it is of one as a whole.

    Parameters
    ----------
    alert : mapping
        Row of `Alerts.list`, or what the log says of an alert: asset, channel and kind.
    catalog : Catalog
        Names of the assets.

    Examples
    --------
    >>> from workbench.telemetry.catalog import Asset
    >>> catalog = Catalog(assets={"Pump-1": Asset(name="Pump 1")})
    >>> alert_subject({"channel": "BRG-1", "kind": "model"}, catalog)
    'BRG-1'
    >>> alert_subject({"channel": "Pump-1", "kind": "asset"}, catalog)
    'Pump 1'
    """
    name = str(alert["channel"])
    return catalog.asset(name).name if alert["kind"] == ASSET_KIND else name


def with_names(alerts: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """Return a table of alerts with names in place of the keys of assets, to show it.

    Parameters
    ----------
    alerts : pandas.DataFrame
        Columns of `Alerts.list`: asset, channel and kind, and any others.
    catalog : Catalog
        Names of the assets.
    """
    if alerts.empty:
        return alerts
    subjects = [alert_subject(row, catalog) for row in alerts[["channel", "kind"]].to_dict(orient="records")]
    return alerts.assign(asset=[catalog.asset(key).name for key in alerts["asset"]], channel=subjects)


def lead(view: str, **state: str) -> str:
    """Write which view a click opens, and the state that it shows there, as text for the `data-pick` of a `Grid`.

    Parameters
    ----------
    view : str
        Name of the view.
    **state : str
        State of the view, as in a link; what is left out has its default.

    Examples
    --------
    >>> lead("maintenance", mode="orders", show="overdue")
    '{"view": "maintenance", "mode": "orders", "show": "overdue"}'
    """
    return json.dumps({"view": view, **state})


def read_lead(text: str) -> tuple[str, dict[str, str]] | None:
    """Read what `lead` has written: the view, and its state; None for a text that `target` has written."""
    read = json.loads(text)
    return (read.pop("view"), read) if isinstance(read, dict) else None


def sparkline(values: Any, spans: list[tuple[int, int, str]], width: int = 180, height: int = 20) -> str:
    """Draw a series small, with its anomalies as marks below it.

    Parameters
    ----------
    values : array_like, shape (n,)
        The series; the line is broken where values are missing (NaN).
    spans : list of (int, int, str)
        First and last sample of each anomaly, and its level.
    width, height : int
        Size of the drawing, pixels.

    Returns
    -------
    str
        The drawing as SVG.
    """
    series = np.asarray(values, dtype=float)
    drawn = decimate(series, width)
    present = series[np.isfinite(series)]
    low, high = (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)
    scale, step = (height - 6) / ((high - low) or 1.0), width / max(len(series) - 1, 1)
    runs: list[list[str]] = [[]]
    for place in drawn.tolist():
        if np.isnan(series[place]):
            runs.append([])
        else:
            runs[-1].append(f"{place * step:.1f},{height - 5 - (series[place] - low) * scale:.1f}")
    lines = "".join(f"<polyline points='{' '.join(points)}'/>" for points in runs if points)
    marks = "".join(
        f"<rect class='{level}' x='{start * step:.1f}' y='{height - 3}' height='3' "
        f"width='{max((end - start) * step, 2):.1f}'/>"
        for start, end, level in spans
    )
    return (
        f"<svg class='wb-spark' width='{width}' height='{height}' viewBox='0 0 {width} {height}' aria-hidden='true'>"
        f"{lines}{marks}</svg>"
    )


def verdict_words(verdict: str) -> str:
    """Return the words for a verdict, as the screens show it.

    Parameters
    ----------
    verdict : str
        One of `workbench.maintenance.alerts.table.VERDICTS`.

    Examples
    --------
    >>> verdict_words("true"), verdict_words("false alarm")
    ('real fault', 'false alarm')
    """
    return "real fault" if verdict == "true" else verdict


def subject_words(subject: str, catalog: Catalog) -> str:
    """Return the words for what a row of the maintenance log is about.

    Parameters
    ----------
    subject : str
        Subject of the log, as `order:7`.
    catalog : Catalog
        Names of the assets.

    Examples
    --------
    >>> from workbench.telemetry.catalog import Asset
    >>> catalog = Catalog(assets={"Pump-1": Asset(name="Pump 1")})
    >>> [subject_words(subject, catalog) for subject in ("order:7", "alert:12", "outbox", "meter:Pump-1/hours")]
    ['WO-7', 'alert 12', 'outbox', 'meter Pump 1/hours']
    """
    kind, _, name = subject.partition(":")
    if kind in ("asset", "meter"):
        asset, slash, part = name.partition("/")
        name = f"{catalog.asset(asset).name}{slash}{part}"
    return f"WO-{name}" if kind == "order" else f"{kind} {name}".strip()


def named_details(details: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Return the details of a row of the maintenance log with names in place of the keys of assets.

    Parameters
    ----------
    details : mapping of str to Any
        Details, as the log's JSON holds them.
    catalog : Catalog
        Names of the assets.

    Examples
    --------
    >>> from workbench.telemetry.catalog import Asset
    >>> catalog = Catalog(assets={"Pump-1": Asset(name="Pump 1")})
    >>> named_details({"asset": "Pump-1", "why": "moved"}, catalog)
    {'asset': 'Pump 1', 'why': 'moved'}
    >>> named_details({"channel": "Pump-1", "kind": "asset"}, catalog)
    {'channel': 'Pump 1', 'kind': 'asset'}
    """
    keys = ("asset", "channel") if details.get("kind") == ASSET_KIND else ("asset",)
    names = {key: catalog.asset(details[key]).name for key in keys if isinstance(details.get(key), str)}
    return {**details, **names}


_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


def detail_words(value: object) -> str:
    """Return the words for a value among the details of a row of the maintenance log.

    Parameters
    ----------
    value : object
        Value as JSON holds it; times are texts of ISO 8601.

    Examples
    --------
    >>> detail_words([17, 4]), detail_words({"stock": 3}), detail_words("latched_acknowledged"), detail_words(True)
    ('17, 4', 'stock 3', 'acknowledged, waiting for reset', 'yes')
    >>> detail_words("2026-03-01T10:20:30.123456+00:00"), detail_words(0.12345678)
    ('2026-03-01 10:20 UTC', '0.1235')
    """
    if isinstance(value, dict):
        words = {name.replace("_", " "): detail_words(one) for name, one in value.items()}
        return ", ".join(f"{name} {one}" for name, one in words.items() if one)
    if isinstance(value, list):
        return ", ".join(map(detail_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, str):
        if _ISO_TIME.fullmatch(value):
            return f"{pd.Timestamp(value).tz_convert('UTC'):%Y-%m-%d %H:%M} UTC"
        return STATE_WORDS.get(value, value)
    return "" if value is None else str(value)


def age(then: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in words.

    Parameters
    ----------
    then : datetime or None
        When it was; the text is empty for None and NaT.
    now : datetime
        Present time.

    Returns
    -------
    str

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
    return "now" if seconds < 60 else duration(seconds)


_UNITS = (
    (2 * 86_400, 86_400, "d", "day"),
    (3_600, 3_600, "h", "hour"),
    (60, 60, "min", "minute"),
    (0, 1, "s", "second"),
)
"""From how many seconds on a unit is used, its seconds, its symbol and its name."""


def duration(seconds: float, *, long: bool = False) -> str:
    """Return a length of time in words.

    Parameters
    ----------
    seconds : float
        Length of time; the text is empty for NaN.
    long : bool
        Whether the unit is written out, as in a sentence.

    Returns
    -------
    str

    Examples
    --------
    >>> [duration(seconds) for seconds in (5, 3_660, 5_400, 180_000, 28_600_000)]
    ['5 s', '1 h', '1.5 h', '2.1 d', '331 d']
    >>> duration(3_600, long=True), duration(28_600_000, long=True)
    ('1 hour', '331 days')
    """
    if seconds != seconds:  # NaN
        return ""
    _, size, symbol, name = next(unit for unit in _UNITS if seconds >= unit[0] or not unit[0])
    value = seconds / size
    text = f"{value:.0f}" if value >= 10 or size <= 60 else f"{value:.1f}".removesuffix(".0")
    if not long:
        return f"{text} {symbol}"
    return f"{text} {name}" if text == "1" else f"{text} {name}s"


def significant(value: float | None) -> str:
    """Return a figure with four significant digits, at most six of them after the decimal point.

    Parameters
    ----------
    value : float or None
        Figure; the text is empty for None and NaN.

    Examples
    --------
    >>> [significant(value) for value in (0.161, 2.5609e-05, 2e-08, 2587.43, 0.0, float("nan"))]
    ['0.161', '0.000026', '< 0.000001', '2,587', '0', '']
    """
    if value is None or value != value:
        return ""
    if 0 < abs(value) < 5e-7:
        return "< 0.000001"
    decimals = 0 if not value else min(max(3 - math.floor(math.log10(abs(value))), 0), 6)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent.

    Parameters
    ----------
    share : float
        From 0 to 1; the text is empty for NaN.
    digits : int
        Digits after the decimal point.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.9), percent(0.0123, 1), percent(float("nan"))
    ('90 %', '1.2 %', '')
    """
    return "" if share != share else f"{share:.{digits}%}".replace("%", " %")
