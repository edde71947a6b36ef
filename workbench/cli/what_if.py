"""`workbench plan --what-if`: the plan beside one with other days, technicians or hours."""

from typing import TYPE_CHECKING

import typer

from workbench.cli.common import count_text, print_json, records, show
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    from workbench.maintenance.planning import Planning
    from workbench.maintenance.schedule.what_if import Change

__all__ = ["TIME_FORMAT", "compare"]

TIME_FORMAT = "%Y-%m-%d %H:%M UTC"
"""How times of a plan are printed."""


def compare(planning: "Planning", changes: list[str], as_json: bool) -> None:
    """Print what changes would do to the plan.

    Parameters
    ----------
    planning : Planning
        The saved plan, which is left as it is.
    changes : list of str
        Changes, written as `delay=3`.
    as_json : bool
        Whether to print JSON.

    Raises
    ------
    MaintenanceError
        A change cannot be read.
    """
    import pandas as pd

    comparison = planning.what_if(_change(changes))
    figures, moved = comparison.figures().rename_axis("figure").reset_index(), comparison.moved()
    if as_json:
        print_json({"figures": records(figures), "moved": records(moved)})
        return
    show(figures, False, "")
    for name in ("start", "new_start"):
        moved[name] = pd.to_datetime(moved[name], utc=True).dt.strftime(TIME_FORMAT)
    typer.echo(f"\n{count_text(len(moved), 'order')} would move. Nothing was changed.")
    if len(moved):
        show(moved, False, "")


def _change(changes: list[str]) -> "Change":
    """Read the changes of a what-if, written as `delay=3`."""
    from workbench.maintenance.schedule.model import Technician
    from workbench.maintenance.schedule.what_if import Change

    delay_days: float | None = None
    technicians: list[Technician] = []
    absent: list[str] = []
    hours: list[str] = []
    for text in changes:
        key, equals, value = text.partition("=")
        if not equals or key not in ("delay", "technician", "without", "hours"):
            raise MaintenanceError(
                f"{text!r} is not a change that can be compared.",
                "Write delay=DAYS, technician=NAME, without=NAME or hours=HOURS.",
            )
        if key == "delay":
            if delay_days is not None:
                raise MaintenanceError("The delay is named twice.", "Name it once.")
            try:
                delay_days = float(value)
            except ValueError:
                raise MaintenanceError(
                    f"{value!r} is not a number of days.", "Write the delay as a number, for example delay=3."
                ) from None
        elif key == "technician":
            name, _, skills = value.partition(":")
            if not name.strip():
                raise MaintenanceError(f"{text!r} names no technician.", "Write technician=NAME:SKILL,SKILL.")
            technicians.append(Technician(name.strip(), frozenset(filter(None, map(str.strip, skills.split(","))))))
        elif key == "without":
            absent.append(value)
        else:
            hours.append(value)
    return Change(
        delay_days=delay_days or 0.0, technicians=tuple(technicians), without=tuple(absent), hours=tuple(hours) or None
    )
