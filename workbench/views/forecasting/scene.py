"""What forecasting shows, without a widget: the channel, how far ahead, the forecasts so far, and the risks."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from workbench.exceptions import DetectionError, ViewError
from workbench.forecasting import crossings, decomposition, forecasts, outlook, risks
from workbench.forecasting.skill import SKILL_COLUMNS, skill_by_lead, skill_table
from workbench.views.view_session import ViewSession

__all__ = ["CONFIDENCES", "DAYS", "STEPS", "Outlook", "Scene"]

STEPS = (10, 30, 60, 240)
"""How far ahead a channel can be forecast, samples."""

CONFIDENCES = (0.9, 0.8, 0.95)
"""Shares of the truths that the intervals are to hold."""

DAYS = (1, 7, 30, 90)
"""How far ahead failures are looked for, days."""

_HISTORY = 4
"""Times as many samples as are forecast are shown before them, at least `_LEAST_HISTORY`."""

_LEAST_HISTORY = 200
_MAX_RESULTS = 12
"""Forecasts of channels that stay in memory."""

Key = tuple[str, int, float]


@dataclass(frozen=True)
class Outlook:
    """All that is shown of a channel's forecast by one forecaster.

    Attributes
    ----------
    forecaster : str
        Forecaster whose forecast is shown.
    units : str
        Units of the channel.
    history, forecast : xarray.Dataset
        Telemetry before the forecast, and the forecast.
    limits : dict of str to float
        Limits of the channel by their names.
    by_lead : xarray.Dataset
        Errors of all forecasters by lead time.
    parts : xarray.Dataset or None
        Trend, season and remainder; None where the series cannot be decomposed.
    reason : str
        Why it cannot be decomposed; empty where it can.
    crossings : pandas.DataFrame
        When the forecast reaches each limit.
    """

    forecaster: str
    units: str
    history: xr.Dataset
    forecast: xr.Dataset
    limits: Mapping[str, float]
    by_lead: xr.Dataset
    parts: xr.Dataset | None
    reason: str
    crossings: pd.DataFrame


class Scene:
    """The channel that is forecast, and the forecasts that have been computed.

    Parameters
    ----------
    session : ViewSession
        Session that all values come from.

    Attributes
    ----------
    fleet : pandas.DataFrame
        Table of `Session.overview`.
    channel : str
        Channel that is shown; empty where there is none.
    forecaster : str
        Forecaster that the reader has chosen; empty for the one with the smallest error.
    steps, confidence, days : int, float, int
        One of `STEPS`, of `CONFIDENCES` and of `DAYS`.
    skill : pandas.DataFrame
        The channel's forecasters, of `skill_table`.
    risks : pandas.DataFrame
        Table of `workbench.forecasting.risks`; empty until `read_risks`.
    """

    def __init__(self, session: ViewSession) -> None:
        self._session = session
        self._results: dict[Key, dict[str, xr.Dataset]] = {}
        self.fleet = pd.DataFrame({"channel": [], "asset": [], "state": []})
        self.channel = ""
        self.forecaster = ""
        self.steps = STEPS[0]
        self.confidence = CONFIDENCES[0]
        self.days = DAYS[0]
        self.skill = pd.DataFrame(columns=list(SKILL_COLUMNS))
        self.risks = pd.DataFrame()

    @property
    def key(self) -> Key:
        """Channel, steps and confidence: what a forecast depends on."""
        return self.channel, self.steps, self.confidence

    @property
    def computed(self) -> bool:
        """Whether the channel has been forecast as far, and with such intervals, as is chosen."""
        return self.key in self._results

    @property
    def channels(self) -> list[str]:
        """Names of all channels."""
        return self.fleet["channel"].tolist()

    @property
    def asset(self) -> str:
        """Asset of the channel that is shown."""
        return str(self.fleet.loc[self.fleet["channel"] == self.channel, "asset"].iloc[0])

    @property
    def asset_names(self) -> dict[str, str]:
        """Catalog names of the assets at risk, by their ids."""
        return {asset: self._session.catalog.asset(asset).name for asset in self.risks["asset"]}

    def read(self, channel: str) -> None:
        """Read the session again and forget the forecasts.

        Parameters
        ----------
        channel : str
            Channel to show; the one shown before, or the first that can be read, where it is not in the archive.
        """
        self._results.clear()
        self.fleet = self._session.overview()
        names = self.channels
        sound = self.fleet.loc[self.fleet["state"] != "damaged", "channel"].tolist()
        first = next(iter(sound or names), "")
        self.channel = next((name for name in (channel, self.channel) if name in names), first)
        self.risks = pd.DataFrame()

    def select(self, channel: str) -> None:
        """Choose the channel that is shown.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Raises
        ------
        ViewError
            There is no such channel.
        """
        if channel not in self.channels:
            raise ViewError(f"There is no channel {channel!r}.", "Choose a channel of the archive.")
        self.channel = channel

    def select_asset(self, asset: str) -> bool:
        """Show the first channel of an asset.

        Parameters
        ----------
        asset : str
            Id of the asset.

        Returns
        -------
        bool
            Whether the asset has a channel.
        """
        own = self.fleet.loc[self.fleet["asset"] == asset, "channel"]
        if len(own):
            self.channel = str(own.iloc[0])
        return bool(len(own))

    def set_days(self, days: int) -> None:
        """Change how far ahead failures are looked for; the risks are computed again when they are shown.

        Parameters
        ----------
        days : int
            One of `DAYS`.
        """
        self.days = days
        self.risks = pd.DataFrame()

    def read_risks(self) -> None:
        """Compute the risk of each asset where that was not done yet."""
        if self.risks.empty:
            self.risks = risks(self._session, self.days)

    def compute(self) -> None:
        """Forecast the channel that is shown."""
        channel, steps, confidence = self.key
        self._results[self.key] = forecasts(self._session, channel, steps=steps, confidence=confidence)
        if len(self._results) > _MAX_RESULTS:
            self._results.pop(next(iter(self._results)))

    def forget_skill(self) -> None:
        """Forget the forecasters of the channel that was shown before."""
        self.skill = self.skill.iloc[:0]

    def outlook(self) -> Outlook | None:
        """Return what is shown of the channel; None where it has not been forecast.

        Returns
        -------
        Outlook or None
            `skill` belongs to it. A chosen forecaster that the channel lacks is forgotten.
        """
        results = self._results.get(self.key)
        if results is None:
            return None
        self.skill = skill_table(results)
        if self.forecaster not in results:
            self.forecaster = ""
        name = self.forecaster or str(self.skill["forecaster"].iloc[0])
        channel = self._session.channel(self.channel, "test")
        entry = self._session.catalog.channel(self.channel)
        limits: Mapping[str, float | None] = dict(entry.limits)
        parts, reason = None, ""
        try:
            parts = decomposition(self._session, self.channel)
        except DetectionError as error:  # the forecast is shown without it
            reason = str(error)
        history = max(_HISTORY * self.steps, _LEAST_HISTORY)
        return Outlook(
            forecaster=name,
            units=str(channel.attrs.get("units", "")) or entry.units,
            history=channel.isel(time=slice(-history, None)),
            forecast=outlook(self._session, self.channel, results[name]),
            limits={limit.replace("_", " "): value for limit, value in limits.items() if value is not None},
            by_lead=skill_by_lead(results),
            parts=parts,
            reason=reason,
            crossings=crossings(self._session, self.channel, results[name]),
        )
