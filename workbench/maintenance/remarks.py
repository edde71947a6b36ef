"""Remarks of people on alerts and work orders: comments, reasons and what was done, read from the log."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.database import Database, frame
from workbench.maintenance.log import LogRow

__all__ = ["remarks_of", "without_remarks"]

_TEXT_KEYS: Mapping[tuple[str, str], str] = {
    ("alert", "acknowledged"): "comment",
    ("alert", "commented"): "comment",
    ("alert", "shelved"): "why",
    ("alert", "closed"): "comment",
    ("alert", "verdict corrected"): "comment",
    ("alert", "closing undone"): "why",
    ("order", "commented"): "comment",
    ("order", "on hold"): "reason",
    ("order", "in progress"): "reason",
    ("order", "cancelled"): "reason",
    ("order", "completed"): "done",
    ("outage", "started"): "why",
}
"""Key of the details in the log under which a person's text is stored, by kind of subject and action."""

_COLUMNS = ["time", "subject", "action", "who", "text"]


def remarks_of(database: Database, subjects: Iterable[str]) -> pd.DataFrame:
    """Return what people wrote about some alerts and work orders, the newest first.

    An alert that a shelf or an outage hid has the reason of these too, although they belong to another subject.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    subjects : iterable of str
        Names in the log, for example `alert:12` or `order:3`.

    Returns
    -------
    pandas.DataFrame
        time (UTC), subject, action (as `shelved`, `closed as false alarm`), who, text (stripped, never empty).
    """
    with database.reading() as db:
        rows = _rows(frame(db, _log_of(subjects)))
        others = {other for row in rows for other in _hiding_subjects(row)} - {row["subject"] for row in rows}
        if others:
            rows += [row for row in _rows(frame(db, _log_of(others))) if row["action"] in ("shelved", "started")]
    rows.sort(key=lambda row: -row["seq"])
    return pd.DataFrame(
        [
            (row["time"], row["subject"], _action(row), row["who"], text)
            for row in rows
            if (text := _text(row["subject"], row["action"], row["details"]))
        ],
        columns=_COLUMNS,
    )


def without_remarks(history: pd.DataFrame) -> pd.DataFrame:
    """Return log rows without the texts that `remarks_of` returns, so that nothing is shown twice.

    Parameters
    ----------
    history : pandas.DataFrame
        Rows of the log: subject, action and details (JSON), among others.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order.
    """
    remaining_details = []
    for subject, action, details in zip(history["subject"], history["action"], history["details"], strict=True):
        name = _TEXT_KEYS.get((subject.partition(":")[0], action))
        values = {key: value for key, value in json.loads(details or "{}").items() if key != name}
        remaining_details.append(json.dumps(values, ensure_ascii=False) if values else "")
    return history.assign(details=remaining_details)


def _log_of(subjects: Iterable[str]) -> sa.Select[Any]:
    columns: list[Any] = [LogRow.seq, LogRow.time, LogRow.subject, LogRow.action, LogRow.who, LogRow.details]
    return sa.select(*columns).where(LogRow.subject.in_(sorted(set(subjects))))


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    rows = table.to_dict(orient="records")
    return [row | {"details": json.loads(row["details"] or "{}")} for row in rows]


def _hiding_subjects(row: Mapping[Any, Any]) -> list[str]:
    """Return the shelf or outage that hid an alert, as named in the log."""
    details = row["details"]
    subjects = []
    if row["action"] == "raised" and details.get("shelf"):
        subjects.append(f"alert:{details['shelf']}")
    if row["action"] == "suppressed" and details.get("outage"):
        subjects.append(f"outage:{details['outage']}")
    return subjects


def _action(row: Mapping[Any, Any]) -> str:
    verdict = row["details"].get("verdict")
    if verdict and row["action"] == "closed":
        return f"closed as {verdict}"
    return "took the asset out of service" if row["subject"].startswith("outage:") else str(row["action"])


def _text(subject: str, action: str, details: Mapping[str, Any]) -> str:
    name = _TEXT_KEYS.get((subject.partition(":")[0], action))
    return "" if name is None else str(details.get(name) or "").strip()
