"""Display of a session and a channel in a notebook: what it is, from when to when, what to call next."""

from html import escape

import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.settings import Settings

__all__ = ["Channel", "session_html"]


class Channel(xr.Dataset):  # type: ignore[no-untyped-call]
    """A channel's dataset that begins its display in a notebook with a sentence about itself."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return channel_html(self) + str(super()._repr_html_())


def channel_html(channel: xr.Dataset) -> str:
    """Say what a channel is, from when to when, and what to call next.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of a channel, or part of it.

    Returns
    -------
    str
        HTML.
    """
    attributes = channel.attrs
    name = escape(str(attributes.get("channel", "")))
    code = escape(repr(str(attributes.get("channel", ""))), quote=False)
    place = " / ".join(escape(str(attributes[key])) for key in ("asset", "subsystem") if attributes.get(key))
    units = f", in {escape(attributes['units'])}" if attributes.get("units") else ""
    extent = ""
    if channel.sizes.get("time"):
        first, last = (_stamp(channel["time"].values[i]) for i in (0, -1))
        extent = f"{counted(channel.sizes['time'], 'sample')} from {first} to {last}{units}, "
    return (
        f"<p><b>{name}</b> ({place}): {extent}{counted(channel.sizes.get('command', 0), 'command')}. "
        f"Next: <code>session.score({code})</code>, <code>session.anomalies({code})</code>.</p>"
    )


def session_html(settings: Settings, overview: pd.DataFrame) -> str:
    """Say what a session holds and what to call next.

    Parameters
    ----------
    settings : Settings
        Settings of the session.
    overview : pandas.DataFrame
        From `Session.overview`.

    Returns
    -------
    str
        HTML.
    """
    head = f"<p><b>Workbench</b> in <code>{escape(str(settings.home))}</code>, preset <code>{settings.preset}</code>: "
    if overview.empty:
        return (
            head
            + "no channels yet. Next: <code>session.import_demo()</code> or <code>session.import_data(...)</code>.</p>"
        )
    assets = ", ".join(f"{escape(str(asset))} ({len(group)})" for asset, group in overview.groupby("asset"))
    states = ", ".join(f"{count} {state}" for state, count in overview["state"].value_counts().items())
    table = overview.groupby("asset").agg(
        channels=("channel", "count"), anomalies=("anomalies", "sum"), worst=("severity", "max")
    )
    following = "session.train()" if (overview["reason"] == "no model").any() else "session.score_all()"
    if (overview["state"] == "current").all():
        following = f"session.anomalies('{overview['channel'].iloc[0]}')"
    return (
        f"{head}{counted(len(overview), 'channel')} of {assets}; scores: {states}. "
        f"Next: <code>{escape(following)}</code>.</p>"
        + str(table.to_html(float_format="{:.2f}".format, na_rep="-", border=0))
    )


def _stamp(value: object) -> str:
    text = str(value)
    return f"{text[:16].replace('T', ' ')} UTC" if "T" in text else f"sample {int(text):,}"
