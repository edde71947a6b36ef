"""Exports: tables as CSV and XLSX, a work order as a page to print."""

import base64
import csv
import html
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.files import replacing
from workbench.maintenance.orders.qr_code import qr_code
from workbench.maintenance.orders.table import WorkOrder

__all__ = ["order_page", "safe_text", "to_csv", "to_xlsx"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(text: str) -> str:
    """Return a text that no spreadsheet reads as a formula: an apostrophe goes before what would begin one.

    Source: OWASP, CSV Injection.

    Examples
    --------
    >>> safe_text("=HYPERLINK(1)"), safe_text("P-1"), safe_text("-")
    ("'=HYPERLINK(1)", 'P-1', "'-")
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def to_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, safe to open in a spreadsheet.

    Parameters
    ----------
    table : pandas.DataFrame
        Numbers stay numbers; times become ISO 8601; what is missing is empty.
    path : Path
        File to write; it is replaced as a whole, or left as it was.

    Raises
    ------
    MaintenanceError
        The file cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([safe_text(str(name)) for name in table.columns])
            writer.writerows(_rows(table))

    _replace(path, write)


def to_xlsx(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as sheets of a workbook, safe to open in a spreadsheet.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables by the name of their sheet, of which 31 characters are used.
    path : Path
        File to write; it is replaced as a whole, or left as it was.

    Raises
    ------
    MaintenanceError
        The file cannot be written.
    """
    import xlsxwriter

    def write(temporary: Path) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(temporary, options) as book:
            bold = book.add_format({"bold": True})
            for name, table in tables.items():
                sheet = book.add_worksheet(name[:31])
                sheet.freeze_panes(1, 0)
                for column, title in enumerate(table.columns):
                    sheet.write_string(0, column, safe_text(str(title)), bold)
                for number, row in enumerate(_rows(table), 1):
                    for column, value in enumerate(row):
                        if value != "":
                            sheet.write(number, column, value)
                if len(table):
                    sheet.autofilter(0, 0, len(table), len(table.columns) - 1)

    _replace(path, write)


def order_page(
    order: WorkOrder,
    history: pd.DataFrame,
    remarks: pd.DataFrame | None = None,
    *,
    log_head: str = "",
    thumbnail: Callable[[str], bytes] | None = None,
    phone_address: str = "",
    asset: str = "",
) -> str:
    """Return a work order as one HTML page to print, which loads nothing from elsewhere.

    Parameters
    ----------
    order : WorkOrder
        Order that is printed.
    history : pandas.DataFrame
        time, action, who; as `WorkOrders.history` returns it.
    remarks : pandas.DataFrame, optional
        What people wrote about it and its alerts: time, subject, action, who, text; as `WorkOrders.remarks` returns it.
    log_head : str
        Head of the maintenance log, as `log.head` returns it, which is printed at the foot; none where it is empty.
    thumbnail : callable, optional
        Returns the small picture of an attached photo, as `AttachmentStore.thumbnail`; no pictures where omitted.
    phone_address : str
        Address of the order on a technician's telephone, printed as a QR code; none where it is empty.
    asset : str
        What people call its asset; the key where omitted.

    Returns
    -------
    str
        The page, HTML.
    """
    facts = {
        "Asset": asset or order.asset,
        "Subsystem, channel": ", ".join(filter(None, (order.subsystem, order.channel))),
        "Type": order.type,
        "State": f"{order.state}{f': {order.hold_reason}' if order.hold_reason else ''}",
        "Priority": str(order.priority),
        "Due": _time(order.due),
        "Assigned to": order.assignee or "",
        "Skills": ", ".join(order.skills),
        "Estimated hours": f"{order.estimated_hours:g}",
        "Must be done before": ", ".join(order.after),
        "Alerts": ", ".join(map(str, order.alerts)),
        "Failure": order.failure_words,
        "Opened": f"{_time(order.opened_at)} by {order.opened_by}",
        "Done": order.done,
        "Actual hours": "" if order.actual_hours is None else f"{order.actual_hours:g}",
        "Worked": ", ".join(f"{name} {hours:g} h" for name, hours in order.labour.items()),
        "Asset down": " to ".join(filter(None, (_time(order.down_from), _time(order.down_to)))),
        "Comes from": f"{order.origin} ({order.origin_kind})" if order.origin else "",
    }
    parts = [(part["part"], part["needed"], part["reserved"], part["used"]) for part in order.parts]
    references = [(one["title"], one["reference"]) for one in order.attachments]
    photos = [one for one in order.attachments if str(one.get("type", "")).startswith("image/")]
    pictures = "".join(_picture(one, thumbnail) for one in photos) if thumbnail else ""
    signed = [
        (one["role"].capitalize(), one["name"], _time(datetime.fromisoformat(one["time"]))) for one in order.signatures
    ]
    history_rows = [(_time(row["time"]), row["action"], row["who"]) for row in history.to_dict(orient="records")]
    remark_rows = [
        (_time(row["time"]), row["subject"].replace(":", " "), row["action"], row["who"], row["text"])
        for row in (() if remarks is None else remarks.to_dict(orient="records"))
    ]
    checklist = "".join(
        f"<li><span class=box>{'&#10003;' if item.answer not in (None, False) else ''}</span> {_text(item.text)}"
        f" <b>{'' if item.answer in (None, True, False) else _text(item.answer)} {_text(item.units)}</b>"
        f"{' (out of range) ' if item.out_of_range else ''}{_text(item.remark)}{_kind_words(item.kind)}</li>"
        for item in order.checklist
    )
    title = f"{order.number} {order.title}"
    return "\n".join(
        [
            f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>{_text(title)}</title>",
            f"<style>{_CSS}</style></head><body>{_code(phone_address)}<h1>{_text(title)}</h1>",
            "<table class=facts>",
            *(f"<tr><th>{name}</th><td>{_text(value)}</td></tr>" for name, value in facts.items() if value),
            "</table>",
            f"<h2>Description</h2><p class=text>{_text(order.description)}</p>" if order.description else "",
            f"<h2>Checklist</h2><ol>{checklist}</ol>" if checklist else "",
            _table("Parts", ("Part", "Needed", "Reserved", "Used"), parts),
            _table("References", ("Title", "Where"), references),
            f"<div class=photos>{pictures}</div>" if pictures else "",
            _table("Remarks", ("Time", "On", "What", "Who", "Text"), remark_rows),
            _table("History", ("Time", "What", "Who"), history_rows),
            _table("Signatures", ("Role", "Name", "Time"), signed),
            "<div class=sign><span>Done by, date</span><span>Approved by, date</span></div>",
            f"<p class=head>Maintenance log: {_text(log_head)}</p>" if log_head else "",
            "</body></html>",
        ]
    )


_CSS = (
    "body{font:14px/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1rem;margin:1.4rem 0 .4rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}"
    ".facts th{width:11rem;font-weight:600}.text{white-space:pre-line}"
    ".box{display:inline-block;width:1em;height:1em;border:1px solid #333;line-height:1;text-align:center}"
    ".sign{display:flex;gap:3rem;margin-top:4rem}.sign span{flex:1;border-top:1px solid #333;padding-top:.3rem}"
    ".photos{display:flex;flex-wrap:wrap;gap:.5rem;margin:.5rem 0}.photos img{max-width:15rem;max-height:15rem}"
    ".head{margin-top:2rem;font-size:.75rem;color:#555;overflow-wrap:anywhere}"
    ".code{float:right;width:9rem;margin:0 0 1rem 1rem;font-size:.65rem;color:#555;overflow-wrap:anywhere}"
    ".code svg{width:9rem;height:9rem}.code p{margin:0}.facts{width:auto}"
    "@media print{body{margin:0;max-width:none}}"
)


def _code(address: str) -> str:
    return f"<div class=code>{qr_code(address)}<p>{_text(address)}</p></div>" if address else ""


def _picture(attachment: Mapping[str, Any], thumbnail: Callable[[str], bytes]) -> str:
    """Return a small picture inside the page; its title alone where the file is gone."""
    try:
        content = base64.b64encode(thumbnail(attachment["file"])).decode()
    except MaintenanceError:
        return f"<p>{_text(attachment['title'])}: the file is missing</p>"
    return f"<img alt='{_text(attachment['title'])}' src='data:image/jpeg;base64,{content}'>"


def _kind_words(kind: str) -> str:
    return f" <i>{kind}</i>" if kind in ("safety", "permit") else ""


def _table(title: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{title}</h2><table><tr>{head}</tr>{body}</table>"


def _text(value: object) -> str:
    return html.escape(str(value))


def _time(value: datetime | None) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def _rows(table: pd.DataFrame) -> Iterator[list[Any]]:
    for row in table.astype(object).itertuples(index=False):
        yield [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if value is None or value is pd.NaT or value != value:  # only NaN differs from itself
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, bool | int | float) else safe_text(str(value))


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a temporary file, then put it in place of the old one."""
    try:
        with replacing(path) as temporary:
            write(temporary)
    except OSError as error:
        raise MaintenanceError(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another path."
        ) from None
