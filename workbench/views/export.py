"""Files that a reader saves: their names, CSV, and links for the browser."""

import base64
import os
import re
from html import escape
from urllib.parse import quote

import pandas as pd

from workbench.names import path_name
from workbench.views.state import State

__all__ = ["csv_text", "download_link", "file_stem", "report_link", "served_address"]

_LONGEST_STEM = 80  # characters, of up to three bytes each: a name of a file has at most 255
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: pd.DataFrame) -> str:
    r"""Write a table as CSV that a spreadsheet opens without running anything in it.

    Parameters
    ----------
    table : pandas.DataFrame
        The table; its index is written where it has a name.

    Returns
    -------
    str
        CSV in which a text that begins as a formula would (`=`, `+`, `-`, `@`) comes after an apostrophe.

    Examples
    --------
    >>> csv_text(pd.DataFrame({"channel": ["P-1", "=1+1"], "value": [-1.5, 2.0]}))
    "channel,value\nP-1,-1.5\n'=1+1,2.0\n"
    """
    plain = table.reset_index() if table.index.name else table
    return str(plain.map(_harmless).to_csv(index=False, lineterminator="\n"))


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def file_stem(state: State) -> str:
    """Return the name of a file that holds what a state shows, in letters that every file system accepts.

    Parameters
    ----------
    state : State
        State of a view.

    Examples
    --------
    >>> file_stem(State({"view": "monitoring", "channel": "P-1", "from": "2026-01-01T00:00:00"}))
    'monitoring_P-1_2026-01-01T000000'
    """
    parts = [state[key] for key in ("view", "channel", "from", "to") if key in state]
    plain = re.sub(r"[^\w.-]", "", "_".join(part.replace(":", "") for part in parts))
    return plain[:_LONGEST_STEM] or "view"


def download_link(name: str, content: str) -> str:
    """Write the link that saves a text as a file; the pages of the dashboard follow it by themselves.

    Parameters
    ----------
    name, content : str
        Name and content of the file.
    """
    data = base64.b64encode(content.encode()).decode()
    size = f"{max(1, round(len(content) / 1024)):,} kB"
    return (
        f'<a class="wb-download" download="{escape(name)}" href="data:text/csv;charset=utf-8;base64,{data}">'
        f"{escape(name)}</a> <span class='wb-muted'>{size}</span>"
    )


def served_address(path: str) -> str:
    """Return the address of a path of the dashboard's server; empty where another program shows this page."""
    served = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
    return f"{os.environ.get('VOILA_BASE_URL', '/')}{path}" if served else ""


def report_link(path: str, channel: str) -> str:
    """Write the link to a report: on the dashboard's server where it serves this page, else to the file.

    Parameters
    ----------
    path, channel : str
        File of the report, and the channel that it is about.
    """
    address = served_address(f"workbench/reports/{quote(path_name(channel))}.html") or f"file://{quote(path)}"
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">Report on {escape(channel)}</a>'
