"""What commands share: options, and how results are shown, as a table for a reader or as JSON for a program."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

import pandas as pd
import typer

from workbench.exceptions import WorkbenchError

__all__ = ["AsJson", "OfForecaster", "Preset", "print_json", "records", "report_failures", "show", "table_text"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
OfForecaster = Annotated[
    str | None, typer.Option("--forecaster", help="persistence, ridge or lstm; the channel's champion where omitted.")
]
Preset = Annotated[str | None, typer.Option(help="Detection preset; the one in settings where omitted.")]


def show(table: pd.DataFrame, as_json: bool, empty: str) -> None:
    """Print a table, or its rows as JSON; `empty` is said of one without rows."""
    if as_json:
        print_json(records(table))
    else:
        typer.echo(empty if table.empty else table_text(table))


def report_failures(table: pd.DataFrame) -> None:
    """Name what failed and why, and raise where anything did: exit code 2.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns `channel`, `status` and `reason`.

    Raises
    ------
    WorkbenchError
        Counts the failures.
    """
    failed = table[table["status"] == "failed"]
    for channel, reason in zip(failed["channel"], failed["reason"], strict=True):
        typer.echo(f"{channel} failed: {reason}", err=True)
    if len(failed):
        raise WorkbenchError(f"{len(failed)} of {len(table)} channels failed.", "The others are done and kept.")


def table_text(table: pd.DataFrame) -> str:
    """Give a table as text, without its empty columns."""
    shown = table.loc[:, [not _blank(table[column]) for column in table]]
    return shown.to_string(index=False, float_format="{:.4g}".format, na_rep="-")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give rows as JSON can hold them: what is missing is None."""
    plain = table.astype(object).where(table.notna(), None)
    return cast("list[dict[str, Any]]", plain.to_dict(orient="records"))


def print_json(value: Sequence[Any] | dict[str, Any]) -> None:
    """Print strict JSON."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, default=_plain))


def _blank(column: "pd.Series[Any]") -> bool:
    return bool(len(column)) and bool((column.isna() | (column.astype(str) == "")).all())


def _plain(value: Any) -> Any:
    """Turn NumPy scalars and the like into what JSON has."""
    return value.item() if hasattr(value, "item") else str(value)
