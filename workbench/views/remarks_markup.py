"""What people wrote about an alert or a work order, as HTML: the newest first, the earlier ones folded away."""

from html import escape
from typing import Any

import pandas as pd

__all__ = ["remarks_markup"]

_SHOWN = 3
"""Remarks that are shown at once; the earlier ones unfold."""

_LONGEST = 280
"""Characters of a remark that are shown at once; the whole text unfolds."""


def remarks_markup(remarks: pd.DataFrame, home: str = "") -> str:
    """Write remarks as a list with author, time and text.

    Parameters
    ----------
    remarks : pandas.DataFrame
        time (UTC), subject, action, who, text, the newest first; as `remarks_of` lists them.
    home : str
        The subject that they are shown for, as `alert:12`; those of other subjects name theirs.

    Returns
    -------
    str
        HTML in which all that people wrote is escaped; empty where there are no remarks.
    """
    rows = [_item(row, home) for row in remarks.to_dict(orient="records")]
    if not rows:
        return ""
    earlier = rows[_SHOWN:]
    more = f"<details><summary>{len(earlier)} earlier</summary><ul>{''.join(earlier)}</ul></details>" if earlier else ""
    return f"<div class='wb-remarks'><ul>{''.join(rows[:_SHOWN])}</ul>{more}</div>"


def _item(row: dict[Any, Any], home: str) -> str:
    subject = "" if row["subject"] == home else f", {row['subject'].replace(':', ' ')}"
    head = f"{pd.Timestamp(row['time']):%Y-%m-%d %H:%M} UTC, {row['action']} by"
    return (
        f"<li><span class='wb-muted'>{escape(head)}</span> <b>{escape(row['who'])}</b>"
        f"<span class='wb-muted'>{escape(subject)}</span>{_body(row['text'])}</li>"
    )


def _body(text: str) -> str:
    if len(text) <= _LONGEST:
        return f"<div class='wb-remark'>{escape(text)}</div>"
    begin, rest = text[:_LONGEST], text[_LONGEST:]
    more = f"<details><summary>{len(rest):,} more characters</summary>{escape(rest)}</details>"
    return f"<div class='wb-remark'>{escape(begin)}{more}</div>"
