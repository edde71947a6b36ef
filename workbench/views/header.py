"""The header of the page, and the list of keyboard shortcuts, as HTML."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import pandas as pd

from workbench.counts import counted
from workbench.plots.theme import SEVERITIES
from workbench.settings import Settings

__all__ = ["GLOBAL_SHORTCUTS", "announcement_markup", "catching_up_markup", "header_markup", "help_markup"]

GLOBAL_SHORTCUTS: Mapping[str, str] = {
    "1 to 9": "open a tab",
    "R": "refresh: read all data again",
    "E": "export as CSV, PNG or SVG; copy a link",
    "C": "show the code that gives the same result",
    "N": "run the scoring notebook on the chosen channel",
    "T": "light or dark theme",
    "D": "compact or roomy layout",
    "Tab, Shift Tab": "go to the next or previous control",
    "Alt Left, Alt Right": "go back or forward",
    "Escape": "close the open panel",
    "?": "show this list",
}
"""What the keys do in every view."""


def header_markup(fleet: pd.DataFrame, alerts: pd.Series, settings: Settings, now: datetime, waiting: int = 0) -> str:
    """Write the header: open alerts by level, where the data comes from, and when it was read.

    Parameters
    ----------
    fleet : pandas.DataFrame
        The channels, as `session.overview` returns them.
    alerts : pandas.Series
        Number of open alerts by level.
    settings : Settings
        Settings in use, which name the home and the preset.
    now : datetime
        When `fleet` was read, aware.
    waiting : int
        Critical alerts that nobody has acknowledged; the title of the page begins with their number.

    Returns
    -------
    str
        The header as HTML.
    """
    counts = {level: int(alerts.get(level, 0)) for level in SEVERITIES}
    if not len(fleet):
        state = '<span class="wb-state">no telemetry yet</span>'
    elif any(counts.values()):
        state = "".join(
            f'<span class="wb-state {level}" title="{level}"><span class="wb-symbol" aria-hidden="true">'
            f"{SEVERITIES[level].symbol}</span><b>{alert_count}</b> {level}</span>"
            for level, alert_count in counts.items()
            if alert_count
        )
        state = f'<span class="wb-state">{counted(sum(counts.values()), "open alert")}</span>{state}'
    else:
        words = "none scored yet" if (fleet["state"] == "missing").all() else "no open alerts"
        state = f'<span class="wb-state">{counted(len(fleet), "channel")}, {words}</span>'
    stale = int((fleet["state"] == "stale").sum()) if len(fleet) else 0
    damaged = int((fleet["state"] == "damaged").sum()) if len(fleet) else 0
    notes = [f"{count} {word}" for count, word in ((stale, "stale"), (damaged, "damaged")) if count]
    stamp = now.astimezone(UTC)
    home = settings.home.resolve()
    preset = escape(settings.preset)
    about = f"Data in {escape(str(home))}, detection settings: {preset}"
    source = f'<span title="{about}">{escape(_fleet_name(home.name))}</span>'
    return (
        f'<div class="wb-line" data-waiting="{waiting}"><b class="wb-brand">Workbench</b>{state}'
        f'<span class="wb-muted"><time class="wb-asof" datetime="{stamp:%Y-%m-%dT%H:%M:%SZ}">'
        f"as of {stamp:%H:%M} UTC</time>{''.join(f', {note}' for note in notes)}, "
        f"{source}<span class='wb-preset'>, detection settings: {preset}</span></span></div>"
    )


def catching_up_markup(words: str) -> str:
    """Write how far behind the present telemetry is that comes faster until it has caught up."""
    about = "Telemetry of the past comes faster until it has caught up; from then on each sample comes at its time."
    return f'<p class="wb-muted" title="{about}">{escape(words)}</p>' if words else ""


def announcement_markup(messages: Sequence[str]) -> str:
    """Write what a screen reader says, and everybody sees for a while, when critical alerts come.

    Parameters
    ----------
    messages : sequence of str
        Message of each new alert; the first one is shown.
    """
    more = f" And {counted(len(messages) - 1, 'more critical alert')}." if len(messages) > 1 else ""
    symbol = f'<span class="wb-symbol" aria-hidden="true">{SEVERITIES["critical"].symbol}</span>'
    words = escape(f"{messages[0]}{more}", quote=True)
    return f'<p title="{words}"><b class="critical">{symbol}New critical alert.</b> {words}</p>'


def _fleet_name(folder: str) -> str:
    name = folder[:1].upper() + folder[1:]
    return name if name.lower().endswith("fleet") else f"{name} fleet"


def help_markup(titles: Sequence[str], shortcuts: Mapping[str, str]) -> str:
    """Write the list of keyboard shortcuts: of every view, the tabs, and the view that is shown.

    Parameters
    ----------
    titles : sequence of str
        Titles of the tabs.
    shortcuts : mapping of str to str
        What the keys do in the view that is shown.
    """
    tabs = {str(place): title for place, title in enumerate(titles, 1)}
    lists = [("Every page", GLOBAL_SHORTCUTS), ("Tabs", tabs), ("This view", shortcuts)]
    return '<div class="wb-keys" role="dialog" aria-label="Keyboard shortcuts">{}</div>'.format(
        "".join(
            f"<section><h2>{name}</h2><dl>"
            + "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(words)}</dd>" for key, words in keys.items())
            + "</dl></section>"
            for name, keys in lists
            if keys
        )
    )
