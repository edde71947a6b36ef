"""The table of models: its filters, and its rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Self

import pandas as pd

from workbench.models.inventory import inventory
from workbench.models.listing import ASSET_KIND, ModelInfo, natural_key
from workbench.models.names import ALIASES
from workbench.telemetry.catalog import Catalog
from workbench.views.markup import duration, name_markup, significant
from workbench.views.view_session import ViewSession
from workbench.views.widgets.filters import Filters, check_choice, next_order
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = ["CONDITIONS", "PAGE", "ModelFilters", "model_table", "models_markup", "size_words"]

PAGE = 60
"""Models that are listed at first; scrolling to the end lists as many more."""

CONDITIONS = {"": "any condition", "drifted": "drifted", "stale": "old training data", "loaded": "in memory"}
"""Words of the conditions by which models are filtered."""

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
"""Columns of `model_table`."""

_HEADS = (
    Column("channel", "channel"),
    Column("forecaster", "forecaster"),
    Column("version", "version", True),
    Column("aliases", "alias", tip="The champion predicts; the challenger may replace it"),
    Column("age", "age", True, "Time since the version was registered"),
    Column("size", "size, kB", True, "Size of its files"),
    Column(
        "error",
        "validation error",
        True,
        "Mean absolute one-step error over the held-out training windows, in the channel's units",
    ),
    Column("drift", "drift", True, "Typical error on the test series, in multiples of the error in training"),
    Column("loaded", "in memory", tip="Whether the process of this page keeps the model in memory"),
)


@dataclass(frozen=True)
class ModelFilters(Filters):
    """Which models are listed, and in which order.

    Attributes
    ----------
    text, place, forecaster : str
        Part of the channel's name, asset, forecaster; empty for all.
    alias : str
        One of `ALIASES`, `none`, or empty for all.
    condition : str
        One of `CONDITIONS`.
    order : str
        Key of the column by which they are sorted, after `-` where the largest value comes first.
    """

    text: str = ""
    place: str = ""
    forecaster: str = ""
    alias: str = ""
    condition: str = ""
    order: str = "channel"

    @classmethod
    def of(cls, state: Mapping[str, str]) -> Self:
        """Return the filters of a link.

        Parameters
        ----------
        state : mapping of str to str
            State of the view.

        Returns
        -------
        ModelFilters

        Raises
        ------
        ViewError
            The alias, condition or order is not offered.
        """
        filters = super().of(state)
        check_choice("alias", filters.alias, ["", *ALIASES, "none"])
        check_choice("condition", filters.condition, CONDITIONS)
        check_choice("order", filters.order, [sign + column.key for column in _HEADS for sign in ("", "-")])
        return filters

    def sorted_by(self, key: str) -> Self:
        """Return the filters after a click on the head of a column.

        Parameters
        ----------
        key : str
            Key of the column.

        Returns
        -------
        ModelFilters
        """
        return replace(self, order=next_order(self.order, key))

    def select(self, models: pd.DataFrame, drift: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
        """Return the models that pass the filters, in their order.

        Parameters
        ----------
        models : pandas.DataFrame
            As from `model_table`.
        drift : mapping of str to mapping
            Rows of `ModelLife.drift` by model.

        Returns
        -------
        pandas.DataFrame
            With `drift`, the error ratio, and `drifted`, `reason`.
        """
        drift_rows = [drift.get(model, {}) for model in models["model"]]
        table = models.assign(
            drift=[row.get("error_ratio", math.nan) for row in drift_rows],
            drifted=[row.get("status") == "retrain" for row in drift_rows],
            reason=[row.get("reason", "") for row in drift_rows],
        )
        passes = table["channel"].str.contains(self.text, case=False, regex=False)
        for value, column in ((self.place, "asset"), (self.forecaster, "forecaster")):
            passes &= (table[column] == value) | (value == "")
        if self.alias:
            passes &= table["aliases"] == "" if self.alias == "none" else table["aliases"].str.contains(self.alias)
        if self.condition:
            conditions = {"drifted": table["drifted"], "stale": table["stale"] != "", "loaded": table["loaded"]}
            passes &= conditions[self.condition]
        table = table[passes]
        key = self.order.removeprefix("-")
        # A-2 comes before A-10
        by = [natural_key(name) for name in table[key]] if key == "channel" else table[key]
        order = pd.Series(by, index=table.index, dtype=object if key == "channel" else None)
        order = order.sort_values(ascending=not self.order.startswith("-"), kind="stable", na_position="last")
        return table.loc[order.index].reset_index(drop=True)


def model_table(
    session: ViewSession, models: list[ModelInfo], assets: Mapping[str, str], loaded: Mapping[str, bool]
) -> pd.DataFrame:
    """Return registered versions as rows; no model is opened.

    Parameters
    ----------
    session : ViewSession
        Session whose archive tells which training data are old.
    models : list of ModelInfo
        Registered versions.
    assets : mapping of str to str
        Assets by channel.
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
            "stale": row["retrain"] or ("it learned from other training data" if row["promote"] else ""),
            "loaded": loaded[row["model"]],
        }
        for row in rows
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def models_markup(table: pd.DataFrame, limit: int, order: str, catalog: Catalog) -> str:
    """Write the table of the models that pass the filters.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `ModelFilters.select`.
    limit : int
        How many rows are written.
    order : str
        Key of the column by which the table is sorted.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    if table.empty:
        return "<p class='wb-note wb-muted'>No models match. Remove a filter.</p>"
    rows = []
    for row in table.head(limit).to_dict(orient="records"):
        drift = cell(f"{row['drift']:.1f} x", title=row["reason"]) if row["drift"] == row["drift"] else ""
        if row["drifted"] or row["stale"]:
            words = drift or cell("old data", title=row["reason"] or row["stale"])
            drift = f"<span class='high'><span class='wb-symbol' aria-hidden='true'>▲</span></span>{words}"
        of_asset = row["forecaster"] == ASSET_KIND
        about = name_markup(catalog.asset(row["channel"]).name if of_asset else row["channel"])
        cells = [
            f"<span title='{escape(catalog.asset(row['asset']).name, quote=True)}'>{about}</span>",
            cell(row["forecaster"]),
            f"{row['version']}",
            cell(row["aliases"]),
            duration(row["age"]),
            size_words(row["size"]),
            significant(row["error"]),
            drift,
            "yes" if row["loaded"] else "",
        ]
        rows.append((row["model"], cells))
    note = f"{limit} of {len(table)} models; scroll down for more" if len(table) > limit else ""
    return table_markup(_HEADS, rows, order=order, note=note)


def size_words(size: float) -> str:
    """Return a size in kB; empty where it is not known.

    Parameters
    ----------
    size : float
        Size in bytes.

    Returns
    -------
    str
    """
    return f"{size / 1000:,.0f}" if size == size else ""
