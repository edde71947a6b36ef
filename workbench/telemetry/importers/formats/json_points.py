"""JSON of databases that answer with points by series: Prometheus, ThingsBoard and OpenTSDB."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["telemetry_points"]


def telemetry_points(whole: Any) -> list[dict[str, Any]] | None:
    """Return the points of such an answer as records in the long form: a time, the channel and its value.

    Parameters
    ----------
    whole : object
        Content of a JSON file.

    Returns
    -------
    list of dict or None
        None where it is no such answer.

    Examples
    --------
    >>> telemetry_points({"temp": [{"ts": 1714550400000, "value": "20.5"}]})
    [{'time': 1714550400000, 'channel': 'temp', 'value': '20.5'}]
    """
    if not whole:
        return None
    if isinstance(whole, dict) and isinstance(whole.get("data"), dict) and "resultType" in whole["data"]:
        series = whole["data"].get("result")
        if isinstance(series, list) and all(isinstance(one, dict) and "metric" in one for one in series):
            return [record for one in series for record in _of_prometheus(one)]
    if isinstance(whole, dict) and all(map(_is_of_thingsboard, whole.values())):
        return [
            {"time": point["ts"], "channel": name, "value": point["value"]}
            for name, points in whole.items()
            for point in points
        ]
    if isinstance(whole, list) and all(isinstance(one, dict) and isinstance(one.get("dps"), dict) for one in whole):
        return [record for one in whole for record in _of_opentsdb(one)]
    return None


def _is_of_thingsboard(points: Any) -> bool:
    return (
        isinstance(points, list)
        and bool(points)
        and all(isinstance(point, dict) and point.keys() == {"ts", "value"} for point in points)
    )


def _of_prometheus(series: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    labels = dict(series["metric"])
    channel = labels.pop("__name__", "value")
    points = series.get("values", [series["value"]] if "value" in series else [])
    for time, value in points:
        yield {"time": time, "channel": channel, "value": value, **labels}


def _of_opentsdb(series: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    labels = series.get("tags") if isinstance(series.get("tags"), dict) else {}
    for time, value in series["dps"].items():
        yield {"time": time, "channel": str(series.get("metric", "value")), "value": value, **(labels or {})}
