"""What commands share: options, and how results are shown, as a table for a reader or as JSON for a program."""

import getpass
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from workbench.exceptions import MaintenanceError
from workbench.paths import local_path

if TYPE_CHECKING:
    import pandas as pd

    from workbench.session import Session

__all__ = [
    "AsJson",
    "OfForecaster",
    "Preset",
    "Who",
    "as_record",
    "close_sessions",
    "day",
    "end_with_failures",
    "export_table",
    "local",
    "open_session",
    "pieces",
    "print_json",
    "records",
    "report_failures",
    "rows_text",
    "show",
    "show_trail",
    "table_text",
    "tell_failures",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
OfForecaster = Annotated[
    str | None, typer.Option("--forecaster", help="persistence, ridge or lstm; the channel's champion where omitted.")
]
Preset = Annotated[str | None, typer.Option(help="Detection preset; the one in settings where omitted.")]
Who = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who does it; you where omitted.")]
_HISTORY = ["time", "action", "who", "details"]
_REMARKS = 10  # that are printed; JSON has all


def local(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Return the path that an option or argument was given, or refuse a URL."""
    name = next((option for option in parameter.opts if option.startswith("--")), str(parameter.name))
    return None if value is None else local_path(name, value)


_sessions = ExitStack()


def open_session(**overrides: Any) -> "Session":
    """Open the session, until the command ends.

    What it loads takes most of a second, which help and lists do without.
    """
    from workbench import session

    return _sessions.enter_context(session.open_session(**overrides))


def close_sessions() -> None:
    """Close every session that the command has opened."""
    _sessions.close()


def show(table: "pd.DataFrame", as_json: bool, empty: str) -> None:
    """Print a table, or its rows as JSON; `empty` is said of one without rows."""
    if as_json:
        print_json(records(table))
    else:
        typer.echo(empty if table.empty else table_text(table))


def report_failures(table: "pd.DataFrame") -> None:
    """Name what failed and why, and end with exit code 1 where anything did, 2 where everything did.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns `channel`, `status` and `reason`.

    Raises
    ------
    typer.Exit
        Some channels failed.
    """
    failed = table[table["status"] == "failed"]
    end_with_failures(dict(zip(failed["channel"], failed["reason"], strict=True)), len(table))


def tell_failures(reasons: Mapping[str, str], total: int) -> bool:
    """Print what failed and why to the standard error, and return whether anything did.

    Parameters
    ----------
    reasons : mapping of str to str
        Why each channel failed.
    total : int
        Channels in all.

    Returns
    -------
    bool
    """
    for channel, reason in reasons.items():
        typer.echo(f"{channel} failed: {reason}", err=True)
    if reasons:
        others = " The others are done and kept." if len(reasons) < total else ""
        typer.echo(f"Error: {len(reasons)} of {total} channels failed.{others}", err=True)
    return bool(reasons)


def end_with_failures(reasons: Mapping[str, str], total: int) -> None:
    """Print what failed as `tell_failures` does, and end with exit code 1 where anything did.

    Parameters
    ----------
    reasons : mapping of str to str
        Why each channel failed.
    total : int
        Channels in all; where all of them failed the exit code is 2.

    Raises
    ------
    typer.Exit
        Some channels failed.
    """
    if tell_failures(reasons, total):
        raise typer.Exit(1 if len(reasons) < total else 2)


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


def export_table(table: "pd.DataFrame", path: Path, name: str) -> None:
    """Write a table to a CSV or XLSX file.

    Raises
    ------
    MaintenanceError
        The file's name ends otherwise.
    """
    from workbench.maintenance.exports import to_csv, to_xlsx

    if path.suffix.lower() == ".csv":
        to_csv(table, path)
    elif path.suffix.lower() == ".xlsx":
        to_xlsx({name: table}, path)
    else:
        raise MaintenanceError(
            f"{path} ends in {path.suffix or 'nothing'!r}.", "Give a name that ends in .csv or .xlsx."
        )


def as_record(value: Any) -> dict[str, Any]:
    """Give a dataclass as JSON values; times in ISO 8601."""
    from dataclasses import asdict

    return {name: _plain_field(one) for name, one in asdict(value).items()}


def _plain_field(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {name: _plain_field(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_field(one) for one in value]
    return value


def day(text: str | None) -> datetime | None:
    """Read a date or time; UTC where it names no zone.

    Raises
    ------
    MaintenanceError
        It is neither.

    Examples
    --------
    >>> day("2026-12-24")
    datetime.datetime(2026, 12, 24, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MaintenanceError(f"{text!r} is no date.", "Write it as 2026-12-24 or 2026-12-24T12:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pieces(given: list[str] | None) -> dict[str, int] | None:
    """Read parts and their numbers, as `seal=2`.

    Raises
    ------
    MaintenanceError
        One is not of that form.
    """
    if given is None:
        return None
    found = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            raise MaintenanceError(f"{text!r} is no part with its number.", "Write it as NAME=PIECES, as seal=2.")
        found[name.strip()] = int(number)
    return found


def show_trail(remarks: "pd.DataFrame", history: "pd.DataFrame", home: str) -> None:
    """Print what people wrote about an alert or order, the newest first and wrapped, and then its history.

    Parameters
    ----------
    remarks : pandas.DataFrame
        time, subject, action, who, text.
    history : pandas.DataFrame
        Rows of the log.
    home : str
        The subject that they are shown for, as `alert:12`; remarks on other subjects name theirs.
    """
    from workbench.maintenance.remarks import without_remarks

    if len(remarks):
        typer.echo("\nRemarks, the newest first:")
    for row in remarks.head(_REMARKS).to_dict(orient="records"):
        about = "" if row["subject"] == home else f" ({row['subject'].replace(':', ' ')})"
        typer.echo(_printable(f"  {row['time']:%Y-%m-%d %H:%M} UTC  {row['action']} by {row['who']}{about}"))
        for line in row["text"].splitlines():
            for part in wrap(_printable(line), 96) or [""]:
                typer.echo(f"    {part}")
    if len(remarks) > _REMARKS:
        typer.echo(f"  {len(remarks) - _REMARKS} earlier ones: --json, or workbench log show --subject {home}")
    typer.echo("\nHistory, the newest first, UTC:")
    rows = without_remarks(history).iloc[::-1]
    show(rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M:%S"))[_HISTORY], False, "")


def _printable(text: str) -> str:
    """Replace what would steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
