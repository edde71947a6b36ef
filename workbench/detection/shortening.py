"""Scores of a series whose first samples were removed: what stays of them, and what going on needs."""

import json
from typing import Any

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
        begin = standing["window"] * int(json.loads(attributes["parameters"])["batch_size"])
        starts = [first for first, _ in standing["flagged"]]
        if standing["open"] is not None:
            starts.append(standing["open"][0])
        margin = _BLOCKS * int(attributes["sequence_length"]) + 1024
        return max(0, int(min([begin, *starts])) - margin - int(state.get("removed", 0)))
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
    rows = json.loads(attributes.get("anomalies", "[]"))
    left = [[start - samples, end - samples, severity] for start, end, severity in rows if start >= samples]
    gone = len(rows) - len(left)
    if "anomalies" in attributes:
        result["anomalies"] = json.dumps(left)
    complete = json.loads(attributes.get("complete", "{}"))
    if complete:
        own = [[start - samples, end - samples, severity] for start, end, severity in complete["rows"]]
        complete |= {
            "samples": complete["samples"] - samples,
            "same": max(complete["same"] - gone, 0),
            "rows": [row for row in own if row[0] >= 0],
        }
        result["complete"] = json.dumps(complete)
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
