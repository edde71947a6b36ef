"""What commands share: options, and how results are shown, as a table for a reader or as JSON for a program.

A command that works on channels ends with exit code 0 where all are done, 1 where some failed, and 2 where all failed
or the input is wrong.

One module because every command takes its options and its tables from here.
"""

import getpass
import json
import signal
import threading
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
    "NUMBERS_BELOW_0",
    "AllChannels",
    "AsJson",
    "AsOf",
    "Channels",
    "ChannelsOrAssets",
    "ComputePlace",
    "ForecasterName",
    "New",
    "PresetName",
    "Who",
    "age_text",
    "as_record",
    "ask",
    "close_sessions",
    "count_text",
    "day",
    "done_words",
    "empty_archive_text",
    "end_with_failures",
    "export_table",
    "failure_reasons",
    "local",
    "open_session",
    "part_quantities",
    "percent_text",
    "place_overrides",
    "print_json",
    "print_trail",
    "printable",
    "records",
    "report_failures",
    "requested_channels",
    "rows_text",
    "show",
    "split_names",
    "stop_on_signals",
    "table_text",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="now",
        help="End of the period, in UTC, for example 2026-12-24 or 2026-12-24T12:00: what was recorded later does not "
        "count.",
    ),
]
Channels = Annotated[list[str] | None, typer.Argument(metavar="CHANNEL", help="Names of channels, for example P-1.")]
ChannelsOrAssets = Annotated[
    list[str] | None,
    typer.Argument(metavar="CHANNEL", help="Names of channels, for example P-1, or of assets, for example Pump-1."),
]
AllChannels = Annotated[bool, typer.Option("--all", help="Work on all channels of the archive.")]
ComputePlace = Annotated[
    str | None,
    typer.Option(
        "--compute",
        metavar="PLACE",
        show_default="compute of the settings, local",
        help="Place of the work: local, processes:N, or tcp://HOST:PORT of a Dask scheduler.",
    ),
]
ForecasterName = Annotated[
    str | None,
    typer.Option(
        "--forecaster",
        metavar="NAME",
        show_default="the champion of the channel",
        help="Forecaster: persistence, ridge or lstm.",
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", show_default="the preset of the settings", help="Detection preset."),
]
Who = Annotated[
    str,
    typer.Option(
        default_factory=getpass.getuser,
        show_default="your user name",
        metavar="NAME",
        help="Name of the person who does it, for the maintenance log.",
    ),
]
New = Annotated[bool, typer.Option("--new", help="Accept a new name that is nearly one that exists.")]
NUMBERS_BELOW_0 = {"ignore_unknown_options": True}
"""Settings of a command whose arguments are numbers: -1 is a number then, which is judged, and not an option."""
_AGE_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MAX_QUANTITY_DIGITS = 9
_HISTORY_COLUMNS = ["time", "action", "who", "details"]
_MAX_PRINTED_REMARKS = 10  # JSON has all


def local(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Return the path of an option or argument, and refuse a URL."""
    name = next((option for option in parameter.opts if option.startswith("--")), str(parameter.name))
    return None if value is None else local_path(name, value)


_sessions = ExitStack()


def open_session(**overrides: Any) -> "Session":
    """Open the session, until the command ends.

    What it loads takes most of a second, which help and lists do without.
    """
    from workbench import session

    return _sessions.enter_context(session.open_session(**overrides))


def place_overrides(compute: str | None, workers: int | None = None) -> dict[str, Any]:
    """Return the overrides of settings that options of the command line ask for.

    Parameters
    ----------
    compute : str or None
        Place that `--compute` names.
    workers : int or None
        Number of processes that `--workers` names; it wins over `compute` of the settings.

    Raises
    ------
    typer.BadParameter
        Both are there.
    """
    if compute is not None and workers is not None:
        raise typer.BadParameter("--compute and --workers are passed. Use one of the two.")
    if workers is not None:
        return {"compute": f"processes:{workers}"}
    return {} if compute is None else {"compute": compute}


def close_sessions() -> None:
    """Close every session that the command has opened."""
    _sessions.close()


def requested_channels(session: "Session", names: list[str] | None, all_channels: bool) -> list[str]:
    """Return the channels that a command works on: those named, or all of the archive.

    Parameters
    ----------
    session : Session
        The session whose archive holds the channels.
    names : list of str or None
        Channels named on the command line.
    all_channels : bool
        Whether `--all` was passed.

    Raises
    ------
    typer.BadParameter
        Neither or both are there.
    """
    if names and all_channels:
        raise typer.BadParameter("Channels are named, and --all is passed. Use one of the two.")
    if not names and not all_channels:
        raise typer.BadParameter("No channel is named. Name channels or pass --all; `workbench channels` lists them.")
    return session.channel_names(names or None)


def split_names(session: "Session", names: list[str] | None) -> tuple[list[str], list[str]]:
    """Return which names of a command line are channels and which are assets; a channel has the first claim to a name.

    Parameters
    ----------
    session : Session
        The session whose archive holds them.
    names : list of str or None
        Names on the command line; unknown ones stay among the channels, where they are refused.
    """
    named = list(dict.fromkeys(names or ()))
    channels = set(session.archive.channels()) if named else set()
    others = [name for name in named if name not in channels]
    assets = {*session.assets.names()} if others else set()
    return [name for name in named if name not in others or name not in assets], [n for n in others if n in assets]


def empty_archive_text(session: "Session") -> str:
    """Return what to do first where the archive holds no channel; an empty text where it holds one."""
    return "" if session.archive.channels() else "The archive is empty. Run: workbench run, or workbench import PATH."


def show(table: "pd.DataFrame", as_json: bool, empty: str) -> None:
    """Print a table, or its rows as JSON.

    Parameters
    ----------
    table : pandas.DataFrame
        The rows to print.
    as_json : bool
        Whether a program reads them.
    empty : str
        The sentence that a reader sees in place of a table without rows.
    """
    if as_json:
        print_json(records(table))
    else:
        typer.echo(empty if table.empty else table_text(table))


def count_text(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun in the right form.

    Parameters
    ----------
    number : int
        How many there are.
    one, many : str
        The noun for one and for several; `many` is `one` with an s where omitted.

    Examples
    --------
    >>> count_text(1, "alert"), count_text(0, "anomaly", "anomalies")
    ('1 alert', '0 anomalies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def age_text(seconds: float) -> str:
    """Write an age in its largest whole unit.

    Parameters
    ----------
    seconds : float
        The age.

    Examples
    --------
    >>> [age_text(seconds) for seconds in (5, 300, 7200, 200_000)]
    ['now', '5 min', '2 h', '2 d']
    """
    return next((f"{seconds / size:.0f} {unit}" for size, unit in _AGE_UNITS if seconds >= size), "now")


def percent_text(share: float | None) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    share : float or None
        From 0 to 1; None where there are no data.

    Examples
    --------
    >>> percent_text(0.9), percent_text(None)
    ('90.0 %', 'no data')
    """
    return "no data" if share is None else f"{share * 100:.1f} %"


def failure_reasons(table: "pd.DataFrame") -> dict[str, str]:
    """Return why each channel failed.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns `channel`, `status` and `reason`.

    Returns
    -------
    dict of str to str
        Reasons by channel; empty where none failed.
    """
    failed = table[table["status"] == "failed"]
    return dict(zip(failed["channel"], failed["reason"], strict=True))


def report_failures(table: "pd.DataFrame") -> None:
    """Print what failed and why, and end with exit code 1 where some channels failed, 2 where all did.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns `channel`, `status` and `reason`.

    Raises
    ------
    typer.Exit
        Some channels failed.
    """
    end_with_failures(failure_reasons(table), len(table))


def print_failures(reasons: Mapping[str, str], total: int) -> bool:
    """Print what failed and why to the standard error, and return whether anything did.

    Parameters
    ----------
    reasons : mapping of str to str
        Why each channel failed.
    total : int
        How many channels the command worked on.

    Returns
    -------
    bool
    """
    for channel, reason in reasons.items():
        typer.echo(f"{channel} failed: {reason}", err=True)
    if reasons:
        others = " The others are done and kept." if len(reasons) < total else ""
        typer.echo(f"Error: {len(reasons)} of {count_text(total, 'channel')} failed.{others}", err=True)
    return bool(reasons)


def end_with_failures(reasons: Mapping[str, str], total: int) -> None:
    """Print what failed as `print_failures` does, and end with exit code 1 where anything did.

    Parameters
    ----------
    reasons : mapping of str to str
        Why each channel failed.
    total : int
        How many channels the command worked on; where all of them failed the exit code is 2.

    Raises
    ------
    typer.Exit
        Some channels failed.
    """
    if print_failures(reasons, total):
        raise typer.Exit(1 if len(reasons) < total else 2)


def table_text(table: "pd.DataFrame") -> str:
    """Return a table as text, without its empty columns."""
    return rows_text(records(table))


def rows_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as text, one line each below a line of names, without empty columns."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [[str(name), *(_cell(row.get(name)) for row in rows)] for name in names]
    columns = [column for column in columns if set(column[1:]) - {"", "-"}]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(" ".join(map(str.rjust, line, widths)) for line in lines)


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows as JSON can hold them: a missing value is None."""
    plain = table.astype(object).where(table.notna(), None)
    return cast("list[dict[str, Any]]", plain.to_dict(orient="records"))


def print_json(value: Sequence[Any] | dict[str, Any]) -> None:
    """Print a value as strict JSON, which has no NaN."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, default=_plain))


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "-"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))


