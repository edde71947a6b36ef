"""The table of models: what is asked for, and its rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from workbench.exceptions import ViewError
from workbench.models.inventory import inventory
from workbench.models.listing import ModelInfo, natural_key
from workbench.models.names import ALIASES
from workbench.views.view_session import ViewSession
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = ["CONDITIONS", "PAGE", "Wanted", "age_words", "model_table", "models_markup", "number", "size_words"]

PAGE = 60
"""Models that are listed at first; scrolling to the end brings as many more."""

CONDITIONS = {"": "any state", "drifted": "drifted", "stale": "old training data", "loaded": "loaded"}

COLUMNS = (
    "model",
    "channel",
    "asset",
    "forecaster",
    "version",
    "aliases",
    "age",
    "size",
    "error",
    "stale",
    "loaded",
)

_HEADS = (
    Column("channel", "channel"),
    Column("forecaster", "forecaster"),
    Column("version", "v", True, "Version"),
    Column("aliases", "alias", tip="The champion predicts; the challenger may replace it"),
    Column("age", "age", True, "Since it was registered"),
    Column("size", "size, kB", True, "Of its files"),
    Column("error", "error", True, "Mean absolute one-step error over the held-out training windows, channel's units"),
    Column("drift", "drift", True, "Typical error on the test series, in multiples of the error in training"),
    Column("loaded", "loaded", tip="Whether this page's process keeps it in memory"),
)
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@dataclass(frozen=True)
class Wanted:
    """Which models are listed.

    Attributes
    ----------
    text, place, forecaster : str
        Part of the channel's name, asset, forecaster; empty for all.
    alias : str
        One of `ALIASES`, `none`, or empty.
    condition : str
        One of `CONDITIONS`.
    order : str
        Key of the column by which they are sorted; `-key` where the largest comes first.
    """

    text: str = ""
    place: str = ""
    forecaster: str = ""
    alias: str = ""
    condition: str = ""
    order: str = "channel"

    def written(self) -> dict[str, str]:
        """Give what differs from what comes first, for a link."""
        return {
            item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != item.default
        }

    @classmethod
    def of(cls, state: Mapping[str, str]) -> "Wanted":
        """Read a link.

        Raises
        ------
        ViewError
            The alias, condition or order is not known.
        """
        wanted = cls(**{item.name: state[item.name] for item in fields(cls) if item.name in state})
        known = {"alias": ["", *ALIASES, "none"], "condition": list(CONDITIONS)}
        known["order"] = [sign + column.key for column in _HEADS for sign in ("", "-")]
        for name, values in known.items():
            if getattr(wanted, name) not in values:
                raise ViewError(f"{name} is {getattr(wanted, name)!r}.", f"Known: {', '.join(filter(None, values))}.")
        return wanted

    def sorted_by(self, key: str) -> "Wanted":
        """Sort by a column; the other way round where it is sorted so already."""
        return replace(self, order=f"-{key}" if self.order == key else key)

    def of_table(self, models: pd.DataFrame, drift: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
        """Give the models that are wanted, in their order.

        Parameters
        ----------
        models : pandas.DataFrame
            Of `model_table`.
        drift : mapping of str to mapping
            Rows of `ModelLife.drift` by model.

        Returns
        -------
        pandas.DataFrame
            With `drift`, the error ratio, and `drifted`, `reason`.
        """
        found = [drift.get(model, {}) for model in models["model"]]
        table = models.assign(
            drift=[row.get("error_ratio", math.nan) for row in found],
            drifted=[row.get("status") == "retrain" for row in found],
            reason=[row.get("reason", "") for row in found],
        )
        kept = table["channel"].str.contains(self.text, case=False, regex=False)
        for value, column in ((self.place, "asset"), (self.forecaster, "forecaster")):
            kept &= (table[column] == value) | (value == "")
        if self.alias:
            kept &= table["aliases"] == "" if self.alias == "none" else table["aliases"].str.contains(self.alias)
        if self.condition:
            kept &= {"drifted": table["drifted"], "stale": table["stale"] != "", "loaded": table["loaded"]}[
                self.condition
            ]
        table = table[kept]
        key = self.order.removeprefix("-")
        by = [natural_key(name) for name in table[key]] if key == "channel" else table[key]
        order = pd.Series(by, index=table.index, dtype=object if key == "channel" else None)
        order = order.sort_values(ascending=not self.order.startswith("-"), kind="stable", na_position="last")
        return table.loc[order.index].reset_index(drop=True)


def model_table(
    session: ViewSession, models: list[ModelInfo], assets: Mapping[str, str], loaded: Mapping[str, bool]
) -> pd.DataFrame:
    """Lay registered versions out as rows; no model is opened.

    Parameters
    ----------
    session : ViewSession
    models : list of ModelInfo
    assets : mapping of str to str
        By channel.
    loaded : mapping of str to bool
        Whether a version, by its id, is in memory.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: age in seconds, size in bytes, error in the channel's units; `stale` says why it should be trained
        again.
    """
    rows = inventory(models, session.archive.path, session.clock())
    table = [
        {
            **{name: row[name] for name in ("model", "channel", "forecaster", "version", "aliases", "age", "size")},
            "asset": assets.get(row["channel"], ""),
            "error": row.get("validation_error", math.nan),
            "stale": row["retrain"],
            "loaded": loaded[row["model"]],
        }
        for row in rows
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def models_markup(table: pd.DataFrame, limit: int, order: str) -> str:
    """Write the first rows of `Wanted.of_table`."""
    rows = []
    for row in table.head(limit).to_dict(orient="records"):
        drift = cell(f"{row['drift']:.1f} x", title=row["reason"]) if row["drift"] == row["drift"] else ""
        if row["drifted"] or row["stale"]:
            tip = row["reason"] or row["stale"]
            words = drift or cell("old data", title=tip)
            drift = f"<span class='high'><span class='wb-symbol' aria-hidden='true'>▲</span></span>{words}"
        cells = [
            cell(row["channel"], title=row["asset"]),
            cell(row["forecaster"]),
            f"{row['version']}",
            cell(row["aliases"]),
            age_words(row["age"]),
            size_words(row["size"]),
            number(row["error"]),
            drift,
            "yes" if row["loaded"] else "",
        ]
        rows.append((row["model"], cells))
    note = f"{limit} of {len(table)}; go on down for more" if len(table) > limit else ""
    return table_markup(_HEADS, rows, order=order, note=note)


def age_words(seconds: float) -> str:
    """Say how old something is.

    Examples
    --------
    >>> age_words(7300), age_words(5)
    ('2 h', 'now')
    """
    return next((f"{seconds / length:.0f} {unit}" for length, unit in _UNITS if seconds >= length), "now")


def size_words(size: float) -> str:
    """Say how large something is, in kB; empty where that is not known."""
    return f"{size / 1000:,.0f}" if size == size else ""


def number(value: Any) -> str:
    """Write a figure with four digits; empty where there is none."""
    return "" if value is None or value != value else f"{value:,.4g}"
