"""One work order: what it is, its checklist, its parts, its alerts and its history."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from textwrap import shorten
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.alerts.table import state_words
from workbench.maintenance.orders.checklists import BEFORE_WORK, TICKED, Answer, ChecklistItem
from workbench.maintenance.orders.table import WorkOrder, order_id
from workbench.plots.theme import severity
from workbench.telemetry.catalog import Catalog
from workbench.views.export import served_address
from workbench.views.maintenance.order_table import LEVELS, UNASSIGNED, due_words, priority_markup
from workbench.views.markup import age, detail_words, with_names
from workbench.views.remarks_markup import remarks_markup
from workbench.views.widgets.boxes import box, classed, close_tree
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["Checklist", "Detail", "attachments_markup"]

_NOT_YET = "not answered"
_ABOUT = ("comment", "reason", "done", "technician", "answer", "text", "alert")
"""Details of a row of the log, the first of which is shown in the history."""


class Checklist:
    """A field for each item of a checklist; the fields are made anew only for other items.

    Parameters
    ----------
    answer : callable
        Called with the change of a field.

    Attributes
    ----------
    widget : ipywidgets.Box
        The box that the fields are in.
    fields : list of ipywidgets.Widget
        The fields, in the order of the items.
    remarks : list of ipywidgets.Text
        Beside each, the field of a remark; shown where an answer can be out of range.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], None]) -> None:
        self._answer = answer
        self._of: tuple[object, ...] = ()
        self.fields: list[Any] = []
        self.remarks: list[Any] = []
        self.widget = box("wb-checklist")

    def show(self, order: WorkOrder | None) -> None:
        """Show the checklist of an order, with its answers.

        Parameters
        ----------
        order : WorkOrder or None
            The order; None to show no checklist.
        """
        items = order.checklist if order else ()
        of = (order and order.number, *((item.text, item.kind) for item in items))
        if of != self._of:
            self._of = of
            before, self.fields = self.widget.children, [_field(item) for item in items]
            self.remarks = [_remark(item) for item in items]
            pairs = zip(self.fields, self.remarks, strict=True)
            self.widget.children = [box("wb-item", field, remark, widgets.HTML()) for field, remark in pairs]
            for child in before:
                close_tree(child)
            for field in self.fields:
                field.observe(self._answer, "value")
        for item, field, row in zip(items, self.fields, self.widget.children, strict=True):
            field.value = _shown(item)
            field.disabled = order is None or not order.is_open
            row.children[1].value = item.remark or row.children[1].value  # one that waits for its answer stays
            row.children[1].disabled = field.disabled
            row.children[2].value = _about(item)


def _field(item: ChecklistItem) -> Any:
    if item.kind in TICKED:
        made = widgets.Checkbox(description=item.text, indent=False)
    elif item.kind == "choice":
        made = widgets.Dropdown(options=[(_NOT_YET, ""), *((one, one) for one in item.choices)], description=item.text)
    else:
        units = f", {item.units}" if item.units else ""
        made = widgets.Text(description=f"{item.text}{units}", placeholder=_NOT_YET, continuous_update=False)
    made.tooltip = item.text
    return classed(made, f"wb-field wb-answer-{item.kind}")


def _remark(item: ChecklistItem) -> Any:
    made = widgets.Text(placeholder="remark, where out of range", continuous_update=False)
    made.tooltip = f"Remark on {item.text}: enter it before an answer that is out of range"
    made.layout.display = None if item.low is not None or item.high is not None else "none"
    return classed(made, "wb-field wb-remark")


def _shown(item: ChecklistItem) -> Answer:
    if item.kind in TICKED:
        return bool(item.answer)
    return "" if item.answer is None else f"{item.answer:g}" if isinstance(item.answer, float) else str(item.answer)


def _about(item: ChecklistItem) -> str:
    if item.answer is None:
        before = f"{item.kind}, before the work starts" if item.kind in BEFORE_WORK else "required"
        return f"<span class='wb-muted'>{before}</span>" if item.required else ""
    out = "<span class='high'><span class='wb-symbol'>▲</span>out of range</span> " if item.out_of_range else ""
    return f"{out}<span class='wb-muted'>{escape(item.answered_by)}</span>"


