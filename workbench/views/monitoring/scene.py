"""What monitoring shows, without a widget: asset, group, page, time and replay, and the channels that follow."""

from collections.abc import Callable

import pandas as pd

from workbench.plots.strip_data import Strip, alike
from workbench.telemetry.feeds import Replay
from workbench.telemetry.moments import Moment
from workbench.views.monitoring.charts import MODES, STRIPS
from workbench.views.monitoring.data import ChannelStore, presets
from workbench.views.view_session import ViewSession

__all__ = ["SPEEDS", "Scene"]

SPEEDS = {True: 3.6e6, False: 50.0}
"""Speed of a replay at first, in units of the axis a second, for stamps and for sample numbers."""

_PAGED = ("strips", "overlay")
_MAX_ROWS = 64  # lanes of one chart, or rows of the heat map
_FINEST = 1e-6  # of all the time: no closer zoom
_INFINITE = float("inf")
_FOLLOWED = tuple(hours * 3_600_000.0 for hours in (1, 6, 24, 168))
_FOLLOWED_SAMPLES = 300  # in which one sees the next ones come


class Scene:
    """What monitoring shows: asset, group, page, channel, time and replay.

    Parameters
    ----------
    session : ViewSession
        Session that all values come from.
    seconds : callable
        Clock of the replay: seconds that only rise.

    Attributes
    ----------
    fleet : pandas.DataFrame
        Table of `Session.overview`.
    groups : dict of str to list of str
        The asset's channels by the words of each group.
    asset, group, mode, channel : str
        What is chosen; empty where there is nothing.
    page : int
        From 0.
    dated : bool
        Whether time is stamps.
    extent, range : tuple of float
        All of the time, and what is shown of it, as charts take it.
    replay : Replay
        Position and speed of the replay.
    store : ChannelStore
        Channels that have been read.
    """

    def __init__(self, session: ViewSession, seconds: Callable[[], float]) -> None:
        self._session = session
        self._seconds = seconds
        self.store = ChannelStore(session)
        self.fleet = pd.DataFrame({"asset": [], "channel": []})
        self.groups: dict[str, list[str]] = {}
        self.asset = ""
        self.group = ""
        self.channel = ""
        self.mode = MODES[0]
        self.page = 0
        self.dated = False
        self.extent = (0.0, 1.0)
        self.range = (0.0, 1.0)
        self.replay = Replay(0.0, 0.0, clock=seconds)
        self._stretched = ""  # the asset whose time `extent` is
        self._followed = _INFINITE  # how much of it is shown first

    @property
    def channels(self) -> list[str]:
        """Channels of the group."""
        return self.groups.get(self.group, [])

    @property
    def shown(self) -> list[str]:
        """Channels on screen, one page of the group, or all of it where the mode has room."""
        first = self.page * self.page_size
        return self.channels[first : first + self.page_size]

    @property
    def page_size(self) -> int:
        """How many channels a page has; more lanes or rows than fit could not be told apart."""
        return STRIPS if self.mode in _PAGED else _MAX_ROWS

    @property
    def until(self) -> float:
        """Time up to which telemetry has come; infinite where nothing is replayed."""
        return _INFINITE if self.replay.state == "ended" else self.replay.position

    @property
    def first_range(self) -> tuple[float, float]:
        """Time that is shown first: the newest part of telemetry that goes on, so that one sees it move, or all."""
        return max(self.extent[0], self.extent[1] - self._followed), self.extent[1]

    @property
    def share(self) -> float:
        """Where the replay stands, from 0 to 1."""
        return (self.replay.position - self.replay.start) / ((self.replay.end - self.replay.start) or 1.0)

    @property
    def unread(self) -> list[str]:
        """Channels that may be asked for next and would have to be read first: of this page, the next, and the worst.

        An asset of up to `_MAX_ROWS` channels is read whole; of a larger one, most channels are never asked for.
        """
        first = self.page * self.page_size
        near = self.channels[first : first + 2 * self.page_size]
        names = list(dict.fromkeys([*near, *next(iter(self.groups.values()), [])]))[: max(_MAX_ROWS, len(near))]
        return [name for name in names if name not in self.store and not self.store.is_unreadable(name)]

    def strips(self, *, at_hand: bool = False) -> list[Strip]:
        """Return the channels on screen that can be drawn together: those with the first one's kind of time.

        Parameters
        ----------
        at_hand : bool
            Leave out channels that would have to be read first, where there are many.

        Returns
        -------
        list of Strip
        """
        names = self.shown
        if at_hand and self.mode not in _PAGED:
            sound = [name for name in names if not self.store.is_unreadable(name)]
            names = [name for name in names if name in self.store] or sound[:1]
        return alike([self.store.strip(name) for name in names if self.store.readable(name)])

    # ---- choosing

    def read(self, *, anew: bool = True) -> None:
        """Read the session again; what is chosen stays where it can.

        Parameters
        ----------
        anew : bool
            Whether channels of which nothing has been published since are read again, too.
        """
        self.fleet = self._session.overview()
        if anew:
            self.store.clear()
        else:
            self.store.forget_changed()
        if self.asset not in set(self.fleet["asset"]):
            worst = self.fleet["severity"].fillna(-1.0).sort_values(ascending=False, kind="stable").index
            self.asset = str(self.fleet.loc[worst[0], "asset"]) if len(worst) else ""
        self.set_asset(self.asset, self.group, self.channel)

    def grow(self) -> None:
        """Read what has come since; what is shown moves along where it ends with the newest value, else it stays."""
        self.store.forget_changed()
        self._settle()
        self.arrive()

    def arrive(self) -> bool:
        """Add what has come and is not in the archive yet, as `grow` does; return whether anything has come."""
        arrived = self.store.arrive(self.shown)
        if arrived:
            self._settle()
        return arrived

    def set_asset(self, asset: str, group: str = "", channel: str = "") -> None:
        """Show the channels of an asset.

        Parameters
        ----------
        asset : str
            Id of the asset; empty for none.
        group, channel : str
            Group and channel to show; the first ones where they are not of the asset.
        """
        self.asset = asset
        self.groups = presets(self._session.catalog, self.fleet, asset) if asset else {}
        self.set_group(group, channel)

    def set_group(self, group: str, channel: str = "") -> None:
        """Show a group of the asset's channels, on the page where a channel is.

        Parameters
        ----------
        group : str
            Words of the group; the first one where there is no such group.
        channel : str
            Channel to choose; the first one shown where it is not in the group.
        """
        self.group = group if group in self.groups else next(iter(self.groups), "")
        names = self.channels
        self.page = names.index(channel) // self.page_size if channel in names else 0
        self.channel = channel
        self._settle()

    def set_mode(self, mode: str) -> None:
        """Show the charts in a mode.

        Parameters
        ----------
        mode : str
            One of `MODES`; the first one where there is no such mode.
        """
        self.mode = mode if mode in MODES else MODES[0]
        names = self.channels
        self.page = names.index(self.channel) // self.page_size if self.channel in names else 0
        self._settle()

    def turn(self, pages: int) -> None:
        """Show another page of the group.

        Parameters
        ----------
        pages : int
            How many pages later; earlier where negative.
        """
        self.page = min(max(self.page + pages, 0), max(len(self.channels) - 1, 0) // self.page_size)
        self._settle()

    def select(self, channel: str) -> None:
        """Show a channel, with its asset, and with another group where the one shown lacks it.

        Parameters
        ----------
        channel : str
            Name of the channel.
        """
        asset = str(self.fleet.loc[self.fleet["channel"] == channel, "asset"].iloc[0])
        if asset != self.asset:
            self.set_asset(asset, channel=channel)
        else:
            self.set_group(self.group if channel in self.channels else "", channel)

    # ---- time

    def show(self, start: float, end: float) -> None:
        """Show a stretch of time.

        Parameters
        ----------
        start, end : float
            As charts take them; a stretch shorter than the closest zoom is widened around its middle.
        """
        least = max((self.extent[1] - self.extent[0]) * _FINEST, 1.0)
        middle, half = (start + end) / 2, max(end - start, least) / 2
        self.range = (start, end) if end - start >= least else (middle - half, middle + half)

    def last(self, length: float) -> None:
        """Show the time before the newest value.

        Parameters
        ----------
        length : float
            How much, in units of the axis; 0 for all of the time.
        """
        end = min(self.extent[1], self.until)
        self.show(*((end - length, end) if length else self.extent))

    def step(self, share: float) -> None:
        """Move what is shown along the axis.

        Parameters
        ----------
        share : float
            Share of the time shown; towards earlier times where negative.
        """
        start, end = self.range
        self.show(start + share * (end - start), end + share * (end - start))

    def zoom(self, factor: float) -> None:
        """Show more or less time around the same middle.

        Parameters
        ----------
        factor : float
            Time that is shown, in multiples of the time that was shown.
        """
        middle, half = sum(self.range) / 2, (self.range[1] - self.range[0]) / 2
        self.show(middle - factor * half, middle + factor * half)

    def show_anomaly(self, begin: Moment, lengths: float) -> None:
        """Show an anomaly of the chosen channel with so many lengths of it on either side.

        Parameters
        ----------
        begin : pandas.Timestamp or int
            Moment at which it begins; the mark that lies there is shown, and nothing happens where none does.
        lengths : float
            How many lengths of it are shown on either side.
        """
        if not self.channel:
            return
        marks = self.store.strip(self.channel).marks
        at = begin.timestamp() * 1000.0 if isinstance(begin, pd.Timestamp) else float(begin)
        edges = zip(marks["left"], marks["right"], marks["first"], strict=True)
        under = [(left, right) for left, right, first in edges if left <= at <= right or first == begin]
        if under:
            left, right = under[0]
            self.show(left - lengths * (right - left), right + lengths * (right - left))

    def seek(self, share: float) -> None:
        """Move the replay to another position.

        Parameters
        ----------
        share : float
            Share of all the time, from 0 to 1.
        """
        self.replay.seek(self.replay.start + share * (self.replay.end - self.replay.start))
        self.follow()

    def play(self) -> None:
        """Start the replay at the start of what is shown, or resume it, or pause it."""
        if self.replay.state == "playing":
            self.replay.pause()
            return
        if self.replay.state == "ended":
            self.replay.seek(self.range[0])
        self.replay.play()

    def leave_replay(self) -> None:
        """End the replay and show the newest values."""
        self.replay.pause()
        self.replay.seek(self.replay.end)

    def follow(self) -> None:
        """Move what is shown so that the replay's position is in it."""
        start, end = self.range
        if self.until < _INFINITE and not start <= self.until <= end:
            self.show(self.until - 0.3 * (end - start), self.until + 0.7 * (end - start))

    def _settle(self) -> None:
        """Choose a channel that is shown, and set all of the time."""
        near = [name for i, name in enumerate(self.shown) if i < STRIPS or name in self.store]
        strips = alike([self.store.strip(name) for name in near if self.store.readable(name)])
        names = [name for name in self.shown if not self.store.is_unreadable(name)]
        if self.channel not in names:
            self.channel = next(iter(names), "")
        if not strips:
            return
        extent = min(strip.extent[0] for strip in strips), max(strip.extent[1] for strip in strips)
        if extent != self.extent:
            self._stretch(extent, dated=strips[0].dated, first=strips[0].name)

    def _stretch(self, extent: tuple[float, float], *, dated: bool, first: str) -> None:
        """Set all of the time; what is shown, and a replay, stay where they are still in it."""
        before, replay = self.range, self.replay
        is_first, is_all = before == self.first_range, before == self.extent
        same = dated == self.dated and self.asset == self._stretched
        grown = same and extent[0] == self.extent[0] and extent[1] > self.extent[1]
        inside = grown or (dated == self.dated and extent[0] <= before[0] < before[1] <= extent[1])
        keep = inside and not is_first and not is_all
        if keep and same and self.until == _INFINITE and before[1] >= self.extent[1]:
            before = before[0] + extent[1] - before[1], extent[1]  # it ends with the newest value, as it did
        if not same:
            self._followed = self._first_length(first, extent[1] - extent[0]) if dated else _INFINITE
        self._stretched = self.asset
        same_axis = dated == self.dated and self.replay.end > 0
        position = self.replay.position if inside and self.until < _INFINITE else extent[1]
        self.dated = dated
        self.extent = extent
        self.range = before if keep else extent if same and is_all else self.first_range
        self.replay = Replay(*extent, clock=self._seconds, speed=replay.speed if same_axis else SPEEDS[dated])
        self.replay.seek(position)
        if replay.state == "playing" and position < extent[1]:
            self.replay.play()

    def _first_length(self, name: str, length: float) -> float:
        """Return how much of the time of a channel is shown first: of one that grows an hour or some, else all."""
        if not self._session.archive.grows(name):
            return _INFINITE
        period = length / max(self._session.archive.info(name).n_test, 1)
        return next((one for one in _FOLLOWED if one >= _FOLLOWED_SAMPLES * period), _INFINITE)
