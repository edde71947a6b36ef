"""Tables, tiles, cells and cards that can be clicked, marked and dragged, with the mouse and with the keyboard."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

__all__ = ["Column", "Grid", "cell", "table_markup"]

Handler = Callable[[str], None]
_NAMES = ("pick", "sort", "mark", "more", "drop", "open")


class Grid(anywidget.AnyWidget):  # type: ignore[misc]
    r"""HTML whose parts call Python; it looks and behaves the same in JupyterLab and in Voila.

    An element of the HTML says what it does by an attribute:

    - `data-pick="P-1"`: a click, or Enter, picks it; arrow keys go from one to the next (up and down within a table,
      left and right as well among others), Home and End to the first and last. In a table the arrows pick too.
    - `data-mark="P-1"` on a checkbox: it is marked or not; x marks the row that has the focus.
    - `data-sort="severity"` on a button of a table's head: sorts.
    - `data-here` on a button of a table's head: sorts the rows in the page, by what their cells show.
    - `data-drag="WO-12"`: can be dragged to an element with `data-drop="started"`, and carried to the next one by Shift
      with the left or right arrow. With `data-onto="started|on hold"` only those take it, and the others are drawn so.

    - `data-open="case 3"` on a button of a row: a click opens the row or closes it, as the right and the left arrow do
      on a row with `aria-expanded`.

    The element whose `data-pick` is `chosen` is drawn as chosen; only this changes when another is picked. When the
    HTML changes, the focus stays on what has the same `data-pick`, and the table where it was scrolled.

    Parameters
    ----------
    label : str
        Name for a screen reader.
    pick : callable, optional
        Called with the value of `data-pick`.
    sort : callable, optional
        Called with the value of `data-sort`.
    mark : callable, optional
        Called when `marked` has changed, with the value of the last `data-mark`.
    more : callable, optional
        Called with an empty text when the reader has scrolled to the end.
    drop : callable, optional
        Called with `what\tonto`.
    open : callable, optional
        Called with the value of `data-pick` on a double click, or on Enter where the arrows pick; and with that of
        `data-open`.

    Attributes
    ----------
    html : str
        What is shown; every value that comes from data is escaped.
    chosen : str
        Value of `data-pick` of the element that is drawn as chosen.
    marked : list of str
        Values of the checkboxes that are marked, and shown or not; set it to mark others.

    Examples
    --------
    >>> grid = Grid("Channels", pick=print)
    >>> grid.html = '<button data-pick="P-1">P-1</button>'
    >>> grid.tell("pick", "P-1")  # what a click does
    P-1
    >>> grid.chosen
    'P-1'
    """

    _esm = files("workbench.views.widgets").joinpath("grid.js").read_text(encoding="utf-8")

    html = traitlets.Unicode("").tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)
    marked: Any = traitlets.List(traitlets.Unicode()).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        label: str,
        *,
        pick: Handler | None = None,
        sort: Handler | None = None,
        mark: Handler | None = None,
        more: Handler | None = None,
        drop: Handler | None = None,
        open: Handler | None = None,
    ) -> None:
        super().__init__(label=label, _dom_classes=["wb-grid"])
        handlers = zip(_NAMES, (pick, sort, mark, more, drop, open), strict=True)
        self.handlers: Mapping[str, Handler] = {name: handler for name, handler in handlers if handler is not None}
        self.on_msg(lambda _widget, content, _buffers: self.receive(content))

    def tell(self, kind: str, value: str) -> None:
        """Act as if the reader had clicked, pressed a key or dragged.

        Parameters
        ----------
        kind : str
            `pick`, `sort`, `mark`, `more`, `drop` or `open`; one that nobody handles does nothing.
        value : str
            Value of the element's attribute.
        """
        if kind == "pick":
            self.chosen = value
        if kind == "mark":
            others = [name for name in self.marked if name != value]
            self.marked = others if value in self.marked else [*others, value]
        self._call(kind, value)

    def _call(self, kind: str, value: str) -> None:
        handler = self.handlers.get(kind)
        if handler is not None:
            handler(value)

    def receive(self, content: Any) -> None:
        """Act on a message of the page; one that is malformed is left alone.

        Parameters
        ----------
        content : dict
            `kind` and `value`.
        """
        if isinstance(content, dict) and content.get("kind") in _NAMES:
            self.tell(content["kind"], str(content.get("value", ""))[:400])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page says of itself, and tell when its marks are others.

        Parameters
        ----------
        sync_data : dict
            Values of traits by name.
        """
        before = set(self.marked)
        super().set_state(sync_data)  # is not sent back: an answer to an earlier mark would take a later one away
        for name in sorted(before ^ set(self.marked)):
            self._call("mark", name)