class Detail:
    """The widgets that show one work order.

    Parameters
    ----------
    answer : callable
        Called with the change of a field of the checklist.
    pick_alert : callable
        Called with the number of an alert that is picked.

    Attributes
    ----------
    title, status, facts, remarks, files, parts, history : ipywidgets.HTML
        Title of the order; what was done last; its facts, remarks, photos and documents, parts and history.
    checklist : Checklist
        The fields of its checklist.
    alerts : Grid
        Its alerts.
    """

    def __init__(self, *, answer: Callable[[dict[str, Any]], None], pick_alert: Callable[[str], None]) -> None:
        self.title = classed(widgets.HTML(), "wb-title")
        self.status = classed(widgets.HTML(), "wb-told")
        self.facts = widgets.HTML()
        self.remarks = widgets.HTML()
        self.parts = widgets.HTML()
        self.files = widgets.HTML()
        self.history = widgets.HTML()
        self.checklist = Checklist(answer)
        self.alerts = Grid("Alerts of the order", pick=pick_alert)
        self._heads = {name: widgets.HTML(f"<h3>{name}</h3>") for name in ("Checklist", "Alerts")}
        self.body = box(
            "wb-order",
            self._heads["Checklist"],
            self.checklist.widget,
            self.facts,
            self.remarks,
            self.files,
            self.parts,
            self._heads["Alerts"],
            self.alerts,
            self.history,
        )

    def show(
        self,
        order: WorkOrder | None,
        alerts: pd.DataFrame,
        trail: pd.DataFrame,
        remarks: pd.DataFrame,
        now: datetime,
        catalog: Catalog,
    ) -> None:
        """Show an order, or that none is chosen.

        Parameters
        ----------
        order : WorkOrder or None
            The order; None where none is chosen.
        alerts : pandas.DataFrame
            Alerts of the order: id, channel, level, state, case_id.
        trail : pandas.DataFrame
            Its history, as `WorkOrders.history` returns it.
        remarks : pandas.DataFrame
            What people wrote about the order and its alerts, as `WorkOrders.remarks` returns it.
        now : datetime
            Present time, aware.
        catalog : Catalog
            Names of assets and subsystems.
        """
        self.checklist.show(order)
        if order is None:
            return
        self._heads["Checklist"].layout.display = None if order.checklist else "none"
        self._heads["Alerts"].layout.display = self.alerts.layout.display = None if len(alerts) else "none"
        self.facts.value = _facts(order, catalog)
        listed = remarks_markup(remarks, f"order:{order_id(order.number)}")
        self.remarks.value = f"<h3>Remarks</h3>{listed}" if listed else ""
        files = attachments_markup(f"orders/{order.number}", order.attachments)
        self.files.value = f"<h3>Photos and documents</h3>{files}" if files else ""
        self.parts.value = _parts(order)
        self.alerts.html = _alerts(alerts, catalog)
        self.history.value = _trail(trail, now)

    def entitle(self, order: WorkOrder | None, now: datetime, *, is_new: bool = False) -> None:
        """Write the title, of a new order or of the one that is shown, whose body is there only below its own title.

        Parameters
        ----------
        order : WorkOrder or None
            The order; None where none is chosen.
        now : datetime
            Present time, aware.
        is_new : bool
            Whether the form of a new order is open.
        """
        self.body.layout.display = "none" if is_new or order is None else None
        if is_new:
            self.title.value = "<h2>New work order</h2>"
        elif order is None:
            self.title.value = "<p class='wb-note wb-muted'>No order is chosen.</p>"
        else:
            self.title.value = _title(order, now)


def _title(order: WorkOrder, now: datetime) -> str:
    level = LEVELS.get(order.priority.name, "") if order.is_open else ""
    overdue = order.is_open and order.due is not None and order.due < now
    facts = [
        f"<span class='{level}'>{priority_markup(order.priority.name)}</span>",
        f"<b>{escape(order.state)}</b>",
        escape(order.assignee or UNASSIGNED),
    ]
    if order.is_open and order.due is not None:
        sign = "<span class='high'><span class='wb-symbol'>▲</span></span>" if overdue else ""
        facts.append(f"{sign}{'' if overdue else 'due '}{due_words(order.due, overdue, now)}")
    text = "".join(f"<span class='wb-muted'>{fact}</span>" for fact in facts)
    address = served_address(f"workbench/orders/{order.number}")
    if address:
        text += f"<a href='{address}' target='_blank' rel='noopener'>Page to print</a>"
        text += (
            f"<details class='wb-code'><summary>QR code</summary><img src='{address}/code.svg' loading='lazy' "
            f"alt='QR code of {order.number}'><p>Leads to the order on a technician's telephone.</p></details>"
        )
    return f"<h2>{order.number} {escape(order.title)}</h2><div class='wb-line'>{text}</div>"


