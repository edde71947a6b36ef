"""HTML of monitoring: the headline, the table of last values and the key of the charts."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.plots.strip_data import Strip
from workbench.plots.theme import SEVERITIES
from workbench.views.markup import duration

__all__ = ["age_words", "code_lines", "head_markup", "key_markup", "silence_words", "time_words", "values_table"]

_STATES = {"critical": "critical", "warning": "high"}
"""Severity by which a limit state is shown."""

_HOW_TO_MOVE = "Drag to pan, turn the wheel to zoom, double-click to show all of the time."

_PROVISIONAL = "May still change: its window of errors is not complete. It raises no alert before."

_WORDS = ("state", "unit", "quality")


def age_words(age: float, *, dated: bool, long: bool = False) -> str:
    """Return how old a value is, in words.

    Parameters
    ----------
    age : float
        Seconds, or samples where time is sample numbers.
    dated : bool
        Whether the age is in seconds.
    long : bool
        Whether the unit is written out, as in a sentence.

    Returns
    -------
    str

    Examples
    --------
    >>> age_words(7500, dated=True), age_words(1200, dated=False), age_words(0, dated=False)
    ('2.1 h', '1,200 samples', '')
    """
    if not np.isfinite(age):
        return ""
    if not dated:
        return f"{age:,.0f} samples" if age else ""
    return duration(age, long=long)


def time_words(time: float, *, dated: bool) -> str:
    """Return a time of the charts' axis in words.

    Parameters
    ----------
    time : float
        As charts take it; the text is empty where it is not finite.
    dated : bool
        Whether time is stamps.

    Returns
    -------
    str
        Date and time in UTC, or the sample number.
    """
    if not np.isfinite(time):
        return ""
    if not dated:
        return f"sample {time:,.0f}"
    return f"{pd.Timestamp(int(time), unit='ms'):%Y-%m-%d %H:%M:%S} UTC"


def head_markup(
    title: str,
    table: pd.DataFrame,
    strips: Sequence[Strip],
    shown: tuple[float, float],
    until: float,
    unreadable: int = 0,
) -> str:
    """Write what is abnormal on an asset, and how new its telemetry is.

    Parameters
    ----------
    title : str
        Name of the asset.
    table : pandas.DataFrame
        As from `ChannelStore.table`.
    strips : sequence of Strip
        Channels of the asset.
    shown : tuple of float
        Start and end of the time shown.
    until : float
        Time up to which telemetry has come.
    unreadable : int
        Channels of the asset that cannot be read.

    Returns
    -------
    str
        HTML.
    """
    if not strips:
        todo = "Run <code>workbench run</code> for the demo fleet."
        return f'<div class="wb-line"><h1>{escape(title)}</h1><span>{todo}</span></div>'
    dated = strips[0].dated
    states = table["limit"].str.split(" ").str[0]
    items = [
        _badge(level, n, f"outside the {state} limit")
        for state, level in _STATES.items()
        if (n := int((states == state).sum()))
    ]
    if not items:
        every = "the others" if unreadable else "all"
        words = f"{every} within limits" if (states == "normal").any() else "no limits in the catalog"
        items.append(f'<li class="wb-muted">{words}</li>')
    if unreadable:
        cannot = f"{'channel' if unreadable == 1 else 'channels'} cannot be read"
        items.insert(0, _badge("critical", unreadable, cannot))
    anomalous = sum(bool(strip.anomalies(*shown, until, 0.0)["left"]) for strip in strips)
    items.append(f"<li><b>{anomalous}</b> of {counted(len(table), 'channel')} with anomalies in the time shown</li>")
    for rows, say in ((table["stale"] & ~table["coming"], _no_data), (table["stale"] & table["coming"], _behind)):
        if rows.any():
            age = age_words(float(table.loc[rows, "age"].min()), dated=dated, long=True)
            items.append(f"<li><b>{int(rows.sum())}</b> {'of them ' if say is _behind else 'with '}{say(age)}</li>")
    newest = max(min(strip.extent[1], until) for strip in strips)
    words = "newest value" if until == float("inf") else "replayed to"
    items.append(f'<li class="wb-muted">{words} {time_words(newest, dated=dated)}</li>')
    return f'<div class="wb-line"><h1>{escape(title)}</h1><ul>{"".join(items)}</ul></div>'


def values_table(table: pd.DataFrame, chosen: str) -> str:
    """Write the last values as a table; the names stand beside it, in the list that chooses.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `ChannelStore.table`.
    chosen : str
        Channel whose row is marked.

    Returns
    -------
    str
        HTML.
    """
    heads = ("state", "last", "unit", "age", "min", "mean", "max", "sd", "quality")
    head = "".join(f"<th{' class=wb-word' if name in _WORDS else ''}>{name}</th>" for name in heads)
    rows = "".join(_row(row, row["channel"] == chosen) for row in table.to_dict(orient="records"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def key_markup(strips: Sequence[Strip], chosen: str) -> str:
    """Write what the chosen channel is, and what the marks on the charts mean.

    Parameters
    ----------
    strips : sequence of Strip
        Channels on screen.
    chosen : str
        Name of the chosen channel.

    Returns
    -------
    str
        HTML.
    """
    items = ['<span class="wb-key wb-key-telemetry"></span>telemetry']
    if any(strip.prediction.size for strip in strips):
        items.append('<span class="wb-key wb-key-prediction"></span>prediction')
    if any(strip.limits for strip in strips):
        items.append('<span class="wb-key wb-key-limit"></span>limit')
    if any(strip.command_times.size for strip in strips):
        items.append('<span class="wb-key-tick"></span>command')
    if any(strip.is_provisional for strip in strips):
        items.append(f'<span title="{_PROVISIONAL}"><span class="wb-key-provisional"></span>provisional anomaly</span>')
    words = next((", ".join(filter(None, (strip.words, strip.units))) for strip in strips if strip.name == chosen), "")
    return (
        f'<div class="wb-line"><b>{escape(f"{chosen}: {words}" if words else chosen)}</b>'
        f'<span class="wb-muted" title="{_HOW_TO_MOVE}">{" ".join(items)}</span>'
        "</div>"
    )


def silence_words(table: pd.DataFrame) -> list[str]:
    """Return for each channel how long nothing has come from it; empty where values come, be they old ones.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `ChannelStore.table`.

    Returns
    -------
    list of str
    """
    if table.empty:
        return []
    silent = table["stale"] & ~table["coming"]
    ages = zip(silent, table["age"], table["dated"], strict=True)
    return [_no_data(age_words(age, dated=dated, long=True)) if is_so else "" for is_so, age, dated in ages]


def code_lines(names: Sequence[str]) -> list[str]:
    """Return the lines that compute the table of last values in a notebook.

    Parameters
    ----------
    names : sequence of str
        Channels of the table.

    Returns
    -------
    list of str
    """
    return [
        "import pandas as pd",
        "from workbench.telemetry.last_values import last_value",
        "",
        f"names = {list(names)!r}",
        "limits = {name: session.catalog.channel(name).limits for name in names}",
        "pd.DataFrame({name: last_value(session.channel(name), limits[name]) for name in names}).T",
    ]


def _badge(level: str, n: int, words: str) -> str:
    return f'<li class="{level}"><span class="wb-symbol">{SEVERITIES[level].symbol}</span><b>{n}</b> {words}</li>'


def _row(row: dict[Any, Any], chosen: bool) -> str:
    level = _STATES.get(str(row["limit"]).split(" ")[0], "")
    symbol = SEVERITIES[level].symbol if level else ""
    age = age_words(row["age"], dated=row["dated"])
    words = [row["quality"]]
    is_silent = row["stale"] and not row["coming"]
    if row["stale"]:  # "good" beside it would be wrong
        say = _no_data if is_silent else _behind
        words = [say(age_words(row["age"], dated=row["dated"], long=True)), row["quality"].removeprefix("good")]
    quality = escape(", ".join(filter(None, words)))
    brief = quality
    if row["stale"]:  # the age is beside it
        brief = escape(", ".join(filter(None, ["no data" if is_silent else "behind", *words[1:]])))
    when = "" if row["time"] is None else _when(row["time"], dated=row["dated"])
    classes = " ".join(filter(None, (level, "wb-chosen" if chosen else "", "wb-stale" if is_silent else "")))
    state = row["limit"] or "no limits"
    bound = "" if not np.isfinite(row["bound"]) else f" {row['bound']:g}"
    numbers = "".join(f"<td>{_number(row[name])}</td>" for name in ("minimum", "mean", "maximum", "sd"))
    return (
        f'<tr class="{classes}"><td class="wb-word" title="{escape(state + bound)}">'
        f'<span class="wb-symbol">{symbol}</span>{escape(state)}</td>'
        f'<td><b>{_number(row["value"])}</b></td><td class="wb-word">{escape(row["units"])}</td>'
        f'<td title="{escape(when)}">{age}</td>{numbers}'
        f'<td class="wb-word" title="{quality}">{brief}</td></tr>'
    )


def _no_data(age: str) -> str:
    return f"no data for {age}" if age else "no recent data"


def _behind(age: str) -> str:
    return f"{age} behind" if age else "behind"


def _when(time: Any, *, dated: bool) -> str:
    return f"{pd.Timestamp(time):%Y-%m-%d %H:%M:%S} UTC" if dated else f"sample {time:,}"


def _number(value: float) -> str:
    """Return a value with as many decimals as an instrument of its range shows."""
    if not np.isfinite(value):
        return "none"
    size = abs(value)
    decimals = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3
    return f"{value:,.{decimals}f}"
