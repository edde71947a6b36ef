"""HTML of the pages behind links: one column that a thumb can use, no script, nothing from elsewhere."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

__all__ = ["field", "hidden", "page", "select", "time_text"]


def page(title: str, body: str, *, back: tuple[str, str] | None = None, status: str = "", error: str = "") -> str:
    """Return a whole page as HTML.

    Parameters
    ----------
    title : str
        Heading, which is escaped here.
    body : str
        HTML of the page.
    back : tuple of str, optional
        Address and words of a link above the heading.
    status, error : str
        What was done, or what went wrong and what to do; escaped here.
    """
    css = files("workbench.dashboard").joinpath("template", "phone.css").read_text(encoding="utf-8")
    link = f"<nav><a href='{escape(back[0])}'>&#8249; {escape(back[1])}</a></nav>" if back else ""
    told = f"<p class='told' role='status'>{escape(status)}</p>" if status else ""
    wrong = f"<p class='wrong' role='alert'><b>&#9650; Not done.</b> {escape(error)}</p>" if error else ""
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'><meta name='robots' content='noindex'>"
        f"<title>{escape(title)}</title><style>{css}</style></head>"
        f"<body><main>{link}<h1>{escape(title)}</h1>{wrong}{told}{body}</main></body></html>"
    )


def field(label: str, name: str, value: str = "", *, kind: str = "text", more: str = "", hint: str = "") -> str:
    """Return the HTML of a labelled field; `kind` is the type of the input, or `textarea`."""
    words = f"<span>{escape(label)}{f' <small>{escape(hint)}</small>' if hint else ''}</span>"
    if kind == "textarea":
        return f"<label>{words}<textarea name='{name}' rows='3' {more}>{escape(value)}</textarea></label>"
    if kind == "checkbox":
        return f"<label class='tick'><input type='checkbox' name='{name}' value='yes' {more}>{words}</label>"
    return f"<label>{words}<input type='{kind}' name='{name}' value='{escape(value)}' {more}></label>"


def select(label: str, name: str, choices: Mapping[str, str] | Iterable[tuple[str, str]], value: str = "") -> str:
    """Return a labelled list of choices, which are values with their words."""
    pairs = choices.items() if isinstance(choices, Mapping) else choices
    options = "".join(
        f"<option value='{escape(one)}'{' selected' if one == value else ''}>{escape(words)}</option>"
        for one, words in pairs
    )
    return f"<label><span>{escape(label)}</span><select name='{name}'>{options}</select></label>"


def hidden(**values: object) -> str:
    """Return fields that are sent along and not shown."""
    return "".join(f"<input type='hidden' name='{name}' value='{escape(str(one))}'>" for name, one in values.items())


def time_text(time: datetime) -> str:
    """Return a time with its zone."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