def _plain(value: Any) -> Any:
    """Convert NumPy scalars and other values to what JSON has."""
    return value.item() if hasattr(value, "item") else str(value)


def export_table(table: "pd.DataFrame", path: Path, name: str, log_head: str) -> None:
    """Write a table to a CSV or XLSX file, with the head of the maintenance log, by which the log can be verified.

    In CSV it is the first value of the last column, `log_head`; in XLSX it has a sheet of its own.

    Raises
    ------
    MaintenanceError
        The name of the file has another ending.
    """
    import pandas as pd

    from workbench.maintenance.exports import to_csv, to_xlsx

    if path.suffix.lower() == ".csv":
        to_csv(table.assign(log_head=pd.Series([log_head], table.index[:1])), path)
    elif path.suffix.lower() == ".xlsx":
        to_xlsx({name: table, "log head": pd.DataFrame({"log head": [log_head]})}, path)
    else:
        reason = f"the ending {path.suffix} is not supported" if path.suffix else "the name has no ending"
        raise MaintenanceError(
            f"Cannot write {path}: {reason}.",
            "Use a name that ends in .csv or .xlsx.",
        )


def as_record(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON values, with times in ISO 8601."""
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
    """Read a date or time; it is UTC where it names no zone.

    Raises
    ------
    MaintenanceError
        The text is not a date.

    Examples
    --------
    >>> day("2026-12-24")
    datetime.datetime(2026, 12, 24, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise MaintenanceError(
            f"{text!r} is not a date.", "Write a date as 2026-12-24, or a time as 2026-12-24T12:00."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def ask(questions: tuple[str, ...], sure: bool, flag: str = "--sure") -> None:
    """Raise an error with the questions about what was entered, unless the person is sure."""
    if questions and not sure:
        raise MaintenanceError(" ".join(questions), f"Correct it, or pass {flag} if this is right.")


def part_quantities(assignments: list[str] | None) -> dict[str, int] | None:
    """Read parts with their quantities, written as `seal=2`.

    Raises
    ------
    MaintenanceError
        One is not of that form, or a part is named twice.

    Examples
    --------
    >>> part_quantities(["seal=2", "bolt=8"])
    {'seal': 2, 'bolt': 8}
    """
    if assignments is None:
        return None
    quantities: dict[str, int] = {}
    for text in assignments:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal() or len(number) > _MAX_QUANTITY_DIGITS:
            raise MaintenanceError(
                f"{text!r} is not a part with a quantity.", "Write NAME=QUANTITY, for example seal=2."
            )
        if name.strip() in quantities:
            raise MaintenanceError(f"{name.strip()!r} is named twice.", "Name it once, with the whole quantity.")
        quantities[name.strip()] = int(number)
    return quantities


def print_trail(remarks: "pd.DataFrame", history: "pd.DataFrame", home: str) -> None:
    """Print what people wrote about an alert or order, the newest first and wrapped, and then its history.

    Parameters
    ----------
    remarks : pandas.DataFrame
        time, subject, action, who, text.
    history : pandas.DataFrame
        Rows of the maintenance log.
    home : str
        The subject that they are shown for, as `alert:12`; remarks on other subjects name theirs.
    """
    from workbench.maintenance.remarks import without_remarks

    if len(remarks):
        typer.echo("\nRemarks, the newest first:")
    for row in remarks.head(_MAX_PRINTED_REMARKS).to_dict(orient="records"):
        about = "" if row["subject"] == home else f" ({row['subject'].replace(':', ' ')})"
        typer.echo(printable(f"  {row['time']:%Y-%m-%d %H:%M} UTC  {row['action']} by {row['who']}{about}"))
        for line in row["text"].splitlines():
            for part in wrap(printable(line), 96) or [""]:
                typer.echo(f"    {part}")
    if len(remarks) > _MAX_PRINTED_REMARKS:
        earlier = count_text(len(remarks) - _MAX_PRINTED_REMARKS, "earlier remark")
        typer.echo(f"  {earlier}: pass --json, or run workbench log show --subject {home}")
    typer.echo("\nHistory, the newest first, times in UTC:")
    rows = without_remarks(history).iloc[::-1]
    show(rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M:%S"))[_HISTORY_COLUMNS], False, "")


def printable(text: str) -> str:
    """Return a text with spaces in place of the characters that would control a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def done_words(action: str, alert: int, state: str) -> str:
    """Say what was done to an alert, and what it still waits for."""
    if action == "comment":
        return f"The comment is added to alert {alert}."
    if action == "correct":
        return f"The verdict on alert {alert} is corrected."
    waiting = {
        "latched_acknowledged": "acknowledged; it waits for a reset",
        "latched": "waiting to be acknowledged: it has returned to normal",
        "returned": "open: it has returned to normal",
    }
    return f"Alert {alert} is {waiting.get(state, state)}."


def stop_on_signals() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second SIGINT ends the command at once."""
    stop = threading.Event()

    def note(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return stop
