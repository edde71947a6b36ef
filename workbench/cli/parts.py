"""`workbench parts`: the parts that work orders take, and the purchase requests that bring them."""

from typing import Annotated, Any

import typer

from workbench.cli.common import NUMBERS_BELOW_0, AsJson, New, Who, ask, day, open_session, print_json, records, show

__all__ = ["parts"]

parts = typer.Typer(
    no_args_is_help=True, help="List parts, add and change them, receive stock, and request what is missing."
)


@parts.command("list")
def list_parts(as_json: AsJson = False) -> None:
    """List the parts with their stock, what is reserved, and whether the stock is below its minimum."""
    table = open_session().maintenance.parts.list()
    show(table, as_json, "No parts. To add one: workbench parts set NAME --stock 4")


PartName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the part.")]


@parts.command("set")
def set_part(
    name: PartName,
    who: Who,
    stock: Annotated[int | None, typer.Option(help="Quantity in stock.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Minimum quantity in stock.")] = None,
    lead_days: Annotated[float | None, typer.Option(help="Lead time in days, from an order to its delivery.")] = None,
    unit_cost: Annotated[float | None, typer.Option(help="Cost of one piece.")] = None,
    new: New = False,
) -> None:
    """Add a part, or change the options that are passed."""
    desk = open_session().maintenance
    ask(desk.questions(new_part=name), new, "--new")
    desk.parts.set(name, who, stock=stock, minimum=minimum, lead_days=lead_days, unit_cost=unit_cost)
    show(desk.parts.list(), False, "")


@parts.command(context_settings=NUMBERS_BELOW_0)
def receive(
    name: PartName,
    count: Annotated[int, typer.Argument(metavar="QUANTITY", help="Quantity that was delivered.")],
    who: Who,
) -> None:
    """Add a delivery to the stock; work orders that wait for the part reserve it."""
    desk = open_session().maintenance
    desk.parts.receive(name, count, who)
    show(desk.parts.list(), False, "")


RequestNumber = Annotated[
    int, typer.Argument(metavar="REQUEST", help="Number of the request, as `workbench parts requests` shows it.")
]
_Ordered = Annotated[str | None, typer.Option(metavar="TIME", help="Date on which it was ordered, in UTC.")]
_Expected = Annotated[
    str | None,
    typer.Option(metavar="TIME", show_default="by the lead time", help="Date on which it should arrive, in UTC."),
]
_Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Supplier, number of the order, or another note.")]

_Sure = Annotated[bool, typer.Option("--sure", help="Accept an expected date of the past, or an order of the future.")]


@parts.command("requests")
def list_requests(
    state: Annotated[
        str,
        typer.Option(metavar="STATE", help="State: open, all, requested, ordered, received or cancelled."),
    ] = "open",
    as_json: AsJson = False,
) -> None:
    """List the purchase requests, the first expected first.

    A work order that lacks a part opens one by itself.
    """
    table = open_session().maintenance.purchases.list(state=None if state == "all" else state)
    if as_json:
        print_json(records(table))
        return
    for name in ("ordered_at", "expected_at"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    table["overdue"] = table["overdue"].map({True: "overdue", False: ""})
    columns = ["id", "part", "pieces", "received", "state", "ordered_at", "expected_at", "overdue", "note"]
    show(table[columns], False, "No purchase requests. To open one: workbench parts request NAME QUANTITY")


@parts.command(context_settings=NUMBERS_BELOW_0)
def request(
    name: PartName,
    count: Annotated[int, typer.Argument(metavar="QUANTITY", help="Quantity that is to come.")],
    who: Who,
    ordered: _Ordered = None,
    expected: _Expected = None,
    note: _Note = None,
    sure: _Sure = False,
) -> None:
    """Request the purchase of a part."""
    dates: dict[str, Any] = {"ordered": day(ordered), "expected": day(expected)}
    desk = open_session().maintenance
    ask(desk.questions(**dates), sure)
    number = desk.purchases.request(name, count, who, note=note or "", **dates)
    typer.echo(f"Purchase request {number} is open: {count} x {name}.")


@parts.command("change-request")
def change_request(
    request: RequestNumber,
    who: Who,
    count: Annotated[int | None, typer.Option("--quantity", help="Quantity that is to come.")] = None,
    ordered: _Ordered = None,
    expected: _Expected = None,
    note: _Note = None,
    sure: _Sure = False,
) -> None:
    """Change a purchase request: its quantity, when it was ordered, and when it should arrive."""
    dates: dict[str, Any] = {"ordered": day(ordered), "expected": day(expected)}
    desk = open_session().maintenance
    ask(desk.questions(**dates), sure)
    desk.purchases.change(request, who, pieces=count, note=note, **dates)
    typer.echo(f"Purchase request {request} is changed.")


@parts.command()
def received(
    request: RequestNumber,
    who: Who,
    count: Annotated[
        int | None, typer.Option("--quantity", show_default="all", help="Quantity that was delivered.")
    ] = None,
) -> None:
    """Receive what was requested: it goes to the stock, and work orders that wait reserve it."""
    desk = open_session().maintenance
    desk.purchases.receive(request, who, count)
    show(desk.parts.list(), False, "")


@parts.command("cancel-request")
def cancel_request(
    request: RequestNumber, who: Who, why: Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the log.")]
) -> None:
    """Cancel a purchase request, with a reason."""
    open_session().maintenance.purchases.cancel(request, why, who)
    typer.echo(f"Purchase request {request} is cancelled.")
