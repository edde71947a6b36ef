"""Scores of a series whose first samples were removed: what stays of them, and what going on needs."""

import json
from functools import partial
from typing import Any

from workbench.detection.envelope.rows import FORECAST_ROWS, AnomalyRow, anomaly_rows, rows_text
from workbench.telemetry.attribute_names import REMOVED_SAMPLES

__all__ = ["needed_samples", "shortened"]

_BLOCKS = 16  # windows of a block of predictions, in lengths of a window, at most


def needed_samples(attributes: dict[str, Any]) -> int | None:
    """Return the first sample of the series that going on from a score reads.

    Parameters
    ----------
    attributes : dict
        Attributes of the score.

    Returns
    -------
    int or None
        None where nothing goes on from it: it begins anew whatever is there.
    """
    try:
        state = json.loads(attributes.get("detection_state", "{}"))
        if not state:
            return None
        standing = json.loads(state["standing"])
        begin = standing.get("first", 0) + standing["window"] * int(json.loads(attributes["parameters"])["batch_size"])
        starts = [first for first, _ in standing["flagged"]]
        if standing["open"] is not None:
            starts.append(standing["open"][0])
        first = [int(state["envelope"]["first"])] if "envelope" in state else []
        margin = _BLOCKS * int(attributes["sequence_length"]) + 1024
        return max(0, int(min([begin, *starts, *first])) - margin - int(state.get("removed", 0)))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def shortened(attributes: dict[str, Any], samples: int) -> dict[str, Any]:
    """Return the attributes of a score after the first samples of its series were removed.

    Parameters
    ----------
    attributes : dict
        Attributes of the score.
    samples : int
        How many samples are removed; no anomaly lies across the cut.

    Returns
    -------
    dict
        Anomalies that lay in them are gone, the others are at the samples that they have now.
    """
    result = dict(attributes)
    place = partial(_placed, samples)
    rows = anomaly_rows(attributes)
    left = [there for row in rows if (there := row.placed(place)) is not None]
    gone = len(rows) - len(left)
    if "anomalies" in attributes:
        result["anomalies"] = rows_text(left)
    complete = json.loads(attributes.get("complete", "{}"))
    if complete:
        own = (AnomalyRow.from_json(row).placed(place) for row in complete["rows"])
        complete |= {
            "samples": complete["samples"] - samples,
            "same": max(complete["same"] - gone, 0),
            "rows": [row.to_json() for row in own if row is not None],
        }
        result["complete"] = json.dumps(complete)
    if FORECAST_ROWS in attributes:
        sequences = anomaly_rows({"anomalies": attributes[FORECAST_ROWS]})
        left = [there for row in sequences if (there := row.placed(place)) is not None]
        gone = len(sequences) - len(left)
        result[FORECAST_ROWS] = rows_text(left)
    if attributes.get("final_samples"):
        result["final_samples"] = max(int(attributes["final_samples"]) - samples, 0)
    state = json.loads(attributes.get("detection_state", "{}"))
    if state:
        standing = json.loads(state["standing"])
        standing["rows"] = max(standing["rows"] - gone, 0)
        standing["last"] = standing["last"] if standing["rows"] else None
        removed = int(state.get("removed", 0)) + samples
        result["detection_state"] = json.dumps(state | {"standing": json.dumps(standing), "removed": removed})
    result[REMOVED_SAMPLES] = int(attributes.get(REMOVED_SAMPLES, 0)) + samples
    return result


def _placed(samples: int, start: int, end: int) -> tuple[int, int] | None:
    """Return where samples lie once some in front of them are removed."""
    return (start - samples, end - samples) if start >= samples else None
