"""`workbench requests` and `links`: problems that people report, and the links that let people in."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import AsJson, Who, open_session, show

__all__ = ["links", "requests"]

requests = typer.Typer(no_args_is_help=True, help="List problems that people report; accept or reject them.")
links = typer.Typer(no_args_is_help=True, help="Make links to a calendar, a technician's orders or the report page.")

RequestNumber = Annotated[str, typer.Argument(metavar="REQUEST", help="Number of the request, for example RQ-3.")]
_COLUMNS = ["number", "state", "asset", "problem", "reporter", "photos", "order", "reported_at"]
_MAX_LETTERS = 60
"""Letters of a text in the table of requests; `--json` has all of them."""


@requests.command("list")
def list_requests(
    state: Annotated[str, typer.Option(metavar="STATE", help="State: new, accepted, rejected or all.")] = "new",
    as_json: AsJson = False,
) -> None:
    """List what people have reported, the oldest first."""
    table = open_session().maintenance.requests.list(None if state == "all" else state)
    if not as_json:
        for name in ("problem", "reporter"):
            lines = [" ".join(text.split()) for text in table[name]]
            table[name] = [one if len(one) <= _MAX_LETTERS else f"{one[: _MAX_LETTERS - 1]}…" for one in lines]
        table = table[_COLUMNS]
    show(table, as_json, "No requests. To let people report: workbench links new request")


@requests.command("new")
def new_request(
    asset: Annotated[str, typer.Option(metavar="ASSET", help="Key of the asset.")],
    problem: Annotated[str, typer.Option(metavar="TEXT", help="Description of the problem.")],
    who: Who,
    photo: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Photo of the problem; repeat for several.")
    ] = None,
) -> None:
    """Report a problem on an asset."""
    desk = open_session().maintenance
    photos = [(one.name, desk.orders.files.load(one)) for one in photo or ()]
    made = desk.requests.report(asset, problem, reporter=who, photos=photos)
    typer.echo(f"{made.number} is reported.")


@requests.command()
def accept(
    request: RequestNumber,
    who: Who,
    priority: Annotated[
        str | None,
        typer.Option(metavar="PRIORITY", show_default="by the rule", help="Priority: urgent, high, medium or low."),
    ] = None,
    into: Annotated[
        str | None, typer.Option(metavar="ORDER", show_default="a new order", help="Active order that it joins.")
    ] = None,
) -> None:
    """Accept a request: it becomes a work order, or a part of one."""
    if into is not None and priority is not None:
        raise typer.BadParameter("an order that is there keeps its priority. Leave --priority or --into out.")
    if into is not None:
        order = open_session().maintenance.requests.join(request, into, who)
        typer.echo(f"{request} is a part of {order.number} now: {order.title}")
        return
    content = {} if priority is None else {"priority": priority}
    order = open_session().maintenance.requests.accept(request, who, **content)
    typer.echo(f"{order.number} is {order.state}: {order.title}")


@requests.command()
def reject(
    request: RequestNumber,
    who: Who,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason, which is kept with the request.")],
) -> None:
    """Reject a request, with a reason."""
    made = open_session().maintenance.requests.reject(request, why, who)
    typer.echo(f"{made.number} is rejected: {made.reason}")


@links.command("new")
def new_link(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Kind of the link: calendar, technician or request.")],
    who: Who,
    person: Annotated[
        str, typer.Option(metavar="NAME", show_default="nobody, for request", help="Technician whom it is for.")
    ] = "",
) -> None:
    """Make a link, and print its path under the dashboard's address; it is shown only once."""
    path = open_session().maintenance.access_links.new(kind, who, person=person)
    typer.echo(f"/{path}")


@links.command("list")
def list_links(as_json: AsJson = False) -> None:
    """List the links, never their secrets."""
    table = open_session().maintenance.access_links.list()
    show(table, as_json, "No links. To make one: workbench links new calendar --person NAME")


@links.command()
def revoke(number: Annotated[int, typer.Argument(metavar="LINK", help="Number of the link.")], who: Who) -> None:
    """Revoke a link: it opens nothing any more."""
    open_session().maintenance.access_links.revoke(number, who)
    typer.echo(f"Link {number} is revoked.")