@dataclass(frozen=True)
class Column:
    """A column of a table: its key, its head and how its cells are set.

    Attributes
    ----------
    key : str
        Key by which the table is sorted; where it is empty, the page sorts the rows that it has.
    title : str
        Head of the column, with the unit.
    number : bool
        Whether its cells are aligned to the right.
    tip : str
        What the column means, on hover.
    """

    key: str
    title: str
    number: bool = False
    tip: str = ""


def cell(value: object, *, title: str = "") -> str:
    """Write a cell of text; None and NaN are empty.

    Parameters
    ----------
    value : object
        Value of the cell, written as text and escaped.
    title : str
        Text on hover.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> cell("a<b"), cell(None), cell("3 h", title="2026-01-01")
    ('a&lt;b', '', '<span title="2026-01-01">3 h</span>')
    """
    text = "" if value is None or value != value else escape(str(value))
    return f'<span title="{escape(title)}">{text}</span>' if title else text


_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?")


def _aligned(cells: Sequence[str]) -> list[str]:
    """Align the numbers of a column at their decimal point; other cells stay as they are.

    Examples
    --------
    >>> [cell.replace("\u2007", "_").replace("\u2008", ".") for cell in _aligned(["2,587", "0.32", "1.5", "3 s"])]
    ['2,587.__', '0.32', '1.5_', '3 s']
    """
    numbers = [_NUMBER.fullmatch(cell) for cell in cells]
    fractions = [len(number[1] or "") for number in numbers if number]
    longest = max(fractions, default=0)
    spaces = {length: ("" if length else "\u2008") + "\u2007" * (longest - max(length, 1)) for length in fractions}
    return [
        cell + spaces[len(number[1] or "")] if number and longest else cell
        for cell, number in zip(cells, numbers, strict=True)
    ]


def table_markup(
    columns: Sequence[Column],
    rows: Iterable[tuple[str, Sequence[str]]],
    *,
    order: str = "",
    marks: bool = False,
    note: str = "",
    classes: Mapping[str, str] | None = None,
    opens: Mapping[str, bool] | None = None,
    parts: Container[str] = (),
    sortable: bool = True,
) -> str:
    """Write a table whose rows can be picked.

    Parameters
    ----------
    columns : sequence of Column
        Columns from left to right.
    rows : iterable of (str, sequence of str)
        Value of each row's `data-pick`, and its cells as HTML.
    order : str
        Key of the column by which it is sorted; `-key` where the largest comes first.
    marks : bool
        Whether each row begins with a checkbox.
    note : str
        HTML of the line under the table, as how many rows there are in all.
    classes : mapping of str to str, optional
        CSS classes of rows by their value.
    opens : mapping of str to bool, optional
        Rows that open into others, by their value: whether they are open.
    parts : container of str
        Rows that are part of the last row before them that opens.
    sortable : bool
        Whether the page may sort the rows; not where their order says something.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    here = sortable and not opens and not any(column.key for column in columns)
    heads = "<th class='wb-tick'><span class='wb-hidden'>marked</span></th>" if marks else ""
    for column in columns:
        sorted_by = column.key and order.removeprefix("-") == column.key
        arrow = ("▾" if order.startswith("-") else "▴") if sorted_by else ""
        state = f" aria-sort='{'descending' if order.startswith('-') else 'ascending'}'" if sorted_by else ""
        title = escape(column.title)
        if column.key:
            title = f"<button type='button' data-sort='{escape(column.key)}'>{title}<i>{arrow}</i></button>"
        elif title and here:
            title = f"<button type='button' data-here>{title}<i></i></button>"
        tip = f' title="{escape(column.tip)}"' if column.tip else ""
        heads += f"<th scope='col'{state}{tip}{' class=wb-number' if column.number else ''}>{title}</th>"
    named = [f" data-title='{escape(column.title)}'" if column.number else "" for column in columns]  # for narrow pages
    kinds = [f"<td class='wb-number'{title}>" if title else "<td>" for title in named]
    body = []
    listed = [(value, list(cells)) for value, cells in rows]
    for place, column in enumerate(columns):
        if column.number:
            for (_, cells), text in zip(listed, _aligned([cells[place] for _, cells in listed]), strict=True):
                cells[place] = text
    for value, cells in listed:
        name = escape(value)
        ticked = f"<input type='checkbox' tabindex='-1' data-mark='{name}' aria-label='Mark {name}'>"
        tick = f"<td class='wb-tick'>{ticked}</td>"
        text = "".join(f"{kind}{content}</td>" for kind, content in zip(kinds, cells, strict=True))
        kind = f" class='{classes[value]}'" if classes and classes.get(value) else ""
        state = f" aria-expanded='{str(opens[value]).lower()}'" if opens and value in opens else ""
        state += f" aria-level='{2 if value in parts else 1}'" if opens else ""
        body.append(f"<tr data-pick='{name}'{kind}{state}>{tick if marks else ''}{text}</tr>")
    foot = f"<p class='wb-more'>{note}</p>" if note else ""
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>{foot}"
