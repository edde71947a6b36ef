"""`workbench assets`: the register of sites, units, assets, subsystems and components."""

from typing import Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    Who,
    as_record,
    count_text,
    day,
    open_session,
    part_quantities,
    print_json,
    records,
    show,
)
from workbench.exceptions import MaintenanceError

__all__ = ["assets"]

assets = typer.Typer(
    no_args_is_help=True, help="List the asset register; add, change and retire sites, assets and components."
)

_KINDS = "site, unit, asset, subsystem or component"
_COLUMNS = ["name", "kind", "title", "criticality", "state", "orders", "plans", "parts", "documents"]

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name in the register, for example Pump-1 or Pump-1/BRG/Seal.")
]
Parent = Annotated[str | None, typer.Option(metavar="NAME", help="Name of what it belongs to, for example Pump-1/BRG.")]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="Name that people use, for example Bearing.")]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="Description in a sentence.")]
Criticality = Annotated[
    str | None,
    typer.Option(metavar="1-5", help="Criticality from 1 (little depends on it) to 5 (everything); 'none' removes it."),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="In service from this day or time, UTC; 'none' removes it.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="In service until this day or time, UTC; 'none' removes it.")
]
Part = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=QUANTITY",
        help="Spare part with the quantity that is built in, for example seal=2; repeat for several. They replace the "
        "earlier ones.",
    ),
]
Document = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REFERENCE",
        help="Web address or file of a document; repeat for several. They replace the earlier ones.",
    ),
]


@assets.command("list")
def list_assets(
    kind: Annotated[str | None, typer.Option(metavar="KIND", help=f"Level of the hierarchy: {_KINDS}.")] = None,
    retired: Annotated[bool, typer.Option(help="Whether to list what is retired.")] = True,
    as_json: AsJson = False,
) -> None:
    """List the register, and names of orders, plans or meters that it does not know.

    Assets and subsystems of the catalog and of the archive are in it by themselves.
    """
    table = open_session().maintenance.register.list(kind=kind, retired=retired)
    if as_json:
        print_json(records(table))
        return
    show(table[_COLUMNS], False, "No assets. Import telemetry, or add one: workbench assets add NAME --kind asset")
    unregistered = table[table["state"] == "unregistered"]["name"].tolist()
    if unregistered:
        first = unregistered[0]
        typer.echo(
            f"{count_text(len(unregistered), 'name')} not registered. Add it: workbench assets add {first!r} "
            f"--kind asset. Or move its records: workbench assets move {first!r} NAME"
        )


@assets.command("show")
def show_asset(name: Name, as_json: AsJson = False) -> None:
    """Show one item of the register with its parts, documents, active work orders and history."""
    desk = open_session().maintenance
    item = as_record(desk.register.get(name))
    place = desk.register.location_of(name)
    orders = desk.orders.list(asset=place.asset)
    for column, value in (("subsystem", place.subsystem), ("component", place.component)):
        orders = orders[orders[column] == value] if value else orders
    if as_json:
        print_json(item | {"orders": orders["number"].tolist(), "history": records(desk.register.history(name))})
        return
    item["parts"] = ", ".join(f"{part}={pieces}" for part, pieces in item["parts"].items())
    item["documents"] = "; ".join(one["reference"] for one in item["documents"])
    for key, value in item.items():
        if value not in (None, ""):
            typer.echo(f"{key.replace('_', ' '):>16}  {value}")
    for row in orders.to_dict(orient="records"):
        typer.echo(f"{row['number']:>16}  {row['state']}: {row['title']}")
    for row in desk.register.history(name).to_dict(orient="records"):
        typer.echo(f"{row['time']:%Y-%m-%d %H:%M} UTC  {row['who']}: {row['action']} {row['details']}")


@assets.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name, for example Pump-3; of a component that of its own: Seal.")
    ],
    who: Who,
    kind: Annotated[str, typer.Option(metavar="KIND", help=f"Level of the hierarchy: {_KINDS}.")],
    parent: Parent = None,
    title: Title = None,
    description: Description = None,
    criticality: Criticality = None,
    begin: From = None,
    end: To = None,
    part: Part = None,
    document: Document = None,
) -> None:
    """Add a site, unit, asset, subsystem or component."""
    values = _values(title, description, criticality, begin, end, part, document)
    full = open_session().maintenance.register.add(name, kind, who, parent=parent or "", **values)
    typer.echo(f"{full} is added.")


@assets.command()
def change(
    name: Name,
    who: Who,
    parent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Site or unit that it belongs to from now on; '' for none.")
    ] = None,
    title: Title = None,
    description: Description = None,
    criticality: Criticality = None,
    begin: From = None,
    end: To = None,
    part: Part = None,
    document: Document = None,
) -> None:
    """Change what the register says, of an asset of the catalog too; what is not passed stays."""
    values = _values(title, description, criticality, begin, end, part, document)
    open_session().maintenance.register.change(name, who, parent=parent, **values)
    typer.echo(f"{name} is changed.")


@assets.command()
def retire(
    name: Name,
    who: Who,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the log.")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", show_default="now", help="Day or time from which it is retired, UTC.")
    ] = None,
) -> None:
    """Take an item out of service for good: no new work is opened on it."""
    open_session().maintenance.register.retire(name, who, why, day(at))
    typer.echo(f"{name} is retired.")


@assets.command()
def move(
    name: Annotated[
        str, typer.Argument(metavar="UNREGISTERED", help="Name that `workbench assets list` shows as unregistered.")
    ],
    to: Annotated[str, typer.Argument(metavar="NAME", help="Name in the register that it means.")],
    who: Who,
) -> None:
    """Move the orders, preventive plans and meters of an unregistered name to what it means."""
    count = open_session().maintenance.register.move_records(name, to, who)
    typer.echo(f"{count_text(count, 'record')} of {name} moved to {to}.")


def _values(
    title: str | None,
    description: str | None,
    criticality: str | None,
    begin: str | None,
    end: str | None,
    part: list[str] | None,
    document: list[str] | None,
) -> dict[str, Any]:
    """Return the values that were passed; 'none' removes one."""
    values: dict[str, Any] = {"title": title, "description": description, "documents": document}
    values["parts"] = part_quantities(part)
    values = {name: value for name, value in values.items() if value is not None}
    if criticality is not None:
        values["criticality"] = _criticality(criticality)
    for name, text in (("in_service_from", begin), ("in_service_to", end)):
        if text is not None:
            values[name] = None if text == "none" else day(text)
    return values


def _criticality(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise MaintenanceError(f"{text!r} is not a criticality.", "Enter a whole number from 1 to 5, or 'none'.")
    return int(text)
