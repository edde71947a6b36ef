"""What commands share: options, and how results are shown, as a table for a reader or as JSON for a program."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from workbench.exceptions import WorkbenchError
from workbench.paths import local_path

if TYPE_CHECKING:
    import pandas as pd

    from workbench.session import Session

__all__ = [
    "AsJson",
    "OfForecaster",
    "Preset",
    "local",
    "open_session",
    "print_json",
    "records",
    "report_failures",
    "rows_text",
    "show",
    "table_text",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
OfForecaster = Annotated[
    str | None, typer.Option("--forecaster", help="persistence, ridge or lstm; the channel's champion where omitted.")
]
Preset = Annotated[str | None, typer.Option(help="Detection preset; the one in settings where omitted.")]


def local(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Return the path that an option or argument was given, or refuse a URL."""
    name = next((option for option in parameter.opts if option.startswith("--")), str(parameter.name))
    return None if value is None else local_path(name, value)


def open_session(**overrides: Any) -> "Session":
    """Open the session; what it loads takes most of a second, which help and lists do without."""
    from workbench import session

    return session.open_session(**overrides)


def show(table: "pd.DataFrame", as_json: bool, empty: str) -> None:
    """Print a table, or its rows as JSON; `empty` is said of one without rows."""
    if as_json:
        print_json(records(table))
    else:
        typer.echo(empty if table.empty else table_text(table))


def report_failures(table: "pd.DataFrame") -> None:
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


def table_text(table: "pd.DataFrame") -> str:
    """Give a table as text, without its empty columns."""
    return rows_text(records(table))


def rows_text(rows: Sequence[dict[str, Any]]) -> str:
    """Give rows as text, one line each below a line of names, without the columns that are empty."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [[str(name), *(_cell(row.get(name)) for row in rows)] for name in names]
    columns = [column for column in columns if set(column[1:]) - {"", "-"}]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(" ".join(map(str.rjust, line, widths)) for line in lines)


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Give rows as JSON can hold them: what is missing is None."""
    plain = table.astype(object).where(table.notna(), None)
    return cast("list[dict[str, Any]]", plain.to_dict(orient="records"))


def print_json(value: Sequence[Any] | dict[str, Any]) -> None:
    """Print strict JSON."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, default=_plain))


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Turn NumPy scalars and the like into what JSON has."""
    return value.item() if hasattr(value, "item") else str(value)