def _facts(order: WorkOrder, catalog: Catalog) -> str:
    subsystem = catalog.subsystem_name(order.asset, order.subsystem) if order.subsystem else ""
    place = ", ".join(filter(None, (catalog.asset(order.asset).name, subsystem, order.channel)))
    actual = "" if order.actual_hours is None else f", {order.actual_hours:g} h actual"
    missing = f", without the {order.cost_missing}" if order.cost_missing else ""
    cost = order.estimated_cost if order.actual_cost is None else order.actual_cost
    rows = {
        "about": f"{place}; {order.type}",
        "hours": f"{order.estimated_hours:g} h estimated{actual}",
        "cost": "" if cost is None else f"{cost:,.2f}{' estimated' if order.actual_cost is None else ''}{missing}",
        "skills": ", ".join(order.skills),
        "waits for": ", ".join(order.after),
        "not before": "" if order.not_before is None else f"{order.not_before:%Y-%m-%d %H:%M} UTC",
        "on hold": order.hold_reason,
        "work done": order.done,
        "failure": order.failure_words,
        "priority": "; ".join(part.reason for part in order.priority.parts),
        "description": order.description,
        "worked": ", ".join(f"{name} {hours:g} h" for name, hours in order.labour.items()),
        "asset down": " to ".join(f"{one:%Y-%m-%d %H:%M} UTC" for one in (order.down_from, order.down_to) if one),
        "comes from": f"{order.origin} ({order.origin_kind})" if order.origin else "",
        "signed": "; ".join(
            f"{one['role']} {one['name']}, {one['time'][:16].replace('T', ' ')} UTC" for one in order.signatures
        ),
    }
    cells = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in rows.items() if words)
    return f"<dl class='wb-facts' tabindex='0' aria-label='Facts'>{cells}</dl>"


def attachments_markup(owner: str, attachments: Sequence[dict[str, Any]]) -> str:
    """Write the small pictures of photos, and links to other files; the title alone of what lies elsewhere.

    Parameters
    ----------
    owner : str
        What they are attached to, as the dashboard serves it: `orders/WO-3` or `requests/RQ-3`.
    attachments : sequence of dict
        Attachments, as in `WorkOrder.attachments`.
    """
    pictures, others = "", []
    for one in attachments:
        title = escape(one["title"])
        address = served_address(f"workbench/{owner}/file/{one.get('file')}")
        opened = f"href='{address}' target='_blank' rel='noopener'"
        if "file" not in one or not address:
            others.append(title)
        elif one["type"].startswith("image/"):
            pictures += f"<a {opened} title='{title}'><img src='{address}?small=1' alt='{title}' loading='lazy'></a>"
        else:
            others.append(f"<a {opened}>{title}</a>")
    shown = f"<div class='wb-photos'>{pictures}</div>" if pictures else ""
    return shown + (f"<p>{', '.join(others)}</p>" if others else "")


def _parts(order: WorkOrder) -> str:
    if not order.parts:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one['part'])}</td><td>{one['needed']}</td><td>{one['reserved']}</td><td>{one['used']}</td></tr>"
        for one in order.parts
    )
    head = "<tr><th>part</th><th>needed</th><th>reserved</th><th>used</th></tr>"
    return f"<h3>Parts</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _alerts(alerts: pd.DataFrame, catalog: Catalog) -> str:
    rows, classes = [], {}
    for row in with_names(alerts, catalog).to_dict(orient="records"):
        level = severity(row["level"])
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
        name = str(row["id"])
        case = "" if pd.isna(row["case_id"]) else f"{row['case_id']:.0f}"
        cells = [f"{symbol}{level.word}", cell(row["channel"]), cell(state_words(row["state"])), cell(case), "show"]
        rows.append((name, cells))
        classes[name] = level.word
    columns = tuple(Column("", title) for title in ("level", "channel", "state", "case", "in Anomalies"))
    return table_markup(columns, rows, classes=classes)


def _trail(trail: pd.DataFrame, now: datetime) -> str:
    rows = []
    for row in trail.iloc[::-1].to_dict(orient="records"):
        stamp = pd.Timestamp(row["time"])
        details = json.loads(row["details"] or "{}")
        about = next((details[name] for name in _ABOUT if details.get(name)), "")
        if details.get("case"):  # what joined the order
            about = f"{about} (case {details['case']})"
        about = detail_words(about)
        rows.append(
            f"<li><time title='{stamp:%Y-%m-%d %H:%M:%S} UTC'>{age(stamp, now)}</time><span>"
            f"{escape(row['action'])} {escape(shorten(about, 120, placeholder=' …'))} "
            f"<span class='wb-muted'>by {escape(row['who'])}</span></span></li>"
        )
    return f"<h3>History</h3><ul class='wb-trail'>{''.join(rows)}</ul>"
