"""The controls of monitoring: one bar above the charts, one for the replay below them."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from workbench.telemetry.catalog import Catalog
from workbench.views.monitoring.charts import MODES
from workbench.views.monitoring.markup import time_words
from workbench.views.monitoring.scene import Scene
from workbench.views.widgets.boxes import box, button

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


class Controls:
    """The widgets of both bars; what they do is up to the view.

    Parameters
    ----------
    view : Monitoring
        View whose methods, `on_asset` and so on, they call.

    Attributes
    ----------
    bar, replay_bar : ipywidgets.Box
        The bars above and below the charts.
    asset, group, mode, span : ipywidgets.Dropdown or ToggleButtons
        Values: asset, words of a group, one of `MODES`, time shown in units of the axis (0 for all, -1 as zoomed).
    previous, following, earlier, later, closer, wider : ipywidgets.Button
        Channels before and after; time before and after; zoom.
    play, latest : ipywidgets.Button
        Starts and pauses the replay; ends it.
    speed, seek : ipywidgets.Dropdown, ipywidgets.FloatSlider
        Units of the axis a second; share of the time replayed.
    """

    def __init__(self, view: Any) -> None:
        self.asset = _dropdown("Asset")
        self.group = _dropdown("Channels")
        self.mode = widgets.ToggleButtons(options=MODES, tooltips=_TIPS, style={"button_width": "auto"})
        self.mode.add_class("wb-toggle")
        self.span = _dropdown("Show")
        self.previous = button("Back", "Show the channels before these", view.on_page)
        self.page = widgets.HTML()
        self.following = button("Next", "Show the channels after these", view.on_page)
        self.earlier = button("←", "Show an earlier time", view.on_step)
        self.later = button("→", "Show a later time", view.on_step)
        self.closer = button("+", "Zoom in", view.on_zoom)
        self.wider = button("-", "Zoom out", view.on_zoom)
        self.play = button("▶ Replay", "Replay the time shown", view.on_play)
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
        self.latest = button("Latest", "Show the newest values, and follow those that come", view.on_latest)
        self._pages = box("wb-together", self.previous, self.page, self.following)
        self.bar = box(
            "wb-bar",
            self.asset,
            self.group,
            self.mode,
            self._pages,
            self.span,
            box("wb-together", self.earlier, self.later, self.closer, self.wider),
        )
        self.replay_bar = box("wb-bar", self.play, self.speed, self.seek, self.position, self.latest)

        for name in ("asset", "group", "mode", "span", "speed", "seek"):
            getattr(self, name).observe(getattr(view, f"on_{name}"), "value")

    def show(self, scene: Scene, catalog: Catalog) -> None:
        """Show the choices, and what is chosen.

        Parameters
        ----------
        scene : Scene
            What the view shows.
        catalog : Catalog
            Names of the assets.
        """
        assets = list(dict.fromkeys(scene.fleet["asset"]))
        _offer(self.asset, [(catalog.asset(asset).name, asset) for asset in assets], scene.asset)
        groups = [(f"{words} ({len(names)})", words) for words, names in scene.groups.items()]
        _offer(self.group, groups, scene.group)
        self.mode.value = scene.mode
        first, shown, total = scene.page * scene.page_size, len(scene.shown), len(scene.channels)
        self._pages.layout.display = "none" if shown == total else None
        self.page.value = f"{first + 1} to {first + shown} of {total}"
        self.previous.disabled = first == 0
        self.following.disabled = first + shown >= total
        _offer(self.speed, _SPEEDS[scene.dated], scene.replay.speed)
        self.show_time(scene)

    def show_time(self, scene: Scene) -> None:
        """Show how much time is on screen, and the position of the replay.

        Parameters
        ----------
        scene : Scene
            What the view shows.
        """
        length, newest = scene.range[1] - scene.range[0], min(scene.extent[1], scene.until)
        spans = _RANGES[scene.dated]
        offered = next((size for _, size in spans if size == length and scene.range[1] == newest), _CUSTOM[1])
        _offer(self.span, [*spans, _CUSTOM], 0.0 if scene.range == scene.extent else offered)
        playing = scene.replay.state == "playing"
        self.play.description = "Pause" if playing else "▶ Replay"
        self.play.tooltip = "Pause the replay" if playing else "Replay the time shown"
        self.latest.disabled = scene.replay.state == "ended" and scene.range[1] >= scene.extent[1]
        self.seek.value = round(scene.share, 3)  # a whole step: the slider would send any other value back
        self.position.value = time_words(scene.replay.position, dated=scene.dated)


def _offer(widget: widgets.Dropdown, options: Sequence[tuple[str, Any]], value: Any) -> None:
    if widget.options != tuple(options):
        widget.options = tuple(options)
    if options:
        widget.value = value


_TIPS = (
    "One chart for each channel",
    "All lines in one chart",
    "One lane for each channel of the group",
    "One row of colours for each channel of the group",
)


def _dropdown(words: str, options: Sequence[Any] = ()) -> widgets.Dropdown:
    dropdown = widgets.Dropdown(options=options, description=words, layout=widgets.Layout(width="auto"))
    dropdown.add_class("wb-choice")
    return dropdown
