"""The panel of the fleet's health: a cell for each channel, or in a large fleet for each that is abnormal.

A fleet of up to `MAX_OPEN_CHANNELS` is shown whole. In a larger one, an asset or a subsystem without alerts is one line
that opens, and so are the channels without alerts beside those with alerts: the panel stays as small as what is wrong.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES
from workbench.telemetry.catalog import Catalog
from workbench.views.markup import name_markup, target
from workbench.views.overview.data import Picture
from workbench.views.widgets.filters import Filters, check_choice

__all__ = ["MAX_OPEN_CHANNELS", "HealthFilters", "health_markup"]

MAX_OPEN_CHANNELS = 120
"""Channels up to which every one of them has its cell."""

_MAX_ABNORMAL_CELLS = 24  # of a subsystem that is not open
_MAX_CELLS = 400  # of a subsystem that is open
_SHORT = 6  # letters of a subsystem that take little room
_MAX_LINES = 60  # assets, and subsystems of one asset
_ONLY_ALERTS = "alerts"
_FOLD = "fold "


@dataclass(frozen=True)
class HealthFilters(Filters):
    """Which channels the panel shows.

    Attributes
    ----------
    find : str
        Part of the name of a channel, of its subsystem or of its asset; empty for all.
    only : str
        `alerts` for channels with open alerts only; empty for all.
    open : str
        Asset, or asset and subsystem, that the reader has opened, as JSON; empty for none.
    """

    find: str = ""
    only: str = ""
    open: str = ""

    @classmethod
    def of(cls, state: Mapping[str, str]) -> Self:
        """Return the filters of a link.

        Raises
        ------
        ViewError
            The link asks for something that cannot be shown.
        """
        filters = super().of(state)
        check_choice("only", filters.only, ["", _ONLY_ALERTS])
        if filters.open and not filters.opened:
            raise ViewError(
                f"The link opens {filters.open!r}, which is no asset.", 'Write it as ["Plant"] or ["Plant", "Pumps"].'
            )
        return replace(filters, open=json.dumps(filters.opened) if filters.open else "")

    @property
    def opened(self) -> tuple[str, ...]:
        """Asset, or asset and subsystem, that is open; empty for none."""
        try:
            names = json.loads(self.open) if self.open else []
        except ValueError:
            return ()
        fits = isinstance(names, list) and len(names) in (1, 2) and all(isinstance(name, str) for name in names)
        return tuple(names) if fits else ()

    def turned(self, text: str) -> "HealthFilters":
        """Return the filters after a click on a line: it opens, or closes where it is open.

        Parameters
        ----------
        text : str
            What the line picks.
        """
        name = text.removeprefix(_FOLD)
        asset = json.dumps(json.loads(name)[:1])  # a subsystem closes, and its asset stays open
        closed = "" if name == asset else asset
        return HealthFilters(self.find, self.only, closed if name == self.open else name)

    @staticmethod
    def is_line(text: str) -> bool:
        """Tell whether what was picked is a line that opens, not a channel."""
        return text.startswith(_FOLD)

    def select(self, fleet: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
        """Return the channels that pass the filters.

        Parameters
        ----------
        fleet : pandas.DataFrame
            `Picture.fleet`.
        catalog : Catalog
            Names of assets and subsystems, among which `find` looks, too.
        """
        if self.only:
            fleet = fleet[fleet["worst"] != ""]
        if not self.find or fleet.empty:
            return fleet
        places = fleet[["asset", "subsystem"]].drop_duplicates()
        text = self.find.casefold()
        found = {
            (asset, subsystem)
            for asset, subsystem in places.itertuples(index=False)
            if text in f"{catalog.asset(asset).name}\n{catalog.subsystem_name(asset, subsystem)}".casefold()
        }
        named = fleet["channel"].str.casefold().str.contains(text, regex=False)
        placed = [place in found for place in zip(fleet["asset"], fleet["subsystem"], strict=True)]
        return fleet[named | np.array(placed)]


def health_markup(picture: Picture, catalog: Catalog, filters: HealthFilters | None = None) -> str:
    """Write the panel of the health of the fleet.

    Parameters
    ----------
    picture : Picture
        What the overview shows.
    catalog : Catalog
        Names of assets and subsystems.
    filters : HealthFilters, optional
        Which channels are shown, and what is open.

    Returns
    -------
    str
        HTML of a `Grid`; a channel picks its `target`, a line that opens what `HealthFilters.turned` takes.
    """
    filters = filters or HealthFilters()
    fleet = filters.select(picture.fleet, catalog)
    if fleet.empty and len(picture.fleet):
        return "<p class='wb-note wb-muted'>No channels match. Clear the search, or show channels without alerts.</p>"
    short = " wb-short" if all(len(one) <= _SHORT for one in _names(fleet, catalog)) else ""
    return f"<div class='wb-flow{short}'>{''.join(_Panel(picture, catalog, filters, fleet).lines())}</div>"


def _names(fleet: pd.DataFrame, catalog: Catalog) -> Iterator[str]:
    places = fleet[["asset", "subsystem"]].drop_duplicates().itertuples(index=False)
    return (catalog.subsystem_name(asset, subsystem) for asset, subsystem in places)


class _Panel:
    """Writes the lines of the panel; only of groups that are shown, rows are looked at."""

    def __init__(self, picture: Picture, catalog: Catalog, filters: HealthFilters, fleet: pd.DataFrame) -> None:
        self.health = picture.health
        self.catalog = catalog
        self.opened = filters.opened
        self.whole = len(fleet) <= MAX_OPEN_CHANNELS
        self.fleet = fleet
        self.ranks, self.missing = _ranks(fleet).to_numpy(), (fleet["state"] == "missing").to_numpy()
        groups = fleet[["asset", "subsystem"]].assign(rank=self.ranks).groupby(["asset", "subsystem"], sort=True)
        self.rows = groups.indices
        ranks = groups["rank"].agg(["max", "size"])
        self.groups: dict[str, dict[str, tuple[int, int]]] = {}
        for (asset, subsystem), rank, size in ranks.itertuples(name=None):
            self.groups.setdefault(str(asset), {})[str(subsystem)] = rank, size

    def lines(self) -> Iterator[str]:
        """Write one asset after the other; in a large fleet, the worst first."""
        assets = list(self.groups)
        if not self.whole:
            assets.sort(key=lambda asset: -self._rank(asset))  # the order by name stays among equals
        for asset in assets[:_MAX_LINES]:
            yield from self._asset(asset)
        yield _rest(len(assets) - _MAX_LINES, "asset")

    def _rank(self, asset: str) -> int:
        return max(rank for rank, _ in self.groups[asset].values())

    def _asset(self, asset: str) -> Iterator[str]:
        groups, index = self.groups[asset], self.health.get(asset)
        words = "not scored" if index is None or pd.isna(index) else f"health {index:.0f}"
        channels = counted(sum(size for _, size in groups.values()), "channel")
        title = f"{escape(self.catalog.asset(asset).name)} <span class='wb-muted'>{words}, {channels}</span>"
        opened = self.opened[:1] == (asset,)
        if self.whole:
            yield f"<h3>{title}</h3>"
        elif self._rank(asset):
            rows = [place for subsystem in groups for place in self.rows[asset, subsystem]]
            yield f"<h3>{title}{_counts(self.fleet['worst'].iloc[rows])}</h3>"
        else:
            yield _line((asset,), title, opened=opened, css="wb-asset-line")
            if not opened:
                return
        quiet = [] if self.whole else [name for name, (rank, _) in groups.items() if not rank]
        folded = len(quiet) > 1 and not opened
        shown = [name for name in groups if not folded or name not in quiet]
        for subsystem in shown[:_MAX_LINES]:
            yield self._subsystem(asset, subsystem)
        yield _rest(len(shown) - _MAX_LINES, "subsystem")
        if folded:
            channels = counted(sum(groups[name][1] for name in quiet), "channel")
            yield _line((asset,), f"{counted(len(quiet), 'subsystem')} without alerts, {channels}", opened=False)
        elif len(quiet) > 1 and self._rank(asset):
            yield _line((asset,), "Show only subsystems with alerts", opened=True)

    def _subsystem(self, asset: str, subsystem: str) -> str:
        rows = np.asarray(self.rows[asset, subsystem])
        opened = self.opened == (asset, subsystem)
        fold = ""
        if not self.whole:
            rows = rows[np.argsort(-self.ranks[rows], kind="stable")]
            cells = rows if opened else rows[self.ranks[rows] > 0][:_MAX_ABNORMAL_CELLS]
            hidden, rows = rows[len(cells) :], cells[:_MAX_CELLS]
            if opened:
                fold = _line((asset, subsystem), "Show only channels with alerts", opened=True)
                fold += _rest(len(cells) - _MAX_CELLS, "channel")
            elif len(hidden):
                fold = _line((asset, subsystem), self._hidden_words(hidden), opened=False)
        shown = "".join(_cell(row) for row in self.fleet.iloc[rows].to_dict(orient="records")) if len(rows) else ""
        title = escape(self.catalog.subsystem_name(asset, subsystem), quote=True)
        name = f"<span title='{title}'>{title}</span>" if title else ""
        return f"<div class='wb-group{'' if title else ' wb-nameless'}'>{name}<div>{shown}{fold}</div></div>"

    def _hidden_words(self, rows: npt.NDArray[np.intp]) -> str:
        """Say what the channels are that a line stands for."""
        more, unscored = int((self.ranks[rows] > 0).sum()), int(self.missing[rows].sum())
        words = [f"{more:,} more with alerts"] if more else []
        if len(rows) > more:
            words.append(
                f"{len(rows) - more:,} without alerts" + (f", {unscored:,} of them not scored" if unscored else "")
            )
        return " and ".join(words)


def _ranks(rows: pd.DataFrame) -> "pd.Series[int]":
    """Return how abnormal channels are: the level of the worst alert from 1 on, then damage; 0 where nothing is."""
    ranks = rows["worst"].map({level: place for place, level in enumerate(LEVELS, 1)}).fillna(0).astype(int)
    return ranks.mask(rows["state"] == "damaged", len(LEVELS) + 1)


def _counts(worst: "pd.Series[str]") -> str:
    """Write how many channels have which worst level."""
    counts = worst.value_counts()
    return "".join(
        f" <span class='{level}' title='{counted(int(counts[level]), 'channel')}, worst alert {level}'>"
        f"<span class='wb-symbol' aria-hidden='true'>{SEVERITIES[level].symbol}</span>{int(counts[level]):,}"
        f"<span class='wb-hidden'> {level}</span></span>"
        for level in reversed(LEVELS)
        if counts.get(level, 0)
    )


def _line(place: tuple[str, ...], words: str, *, opened: bool, css: str = "") -> str:
    """Write a line that opens and closes; the arrow keys do so, too."""
    pick = escape(_FOLD + json.dumps(place), quote=True)
    return (
        f'<button type="button" class="wb-fold {css}" data-pick="{pick}" aria-expanded="{str(opened).lower()}">'
        f"<span class='wb-symbol' aria-hidden='true'>{'▾' if opened else '▸'}</span>{words}</button>"
    )


def _rest(number: int, noun: str) -> str:
    return f"<p class='wb-muted'>{counted(number, f'more {noun}')}: search for them.</p>" if number > 0 else ""


def _cell(row: Mapping[Any, Any]) -> str:
    level, name = row["worst"], escape(row["channel"], quote=True)
    if row["state"] == "damaged":
        kind, symbol, number, words = "wb-unscored", "!", "", escape(f"damaged: {row['reason']}", quote=True)
    elif level:  # also of a channel that is not scored: it may be outside a limit
        kind, symbol, number = level, SEVERITIES[level].symbol, str(row["alerts"])
        words = f"{counted(row['alerts'], 'open alert')}, worst {level}"
        words += ", not scored" if row["state"] == "missing" else ""
    elif row["state"] == "missing":
        kind, symbol, number, words = "wb-unscored", "·", "", "not scored"
    else:
        kind, symbol, number, words = "", "", "", "no open alerts"
    stale = ", score out of date" if row["state"] == "stale" else ""
    pick = escape(target(row["asset"], row["channel"]), quote=True)
    return (
        f'<button type="button" class="wb-cell {kind}" data-pick="{pick}" '
        f'title="{name}: {words}{stale}"><span class="wb-symbol" aria-hidden="true">{symbol}</span>'
        f"{name_markup(row['channel'])}<b>{number}</b><span class='wb-hidden'> {words}</span></button>"
    )
