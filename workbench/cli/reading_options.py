"""Options of how files are read, the same for every command that reads files, and the profiles that save them.

The names are those of `workbench.telemetry.importers.reading.Reading`, which is not imported here, since it loads
pandas: help does without.
"""

import functools
import inspect
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

__all__ = ["ReadingOptions", "options_text", "reading_options"]

R = TypeVar("R")

_PANEL = "How files are read (each file decides what is not passed)"
_OPTIONS: dict[str, tuple[str, str]] = {
    "encoding": ("NAME", "Text encoding of the file, for example gb18030, big5, shift_jis or cp1252."),
    "separator": ("CHARACTER", "Character between two fields; also tab, space, comma, semicolon or pipe."),
    "decimal": ("MARK", "Decimal mark of numbers, '.' or ',' as it stands in the file; both where some have each."),
    "thousands": ("MARK", "Mark between groups of three digits: . or , or ' or space, or none where there is none."),
    "percent": (
        "MEANING",
        "Meaning of numbers without a percent sign where others have one: percent, or share (0.41 is 41 %).",
    ),
    "header_row": ("LINE", "Number of the line that holds the column names; 0 where there is none."),
    "skip_rows": ("LINES", "Number of lines to leave out at the beginning of a file."),
    "date_order": ("ORDER", "Number that comes first in dates such as 03/04/05: day, month or year."),
    "time_format": ("FORMAT", "Form of the times in the directives of strptime, for example '%d.%m.%y %H:%M'."),
    "time_unit": (
        "UNIT",
        "Unit of times that are numbers: s, ms, us, ns, min, h or d, or excel, labview or ticks (.NET).",
    ),
    "time_column": ("COLUMNS", "Column of the times, or several that hold their parts, such as date,clock."),
    "timezone": ("ZONE", "Time zone of times that name none, for example Europe/Berlin; UTC unless it is passed."),
    "sample_period": ("PERIOD", "Step between the rows of files that have no times, for example 10s, PT10S or 50Hz."),
    "missing": ("VALUES", "Values that stand for a missing one, for example -9999,-200."),
    "columns": ("COLUMNS", "The only columns that become channels."),
    "exclude": ("COLUMNS", "Columns that do not become channels."),
    "inputs": ("COLUMNS", "Columns that are inputs of every channel: commands, set points, modes."),
    "quality_column": ("COLUMN", "Column that says whether the values of its row are good."),
    "good": ("VALUES", "Values of the quality column that mean good."),
    "label_column": ("COLUMN", "Column that marks known anomalies."),
    "normal_label": ("VALUES", "Values of the label column that mean normal."),
    "asset_column": ("COLUMN", "Column that names the machine of each row."),
    "channel_column": ("COLUMN", "Column that names the channel of each row, where a file has one value a row."),
    "value_column": ("COLUMN", "Column of the values, where a file has one value a row."),
}
_LISTS = ("columns", "exclude", "inputs", "missing", "good", "normal_label", "time_column")
_LIST_HELP = " Separate several by commas."
_NUMBERS = ("header_row", "skip_rows")


class ReadingOptions(dict[str, Any]):
    """Options of how files are read that were passed to a command, by their names in `Reading`.

    Attributes
    ----------
    profile, save_as : str or None
        Name of the profile that they override, and of the one to save them as.
    """

    profile: str | None = None
    save_as: str | None = None

    def over_profile(self, home: Path) -> dict[str, Any]:
        """Return them with those of the profile that were not passed.

        Parameters
        ----------
        home : Path
            Home that holds the profiles.
        """
        from workbench.telemetry.import_profiles import profile_options

        return {**(profile_options(home, self.profile) if self.profile else {}), **self}

    def save(self, home: Path) -> None:
        """Save what `over_profile` returns as the profile that was named, if one was, and say so.

        Parameters
        ----------
        home : Path
            Home that holds the profiles.
        """
        from workbench.telemetry.import_profiles import save_profile

        if self.save_as is not None:
            replaced = save_profile(home, self.save_as, self.over_profile(home))
            verb = "replaced" if replaced else "saved"
            typer.echo(f"Profile {self.save_as} {verb}. Use it with --profile {self.save_as}.", err=True)


def reading_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add an option for each attribute of `Reading` to a command, and those of profiles.

    Parameters
    ----------
    command : callable
        Command with a parameter `reading`, which takes what was passed as `ReadingOptions`.

    Returns
    -------
    callable
        The command with the options in place of that parameter.
    """
    options = {name: _parameter(name) for name in _OPTIONS}
    own = inspect.signature(command).parameters.values()
    shared = [*options.values(), *_profiles()]

    @functools.wraps(command)
    def with_options(**values: Any) -> R:
        from workbench.telemetry.importers.reading import listed

        reading = ReadingOptions(
            (name, listed(value) if name in _LISTS else value)
            for name in options
            if (value := values.pop(name)) is not None
        )
        reading.profile, reading.save_as = values.pop("profile"), values.pop("save_profile")
        return command(**values, reading=reading)

    parameters = [one for parameter in own for one in (shared if parameter.name == "reading" else [parameter])]
    with_options.__dict__["__signature__"] = inspect.Signature(parameters)
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


def options_text(options: Mapping[str, Any]) -> str:
    """Return options of an import as they are written on the command line.

    Parameters
    ----------
    options : mapping of str to Any
        Options by their names in Python.
    """
    from workbench.telemetry.importers.reading import list_text

    words = []
    for name, value in options.items():
        text = list_text(value) if isinstance(value, tuple | list) else str(value)
        words += [f"--{name.replace('_', '-')}", shlex.quote(text)]
    return " ".join(words)


def _parameter(name: str) -> inspect.Parameter:
    metavar, words = _OPTIONS[name]
    words += _LIST_HELP if name in _LISTS else ""
    option = typer.Option(f"--{name.replace('_', '-')}", metavar=metavar, rich_help_panel=_PANEL, help=words)
    kind = int if name in _NUMBERS else str
    return _keyword(name, Annotated[kind | None, option])


def _profiles() -> list[inspect.Parameter]:
    use = typer.Option(
        "--profile", metavar="NAME", rich_help_panel=_PANEL, help="Saved options to use; options passed win over them."
    )
    save = typer.Option(
        "--save-profile", metavar="NAME", rich_help_panel=_PANEL, help="Name to save these options of reading under."
    )
    return [_keyword("profile", Annotated[str | None, use]), _keyword("save_profile", Annotated[str | None, save])]


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
