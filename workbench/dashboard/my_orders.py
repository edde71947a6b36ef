"""The page of a technician on a telephone: their orders, and one order from start to completion with its photos."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from math import isfinite
from typing import Any

import pandas as pd

from workbench.dashboard.phone_markup import field, hidden, page, select, time_text
from workbench.exceptions import MaintenanceError, WorkbenchError
from workbench.maintenance.alerts.table import VERDICTS
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.orders.checklists import BEFORE_WORK, TICKED, ChecklistItem
from workbench.maintenance.orders.failure_codes import FAILURE_KINDS, FAILURE_MODES, NO_FAILURE
from workbench.maintenance.orders.states import FAILURE_TYPES
from workbench.maintenance.orders.table import WorkOrder

__all__ = ["FILTERS", "list_page", "order_page", "perform"]

FILTERS: Mapping[str, str] = {
    "mine": "Mine",
    "overdue": "Overdue",
    "unassigned": "Unassigned",
    "parts": "Waiting for parts",
}
"""Filters of the list, by the word that an address holds."""

_SYMBOLS = {"urgent": ("◆", "critical"), "high": ("▲", "high"), "medium": ("●", ""), "low": ("▼", "")}
_MAX_LISTED = 100
_MAX_DIGITS = 6
Form = Mapping[str, str]
Files = Sequence[tuple[str, bytes]]


def list_page(desk: Maintenance, person: str, address: str, show: str, present: datetime) -> str:
    """Return the page of the orders that a filter shows.

    Parameters
    ----------
    desk : Maintenance
        Desk of the home.
    person : str
        Technician whose page it is.
    address : str
        Path of the page.
    show : str
        Filter, of `FILTERS`; the first where it is unknown.
    present : datetime
        Present time, aware.
    """
    show = show if show in FILTERS else next(iter(FILTERS))
    filters: dict[str, dict[str, Any]] = {
        "mine": {"assignee": person},
        "overdue": {"overdue": True},
        "unassigned": {"unassigned": True},
        "parts": {"waiting_for_parts": True},
    }
    tables = {name: desk.orders.list(**arguments) for name, arguments in filters.items()}
    links = "".join(
        f"<a href='?show={name}'{' aria-current=page' if name == show else ''}>{words} <b>{len(tables[name])}</b></a>"
        for name, words in FILTERS.items()
    )
    rows = tables[show].sort_values("due", na_position="last", kind="stable").head(_MAX_LISTED)
    rows = rows.assign(asset=rows["asset"].map(desk.asset_name))
    cards = "".join(_card(row, address, person, show, present) for row in rows.to_dict(orient="records"))
    empty = "<p class='muted'>No orders here.</p>"
    return page(f"Orders of {person}", f"<nav class='filters' aria-label='Filters'>{links}</nav>{cards or empty}")


def order_page(
    desk: Maintenance,
    order: WorkOrder,
    person: str,
    address: str,
    present: datetime,
    *,
    show: str = "mine",
    entered: Form | None = None,
    status: str = "",
    error: str = "",
) -> str:
    """Return the page of one order, with the forms of what can be done in its state.

    Parameters
    ----------
    desk : Maintenance
        Desk of the home.
    order : WorkOrder
        The order.
    person : str
        Technician whose page it is.
    address : str
        Path of the page of all orders.
    present : datetime
        Present time, aware.
    show : str
        Filter of the list that the page leads back to.
    entered : mapping of str to str, optional
        What the person had entered in a form that was refused.
    status, error : str
        What was done, or what went wrong.
    """
    values = entered or {}
    mine = order.assignee == person and order.is_open
    parts = [_facts(order, present, desk.asset_name(order.asset)), _photos(order, address)]
    if order.is_open and order.assignee is None:
        parts.append(_form(order, show, "take", "Take this order"))
    if order.is_open and not mine and order.assignee is not None:
        parts.append(f"<p class='muted'>Assigned to {escape(order.assignee)}. Only they work on it here.</p>")
    if mine and order.state in ("assigned", "on hold"):
        before = any(item.kind in BEFORE_WORK for item in order.checklist)
        first = "Safety steps and permits of the checklist come first." if before else ""
        words = "Start work" if order.started_at is None else "Continue work"
        start = _form(order, show, "start", words)
        parts += [
            _checklist(order, show, values),
            _section("", f"<p class='muted'>{first}</p>" if first else "", start),
        ]
    elif mine:
        parts.append(_checklist(order, show, values))
    if mine:
        parts += [_photo_form(order, show), _booking(desk, order, person, show, values)]
    if mine and order.state == "in progress":
        parts.append(_complete(desk, order, show, values))
    if mine:
        parts.append(_other(order, show, values))
    body = "".join(parts)
    title = f"{order.number} {order.title}"
    return page(title, body, back=(f"{address}?show={show}", FILTERS[show]), status=status, error=error)


def perform(desk: Maintenance, number: str, person: str, form: Form, files: Files) -> str:
    """Do what a form of the page says, for the technician whose page it is, and return what was done.

    Raises
    ------
    WorkbenchError
        It cannot be done; what was answered before is kept.
    """
    order = desk.orders.get(number)
    action = _ACTIONS.get(form.get("do", ""))
    if action is None:
        raise MaintenanceError("The page asked for something that does not exist.", "Open the order again.")
    if action is not _take and order.assignee != person:
        owner = order.assignee or "nobody"
        raise MaintenanceError(f"{order.number} is assigned to {owner} by now.", "Ask them, or your planner.")
    return action(desk, order, person, form, files)


# ---- what is done


def _take(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    desk.orders.assign(order.number, person, person, version=_version(form))
    return f"{order.number} is yours."


def _start(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    desk.orders.start(order.number, person, version=_version(form))
    return "The work has started."


def _hold(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    desk.orders.hold(order.number, form.get("reason", ""), person, version=_version(form))
    return "The order is on hold."


def _comment(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    desk.orders.comment(order.number, form.get("comment", ""), person)
    return "The comment is added."


def _answer(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    """Answer each item whose field differs from what is stored; one that is refused does not stop the others."""
    del files
    version = _version(form)
    wrong: list[str] = []
    answered = 0
    for place, item in enumerate(order.checklist, 1):
        value: bool | str = form.get(f"item-{place}", "").strip()
        remark = form.get(f"remark-{place}", "").strip()
        if item.kind in TICKED:
            value = value == "yes"
            if value == bool(item.answer):
                continue
        elif not value or (value == _shown(item) and remark == item.remark):
            continue
        try:
            version = desk.orders.answer(order.number, place, value, person, remark=remark, version=version).version
            answered += 1
        except WorkbenchError as error:
            wrong.append(str(error))
    if wrong:
        raise MaintenanceError(" ".join(wrong), "The other answers are saved." if answered else "")
    return "The checklist is saved." if answered else "Nothing had changed."


def _photo(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    if not files:
        raise MaintenanceError("No photo was chosen.", "Choose one, then send it.")
    for name, content in files:
        desk.orders.attach_file(order.number, name, content, person, form.get("title", ""))
    return "The photo is attached." if len(files) == 1 else f"{len(files)} files are attached."


def _book(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    hours = _number("The hours", form.get("hours", ""))
    _ask(desk, form, hours)
    desk.orders.book(order.number, form.get("technician", person), hours, person)
    return f"{hours:g} h of {form.get('technician', person)} are booked."


def _finish(desk: Maintenance, order: WorkOrder, person: str, form: Form, files: Files) -> str:
    del files
    used = {
        part["part"]: _pieces(part["part"], form.get(f"used-{place}", "0")) for place, part in enumerate(order.parts)
    }
    hours = None if order.labour else _number("The hours", form.get("hours", ""))
    _ask(desk, form, hours)
    desk.orders.complete(
        order.number,
        person,
        done=form.get("done", ""),
        hours=hours,
        failure=form.get("failure", ""),
        mode=form.get("mode", ""),
        verdict=form.get("verdict") or None,
        used=used if order.parts else None,
        down_from=_time("The begin of the downtime", form.get("down_from", "")),
        down_to=_time("The end of the downtime", form.get("down_to", "")),
        signature=form.get("signature", ""),
        version=_version(form),
    )
    return f"{order.number} is completed."


def _ask(desk: Maintenance, form: Form, hours: float | None) -> None:
    """Raise an error with the questions about hours; the same hours are taken the second time."""
    questions = desk.questions(hours=hours)
    if questions and form.get("asked") != form.get("hours"):
        raise MaintenanceError(" ".join(questions), "Correct it, or press again if this is right.")


_ACTIONS: Mapping[str, Callable[[Maintenance, WorkOrder, str, Form, Files], str]] = {
    "take": _take,
    "start": _start,
    "hold": _hold,
    "comment": _comment,
    "answer": _answer,
    "photo": _photo,
    "book": _book,
    "complete": _finish,
}


def _version(form: Form) -> int | None:
    text = form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _number(name: str, text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
        if isfinite(number):
            return number
    except ValueError:
        pass
    missing = not text.strip()
    raise MaintenanceError(
        f"{name} {'are missing' if missing else f'{text[:40]!r} are not a number'}.", "Enter, for example, 1.5."
    )


def _pieces(part: str, text: str) -> int:
    word = text.strip()
    if not (word.isascii() and word.isdecimal() and len(word) <= _MAX_DIGITS):
        raise MaintenanceError(
            f"The quantity of {part}, {text[:40]!r}, is not a number of pieces.", "Enter, for example, 2; 0 for none."
        )
    return int(word)


def _time(name: str, text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        raise MaintenanceError(f"{name} {text[:40]!r} is not a time.", "Enter it as 2026-12-24T12:00.") from None


# ---- what is shown


def _card(row: Mapping[Any, Any], address: str, person: str, show: str, present: datetime) -> str:
    symbol, level = _SYMBOLS[row["priority"]]
    owner = "" if row["assignee"] == person else f", {'unassigned' if pd.isna(row['assignee']) else row['assignee']}"
    due = f"<span>{_due_words(row['due'], present)}</span>"
    return (
        f"<a class='card' href='{address}/{row['number']}?show={show}'><b>{escape(row['title'])}</b>"
        f"<span>{row['number']}, {escape(row['asset'])}, {row['state']}{escape(owner)}</span><br>"
        f"<span class='{level}'>{symbol} {row['priority']}</span> {due}</a>"
    )


def _due_words(due: Any, present: datetime) -> str:
    if due is None or pd.isna(due):
        return ""
    hours = (due - present).total_seconds() / 3600
    span = f"{abs(hours):.0f} h" if abs(hours) < 48 else f"{abs(hours) / 24:.0f} d"
    return f"due in {span}" if hours >= 0 else f"<span class='high'>▲ {span} overdue</span>"


def _facts(order: WorkOrder, present: datetime, asset: str) -> str:
    symbol, level = _SYMBOLS[order.priority.name]
    place = ", ".join(filter(None, (asset, order.subsystem, order.channel)))
    due = _due_words(order.due, present) if order.is_open else ""
    signed = "; ".join(f"{one['role']} {one['name']}" for one in order.signatures)
    rows = {
        "State": escape(order.state) + (f": {escape(order.hold_reason)}" if order.hold_reason else ""),
        "Where": escape(place),
        "Priority": f"<span class='{level}'>{symbol} {order.priority.name}</span>",
        "Due": f"{due}<br><small>{time_text(order.due)}</small>" if due and order.due else "",
        "Expected": f"{order.estimated_hours:g} h",
        "Worked": escape(", ".join(f"{name} {hours:g} h" for name, hours in order.labour.items())),
        "After": escape(", ".join(order.after)),
        "Parts": escape(
            ", ".join(f"{one['part']}: {one['reserved']} of {one['needed']} reserved" for one in order.parts)
        ),
        "What": escape(order.description),
        "Done": escape(order.done),
        "Signed": escape(signed),
    }
    cells = "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in rows.items() if words)
    return f"<section><dl>{cells}</dl></section>"


def _photos(order: WorkOrder, address: str) -> str:
    pictures, others = "", ""
    for one in order.attachments:
        if "file" not in one:
            others += f"<p>{escape(one['title'])} <span class='muted'>{escape(one['reference'])}</span></p>"
            continue
        target = f"{address}/{order.number}/file/{one['file']}"
        title = escape(one["title"])
        if one["type"].startswith("image/"):
            pictures += f"<a href='{target}'><img src='{target}?small=1' alt='{title}'></a>"
        else:
            others += f"<p><a href='{target}'>{title}</a></p>"
    shown = f"<div class='photos'>{pictures}</div>" if pictures else ""
    return _section("Photos and documents", shown + others) if pictures or others else ""


def _section(title: str, *content: str) -> str:
    body = "".join(content)
    return f"<section>{f'<h2>{title}</h2>' if title else ''}{body}</section>" if body else ""


def _form(order: WorkOrder, show: str, action: str, words: str, *content: str, second: bool = False) -> str:
    look = " class='second'" if second else ""
    kept = hidden(do=action, version=order.version, show=show)
    kind = " enctype='multipart/form-data'" if action == "photo" else ""
    return f"<form method='post'{kind}>{kept}{''.join(content)}<button{look}>{escape(words)}</button></form>"


def _checklist(order: WorkOrder, show: str, values: Form) -> str:
    if not order.checklist:
        return ""
    items = "".join(_item(place, item, values) for place, item in enumerate(order.checklist, 1))
    return _section("Checklist", _form(order, show, "answer", "Save checklist", items, second=True))


def _item(place: int, item: ChecklistItem, values: Form) -> str:
    name = f"item-{place}"
    entered = values.get("do") == "answer"
    value = values.get(name, "") if entered else _shown(item)
    hints = [*([item.units] if item.units else []), *([item.kind] if item.kind in BEFORE_WORK else [])]
    hints += [] if item.required else ["optional"]
    bounds = [f"{words} {bound:g}" for words, bound in (("from", item.low), ("to", item.high)) if bound is not None]
    hint = ", ".join([*hints, *([" ".join(bounds)] if bounds else [])])
    if item.kind in TICKED:
        ticked = value == "yes" if entered else bool(item.answer)
        shown = field(item.text, name, kind="checkbox", more="checked" if ticked else "", hint=hint)
    elif item.kind == "choice":
        choices = [("", "not answered"), *((one, one) for one in item.choices)]
        shown = select(item.text, name, choices, value)
    elif item.kind in ("number", "meter"):
        shown = field(item.text, name, value, more="inputmode='decimal' autocomplete='off'", hint=hint)
    else:
        shown = field(item.text, name, value, more="autocomplete='off'", hint=hint)
    remark = values.get(f"remark-{place}", "") if entered else item.remark
    if bounds:
        shown += field("Remark where it is out of range", f"remark-{place}", remark, more="autocomplete='off'")
    mark = "<span class='high'>▲ out of range</span> " if item.out_of_range else ""
    about = f"<small>{mark}answered by {escape(item.answered_by)}</small>" if item.answer is not None else ""
    return f"<div class='item'>{shown}{about}</div>"


def _shown(item: ChecklistItem) -> str:
    return "" if item.answer is None else f"{item.answer:g}" if isinstance(item.answer, float) else str(item.answer)


def _complete(desk: Maintenance, order: WorkOrder, show: str, values: Form) -> str:
    open_alerts = any(desk.alerts.get(one).state != "closed" for one in order.alerts)
    entered = values if values.get("do") == "complete" else {}
    failure = entered.get("failure", "" if order.type in FAILURE_TYPES else NO_FAILURE)
    kinds = [("", "choose"), *((kind, f"{kind}: {words}") for kind, words in FAILURE_KINDS.items())]
    modes = [("", "nothing had failed"), *((code, f"{code} {words}") for code, words in FAILURE_MODES.items())]
    content = [
        field("Work done", "done", entered.get("done", ""), kind="textarea"),
        ""
        if order.labour
        else field("Hours of work", "hours", entered.get("hours", ""), more="inputmode='decimal' autocomplete='off'"),
        hidden(asked=entered.get("hours", "")),
        select("What had failed", "failure", kinds, failure),
        select("Failure mode, where something had failed", "mode", modes, entered.get("mode", "")),
    ]
    if open_alerts:
        verdicts = [("", "choose"), *((one, "real fault" if one == "true" else one) for one in VERDICTS)]
        content.append(select("Verdict on the alerts", "verdict", verdicts, entered.get("verdict", "")))
    content += [
        field(
            f"Used of {part['part']}",
            f"used-{place}",
            entered.get(f"used-{place}", str(part["reserved"])),
            more="inputmode='numeric'",
        )
        for place, part in enumerate(order.parts)
    ]
    times = [
        field(f"Asset {words}", name, entered.get(name, _local(stored)), kind="datetime-local", hint="UTC")
        for words, name, stored in (("down", "down_from", order.down_from), ("up again", "down_to", order.down_to))
    ]
    content.append(f"<div class='row'>{''.join(times)}</div>")
    content.append(
        field("Signature", "signature", entered.get("signature", ""), hint="your full name", more="required")
    )
    return _section("Complete", _form(order, show, "complete", "Complete order", *content))


def _local(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%dT%H:%M}"


def _photo_form(order: WorkOrder, show: str) -> str:
    chosen = field("Photo or PDF", "photo", kind="file", more="accept='image/*,application/pdf' multiple required")
    title = field("Title", "title", hint="optional")
    return _section("Add a photo", _form(order, show, "photo", "Send photo", chosen, title, second=True))


def _booking(desk: Maintenance, order: WorkOrder, person: str, show: str, values: Form) -> str:
    people = desk.people.list()
    names = people.loc[people["active"], "name"].tolist()
    entered = values if values.get("do") == "book" else {}
    who = select("Technician", "technician", [(one, one) for one in names], entered.get("technician", person))
    hours = field("Hours", "hours", entered.get("hours", ""), more="inputmode='decimal' autocomplete='off' required")
    asked = hidden(asked=entered.get("hours", ""))
    form = _form(order, show, "book", "Book hours", f"<div class='row'>{who}{hours}</div>", asked, second=True)
    return _folded("Hours of several technicians", form, opened=bool(entered))


def _other(order: WorkOrder, show: str, values: Form) -> str:
    opened = values.get("do", "")
    comment = _form(
        order,
        show,
        "comment",
        "Add comment",
        field("Comment", "comment", values.get("comment", ""), kind="textarea"),
        second=True,
    )
    hold = _form(order, show, "hold", "Put on hold", field("Reason", "reason", values.get("reason", "")), second=True)
    rows = [("comment", "Comment", comment)] + ([] if order.state == "on hold" else [("hold", "Put on hold", hold)])
    return "".join(_folded(words, form, opened=opened == name) for name, words, form in rows)


def _folded(words: str, form: str, *, opened: bool) -> str:
    return f"<section><details{' open' if opened else ''}><summary>{words}</summary>{form}</details></section>"
