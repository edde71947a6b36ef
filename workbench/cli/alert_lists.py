"""What `workbench alerts` and `workbench cases` share: filters of their lists, and how these are printed."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import age_text, count_text, empty_archive_text, print_json, records, show
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.session import Session

__all__ = [
    "VERDICT_WORDS",
    "AssetFilter",
    "ChannelFilter",
    "LevelFilter",
    "Limit",
    "TextFilter",
    "filter_option",
    "list_rows",
]

VERDICT_WORDS = "true (a real fault), false alarm, known behaviour, test or unknown"
"""All verdicts, for the help of options."""


def filter_option(metavar: str, help: str) -> Any:
    """Return an option that filters a list."""
    return typer.Option(metavar=metavar, rich_help_panel="Filters", help=help)


LevelFilter = Annotated[str | None, filter_option("LEVEL", "Lowest level, for example high.")]
AssetFilter = Annotated[str | None, filter_option("ASSET", "Asset of the alerts.")]
ChannelFilter = Annotated[str | None, filter_option("CHANNEL", "Channel of an alert.")]
TextFilter = Annotated[str | None, filter_option("TEXT", "Text that the message of an alert contains.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")]


def list_rows(
    session: "Session",
    read: "Callable[..., pd.DataFrame]",
    noun: str,
    columns: Sequence[str],
    filters: Mapping[str, str | None],
    *,
    state: str,
    order: str,
    limit: int,
    as_json: bool,
) -> None:
    """Print the alerts, or cases, that match some filters, with their age.

    Parameters
    ----------
    session : Session
        The session that they belong to.
    read : callable
        `Alerts.list` or `Cases.list`.
    noun : str
        "alert" or "case".
    columns : sequence of str
        Columns to print; `age` is how long ago it was raised.
    filters : mapping of str to str or None
        Values by the names of the filters; None where one is not used.
    state, order, limit, as_json
        Options of the command.
    """
    from workbench.maintenance.alerts.table import STATES, state_words

    states = {name: name for name in ("all", "open", "shown", *STATES)} | {state_words(one): one for one in STATES}
    words = " ".join(state.split()).lower()
    if words not in states:
        raise MaintenanceError(
            f"{state!r} is not a state of alerts.",
            f"Known: shown, open, all; {'; '.join(map(state_words, STATES))}.",
        )
    state = states[words]
    table = read(state=None if state == "all" else state, order=order, limit=limit + 1, **filters)
    more_exist, table = len(table) > limit, table.head(limit)
    if as_json:
        print_json(records(table))
        return
    now = session.maintenance.database.clock()
    readable = table.assign(age=[age_text((now - raised).total_seconds()) for raised in table["raised_at"]])
    readable["state"] = readable["state"].map(state_words)
    filtered = state != "shown" or any(value is not None for value in filters.values())
    empty = f"No {noun}s match. Remove a filter."
    if not filtered:
        empty = empty_archive_text(session) or "No alerts. To raise them: workbench score --all"
    show(readable[list(columns)], False, empty)
    if more_exist:
        typer.echo(f"Only the first {count_text(limit, noun)}. To see more, pass --limit.")
