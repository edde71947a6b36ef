"""The controls of monitoring: one bar above the charts, one for the replay below them."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from workbench.views.monitoring_charts import MODES

__all__ = ["Controls"]

_HOUR = 3_600_000.0
_RANGES: dict[bool, list[tuple[str, float]]] = {
    True: [("all", 0.0), ("7 d", 168 * _HOUR), ("24 h", 24 * _HOUR), ("6 h", 6 * _HOUR), ("1 h", _HOUR)],
    False: [("all", 0.0), ("5,000 samples", 5000.0), ("1,000 samples", 1000.0), ("200 samples", 200.0)],
}
_CUSTOM = ("as zoomed", -1.0)
_SPEEDS: dict[bool, list[tuple[str, float]]] = {
    True: [("1x", 1e3), ("60x", 6e4), ("600x", 6e5), ("3,600x", 3.6e6), ("14,400x", 1.44e7)],
    False: [("1 sample/s", 1.0), ("10 samples/s", 10.0), ("50 samples/s", 50.0), ("200 samples/s", 200.0)],
}
_USUAL = {True: 3.6e6, False: 50.0}


class Controls:
    """Widgets only; what they do is the view's.

    Attributes
    ----------
    bar, replay_bar : ipywidgets.Box
    asset, preset, mode, span : ipywidgets.Dropdown or ToggleButtons
        Values: asset, words of a group, one of `MODES`, time shown in units of the axis (0 for all, -1 as zoomed).
    previous, following, earlier, later, closer, wider : ipywidgets.Button
        Channels before and after; time before and after; zoom.
    play, latest : ipywidgets.Button
    speed, seek : ipywidgets.Dropdown, ipywidgets.FloatSlider
        Units of the axis a second; share of the time replayed.
    """

    def __init__(self) -> None:
        self.asset = _dropdown("Asset")
        self.preset = _dropdown("Channels")
        self.mode = widgets.ToggleButtons(options=MODES, tooltips=_TIPS, style={"button_width": "auto"})
        self.mode.add_class("wb-toggle")
        self.span = _dropdown("Show")
        self.previous = _button("Back", "Channels before these")
        self.page = widgets.HTML()
        self.following = _button("Next", "Channels after these")
        self.earlier = _button("←", "Earlier")
        self.later = _button("→", "Later")
        self.closer = _button("+", "Zoom in")
        self.wider = _button("-", "Zoom out")
        self.play = _button("▶ Replay", "Play the time shown again")
        self.speed = _dropdown("Speed")
        self.seek = widgets.FloatSlider(
            min=0.0,
            max=1.0,
            step=0.001,
            value=1.0,
            readout=False,
            layout=widgets.Layout(width="auto", flex="1 1 160px"),
        )
        self.seek.tooltip = "Replay position"
        self.position = widgets.HTML()
        self.latest = _button("Latest", "Leave the replay and show the newest values")
        self.bar = _box(
            "wb-bar",
            self.asset,
            self.preset,
            self.mode,
            self.previous,
            self.page,
            self.following,
            self.span,
            self.earlier,
            self.later,
            self.closer,
            self.wider,
        )
        self.replay_bar = _box("wb-bar", self.play, self.speed, self.seek, self.position, self.latest)

    def set_axis(self, *, dated: bool) -> None:
        """Offer ranges and speeds for stamps or for sample numbers."""
        if self.span.options != (*_RANGES[dated], _CUSTOM):
            self.span.options = (*_RANGES[dated], _CUSTOM)
            self.span.value = 0.0
            self.speed.options = tuple(_SPEEDS[dated])
            self.speed.value = _USUAL[dated]

    def set_page(self, first: int, shown: int, total: int) -> None:
        """Say which channels of a group are shown."""
        everything = shown == total
        for widget in (self.previous, self.page, self.following):
            widget.layout.display = "none" if everything else None
        self.page.value = f"{first + 1} to {first + shown} of {total}"
        self.previous.disabled = first == 0
        self.following.disabled = first + shown >= total

    def set_replay(self, state: str, share: float, words: str) -> None:
        """Show where the replay stands."""
        playing = state == "playing"
        self.play.description = "⏸ Pause" if playing else "▶ Replay"
        self.play.tooltip = "Stay at this time" if playing else "Play the time shown again"
        self.latest.disabled = state == "ended"
        self.seek.value = share
        self.position.value = words


_TIPS = (
    "One chart a channel",
    "Lines over each other",
    "One lane a channel, all of the group",
    "One row of shades a channel, all of the group",
)


def _dropdown(words: str, options: Sequence[Any] = ()) -> widgets.Dropdown:
    made = widgets.Dropdown(options=options, description=words, layout=widgets.Layout(width="auto"))
    made.add_class("wb-choice")
    return made


def _button(words: str, tip: str) -> widgets.Button:
    made = widgets.Button(description=words, tooltip=tip)
    made.add_class("wb-button")
    return made


def _box(name: str, *children: widgets.Widget) -> widgets.Box:
    box = widgets.Box(children)
    box.add_class(name)
    return box
