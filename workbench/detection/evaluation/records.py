"""Tables as plain values for JSON."""

from typing import Any

import pandas as pd

__all__ = ["plain_records"]


def plain_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for `json.dumps`; undefined figures become None.

    Examples
    --------
    >>> plain_records(pd.DataFrame({"f1": [0.5, float("nan")]}))
    [{'f1': 0.5}, {'f1': None}]
    """
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict(orient="records")]
